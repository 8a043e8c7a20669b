"""The throw-away PostgreSQL keeps what it promises to the tests that stand on it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest
import sqlalchemy

from tests.postgresql import Installation, PostgresServer, PostgresUnavailable, installations

# One for each set of programs, run as the first user that may run them.
FOUND = {found.programs: found for found in reversed(list(installations()))}

# Starts a server, says where, and waits to be killed.
VICTIM = """
from tests.postgresql import PostgresServer
server = PostgresServer.start()
print(server.url("postgres"), flush=True)
input()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer.start() as server:
        yield server


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchone() if cursor.description else None


def remains(url: str) -> tuple[Path, int]:
    """Return the folder and the process of a server that listens on a socket."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    return folder, int((folder / "data" / "postmaster.pid").read_text().split()[0])


def running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    "installation", FOUND.values(), ids=[str(number) for number in range(len(FOUND))]
)
def test_every_installation_found_serves(installation: Installation) -> None:
    with PostgresServer.start(installation=installation) as server:
        assert ask(server.create_database(), "SELECT 1") == (1,)


def test_databases_are_isolated(server: PostgresServer) -> None:
    one, other = server.create_database(), server.create_database()
    ask(one, "CREATE TABLE note (id int)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        ask(other, "SELECT * FROM note")


def test_a_database_starts_as_a_copy_of_its_template(server: PostgresServer) -> None:
    template = server.create_database()
    ask(template, "CREATE TABLE note AS SELECT 7 AS id")
    assert ask(server.create_database(template), "SELECT id FROM note") == (7,)


def test_a_dropped_database_is_gone_whoever_is_connected(server: PostgresServer) -> None:
    url = server.create_database()
    with psycopg.connect(url):
        server.drop_database(url)
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")


def test_sqlalchemy_understands_the_url(server: PostgresServer) -> None:
    url = sqlalchemy.make_url(server.create_database()).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == url.database
    engine.dispose()


def test_stopping_leaves_neither_process_nor_folder() -> None:
    server = PostgresServer.start()
    folder, process = remains(server.url("postgres"))
    server.stop()
    assert not folder.exists()
    assert not running(process)
    server.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed_tests_leave_neither_process_nor_folder(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as victim:
        assert victim.stdout is not None
        folder, process = remains(victim.stdout.readline().decode().strip())
        victim.send_signal(how)
    deadline = time.monotonic() + 10
    while (folder.exists() or running(process)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()
    assert not running(process)


def test_a_durable_server_over_tcp_keeps_what_was_committed_through_a_crash() -> None:
    with PostgresServer.start(durable=True, tcp=True) as server:
        url = server.create_database()
        assert ask(url, "SHOW fsync") == ("on",)
        ask(url, "CREATE TABLE note AS SELECT 7 AS id")
        server.restart(abruptly=True)
        assert ask(url, "SELECT id FROM note") == (7,)


def test_a_paused_server_keeps_silent_until_it_is_resumed(server: PostgresServer) -> None:
    url = server.create_database()
    server.pause()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        ask(url, "SELECT 1")
    server.resume()
    assert ask(url, "SELECT 1") == (1,)


def test_somebody_elses_server_keeps_none_of_our_databases(server: PostgresServer) -> None:
    with PostgresServer.at(server.url("postgres")) as guest:
        url = guest.create_database()
        assert ask(url, "SELECT 1") == (1,)
        with pytest.raises(PostgresUnavailable):
            guest.restart()
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")


def test_without_any_postgresql_the_tests_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.postgresql.installations", lambda: iter(()))
    with pytest.raises(PostgresUnavailable, match="BASALT_TEST_DATABASE_URL"):
        PostgresServer.start()
