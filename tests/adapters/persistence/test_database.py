"""Connections are as durable, as patient and as separate as the docs say."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from adapters.persistence.database import PATIENCE, Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from domain.errors import Unavailable
from tests.adapters.persistence.conftest import migrated, opened
from tests.domain.examples import ANNA, a_user
from tests.postgresql import PostgresServer

POOL = 3
FULL = 2
OPENS = """
import sys
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
import entrypoints.http.app

database = Database(sys.argv[1], pool_size=1)
SqlSchema(database).migrate()
with SqlStore(database).unit_of_work() as work:
    work.commit()
print([name for name in sys.modules if name.startswith("psycopg")])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "basalt.db"


def pragma(connection: Connection, name: str) -> object:
    return connection.execute(text(f"PRAGMA {name}")).scalar_one()


def setting(connection: Connection, name: str) -> object:
    return connection.execute(text(f"SHOW {name}")).scalar_one()


def test_every_sqlite_connection_is_durable_and_keeps_foreign_keys(file: Path) -> None:
    with opened(f"sqlite:///{file}", pool_size=POOL) as database, ExitStack() as stack:
        readers = [stack.enter_context(database.connect()) for _ in range(POOL)]
        writer = stack.enter_context(database.transaction())
        for connection in (writer, *readers):
            assert pragma(connection, "journal_mode") == "wal"
            assert pragma(connection, "synchronous") == FULL
            assert pragma(connection, "foreign_keys") == 1
            assert pragma(connection, "busy_timeout") == 2500
            assert pragma(connection, "mmap_size") == 0
        assert [pragma(reader, "query_only") for reader in readers] == [1] * POOL
        assert pragma(writer, "query_only") == 0


def test_a_sqlite_reader_cannot_write(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        with database.transaction() as connection:
            connection.execute(text("CREATE TABLE one (a)"))
            connection.commit()
        with database.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text("INSERT INTO one VALUES (1)"))


def test_a_sqlite_writer_has_the_write_lock_from_its_first_moment(file: Path) -> None:
    """One that read first and wanted to write then could fail at once, however patient it is."""
    with opened(f"sqlite:///{file}") as database, database.transaction():
        stranger = sqlite3.connect(file, timeout=0, isolation_level=None)
        with closing(stranger), pytest.raises(sqlite3.OperationalError, match="locked"):
            stranger.execute("BEGIN IMMEDIATE")


def test_the_folder_of_a_sqlite_file_is_made_for_its_owner_only(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database, database.connect():
        assert file.parent.stat().st_mode & 0o777 == 0o700


def test_closing_a_sqlite_database_leaves_one_file_without_a_log(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        SqlSchema(database).migrate()
        with database.connect() as connection:
            connection.execute(text("SELECT count(*) FROM users"))
        assert file.with_name("basalt.db-wal").exists()
    assert {each.name for each in file.parent.iterdir()} == {"basalt.db", "basalt.db.lock"}


def test_a_closed_database_keeps_no_file_open(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        SqlSchema(database).migrate()
    links = Path("/proc/self/fd").iterdir()
    assert not [link for link in links if str(file) in os.path.realpath(link)]


def test_a_postgresql_connection_speaks_utc_and_has_no_endless_patience(
    postgresql: PostgresServer, migrated_database: str
) -> None:
    url = postgresql.create_database(migrated_database)
    with opened(url) as database:
        for connect in (database.connect, database.transaction):
            with connect() as connection:
                assert setting(connection, "timezone") == "UTC"
                assert setting(connection, "lock_timeout") == "2500ms"
                assert setting(connection, "statement_timeout") == "2500ms"
                assert setting(connection, "idle_in_transaction_session_timeout") == "10s"
    postgresql.drop_database(url)


def test_a_reader_holds_no_transaction_open(database: Database) -> None:
    """What it sees is what is committed at each of its statements."""
    count = text("SELECT count(*) FROM users")
    with database.connect() as reader:
        assert reader.execute(count).scalar_one() == 0
        with SqlStore(database).unit_of_work() as work:
            work.users.add(a_user())
            work.commit()
        assert reader.execute(count).scalar_one() == 1


def test_whoever_finds_every_connection_taken_gives_up(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.persistence.database.PATIENCE", 0.5)
    with opened(empty_url, pool_size=1) as database:
        with database.connect(), pytest.raises(Unavailable):
            database.connect()
        with database.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_whoever_waits_too_long_for_a_held_user_gives_up(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(migrated(empty_url)) as database, SqlStore(database).unit_of_work() as work:
        work.users.add(a_user())
        work.commit()
    monkeypatch.setattr("adapters.persistence.database.PATIENCE", 0.5)
    with opened(empty_url) as database:
        store = SqlStore(database)

        def late() -> None:
            with store.unit_of_work() as work:
                work.users.lock(ANNA)

        with ThreadPoolExecutor(1) as threads, store.unit_of_work() as work:
            work.users.lock(ANNA)
            with pytest.raises(Unavailable):
                threads.submit(late).result(10)
        late()


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    store = SqlStore(database)
    barrier = Barrier(4)

    def read(_: int) -> object:
        barrier.wait(10)
        with store.reading() as see:
            return see.users.get(ANNA)

    with store.unit_of_work() as work, ThreadPoolExecutor(4) as threads:
        work.users.add(a_user())
        assert list(threads.map(read, range(4))) == [None] * 4


def test_the_operators_are_told_how_long_a_database_is_waited_for() -> None:
    told = Path(__file__).parents[3].joinpath("docs", "operations.md").read_text()
    assert f"`lock_timeout` and `statement_timeout` | {PATIENCE} s |" in told
    assert f"| connecting to PostgreSQL | {int(PATIENCE)} s |" in told
    assert f"`idle_in_transaction_session_timeout` | {4 * PATIENCE:g} s |" in told


def test_a_glance_after_its_connection_was_lost_has_repositories_of_a_new_one(file: Path) -> None:
    with opened(migrated(f"sqlite:///{file}")) as database:
        store = SqlStore(database)
        with database.glance() as driver, store.unit_of_work() as work:
            work.users.add(a_user())
            work.commit()
        with store.glancing() as see:
            assert see.users.get(ANNA) is not None
        driver.connection.invalidate()
        with store.glancing() as see:
            assert see.users.get(ANNA) is not None


def test_sqlite_loads_nothing_of_postgresql(tmp_path: Path) -> None:
    """That would be nine megabytes of each worker."""
    finished = subprocess.run(
        [sys.executable, "-c", OPENS, f"sqlite:///{tmp_path / 'basalt.db'}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "[]\n"
