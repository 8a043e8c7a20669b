"""Proves what becomes of the service when its PostgreSQL is away, silent, full or forbidding."""

import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.black_box.faults import Person, causes, check_refusal, not_ready
from tests.black_box.server import BASALT, CHEAP, PATIENCE, Server, environment
from tests.postgresql import NoConnection, PostgresServer, connect

pytestmark = pytest.mark.black_box

POOL = 5
"""Connections of the service."""

CROWD = 40
"""Requests at one time: more than the service has threads."""

HANG_UPS = 300
"""Requests whose clients do not wait for the answer."""

OTHERS = 8
"""Connections that its role may have, when they are few."""

ROLE = "tenant"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresServer]:
    """Start a server of our own: the others' tests would not like what it goes through."""
    with PostgresServer.start(durable=True) as server:  # what it acknowledged is looked for
        yield server


@pytest.fixture(scope="module")
def database(postgresql: PostgresServer) -> str:
    """Return the address of a database for whoever may do everything."""
    url = postgresql.create_database()
    with closing(connect(url)) as boss:
        boss.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
        boss.execute(f"GRANT ALL ON SCHEMA public TO {ROLE}".encode())
    return url


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("faults")
    own = {"BASALT_DATABASE_URL": as_tenant(database), "BASALT_DB_POOL_SIZE": str(POOL)}
    server = Server(folder, environment(folder, **CHEAP | own))
    yield server
    server.kill()


@pytest.fixture
def ada(server: Server, database: str) -> Iterator[Person]:
    """Somebody new for each test; afterwards all is well, and no connection is left over."""
    ada = Person(server, f"{uuid.uuid4().hex}@example.com")
    yield ada
    ada.is_well()
    deadline = time.monotonic() + PATIENCE
    while (found := connections(database))[0] > POOL or found[1]:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def as_tenant(url: str) -> str:
    return url.replace("user=basalt", f"user={ROLE}")


def connections(database: str) -> tuple[int, int]:
    """Return how many connections the service has, and how many of them are in the middle."""
    counting = (
        "SELECT count(*), count(*) FILTER (WHERE state <> 'idle')"
        " FROM pg_stat_activity WHERE usename = %s"
    )
    with closing(connect(database)) as boss:
        found = boss.execute(counting, [ROLE]).fetchone()
    assert found is not None
    return found[0], found[1]


def cut_all(database: str) -> None:
    """End every connection of the service from the server's side."""
    with closing(connect(database)) as boss:
        boss.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
            [ROLE],
        )


def test_a_database_that_is_away_is_told_at_once_and_found_again_at_once(
    ada: Person, postgresql: PostgresServer
) -> None:
    ada.is_served(*ada.reads)
    postgresql.halt()
    try:
        ada.is_refused(*ada.reads, *ada.writes)
        not_ready(ada.server)
    finally:
        postgresql.launch()
    ada.is_served(*ada.writes)


def test_a_restart_between_two_requests_is_not_even_noticed(
    ada: Person, postgresql: PostgresServer
) -> None:
    ada.is_served(*ada.reads, *ada.writes)
    postgresql.restart(abruptly=True)
    ada.is_served(*ada.writes, *ada.reads)


def test_connections_that_were_cut_fail_nobody_but_those_in_the_middle(
    ada: Person, database: str
) -> None:
    kept: list[str] = []
    refused: list[httpx.Response] = []
    enough = threading.Event()

    def create() -> None:
        with ada.client() as client:
            while not enough.is_set():
                answer = client.post("/v1/items", json={"title": "Wicks"})
                if answer.is_success:
                    kept.append(answer.headers["Location"])
                else:
                    refused.append(answer)

    cuts, writers = 5, [threading.Thread(target=create) for _ in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(cuts):
        time.sleep(0.1)
        cut_all(database)
    enough.set()
    for writer in writers:
        writer.join()
    cut_all(database)
    for answer in refused:
        check_refusal(answer)
    assert len(refused) <= cuts * len(writers)
    assert kept
    with ada.client() as client:
        assert all(client.get(path).is_success for path in kept)


def test_clients_who_hang_up_leave_no_connection_behind(ada: Person) -> None:
    place = urlsplit(ada.server.url)
    head = f"Host: {place.netloc}\r\nAuthorization: Bearer {ada.tokens.access}\r\n"
    body = '{"title": "Wicks"}'
    asked = f"POST /v1/items HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
    asked += f"Content-Length: {len(body)}\r\n\r\n{body}"
    for _ in range(HANG_UPS):
        with socket.create_connection((place.hostname, place.port), PATIENCE) as client:
            client.sendall(asked.encode())


def test_a_server_that_stands_still_holds_nobody_longer_than_promised(
    ada: Person, postgresql: PostgresServer
) -> None:
    ada.is_served(*ada.reads)
    postgresql.pause()
    try:
        ada.is_refused(*ada.reads, *ada.writes, *[ada.reads[0]] * CROWD)
        not_ready(ada.server)
    finally:
        postgresql.resume()
    ada.is_served(*ada.writes, *ada.reads)


LOCKED = {
    "an item": ("SELECT FROM items WHERE id = %(item)s FOR UPDATE", 1),
    "a feed": ("SELECT FROM feeds WHERE user_id = %(user)s FOR UPDATE", 0),
    "a user": ("SELECT FROM users WHERE id = %(user)s FOR UPDATE", 3),
}


@pytest.mark.parametrize(("statement", "write"), LOCKED.values(), ids=LOCKED)
def test_a_row_that_a_stranger_holds_fails_who_needs_it_and_nobody_else(
    ada: Person, database: str, statement: str, write: int
) -> None:
    with closing(connect(database, autocommit=False)) as stranger:
        held = stranger.execute(statement.encode(), {"item": ada.item_id, "user": ada.user_id})
        assert held.rowcount == 1
        ada.is_refused(ada.writes[write])
        ada.is_served(*ada.reads)
    ada.is_served(ada.writes[write])


def test_a_table_that_a_stranger_holds_fails_whoever_needs_it(ada: Person, database: str) -> None:
    with closing(connect(database, autocommit=False)) as stranger:
        stranger.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        ada.is_refused(*ada.reads, *[ada.writes[0]] * CROWD)
    ada.is_served(*ada.reads, *ada.writes)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"


def test_whoever_loses_to_a_deadlock_tries_again_and_does_not_hear_of_it(
    ada: Person, database: str
) -> None:
    """A stranger holds the feed that a change ends with, and wants the item it begins with."""
    with (
        ThreadPoolExecutor(2) as threads,
        closing(connect(database)) as boss,
        closing(connect(database, autocommit=False)) as stranger,
    ):
        stranger.execute("SELECT FROM feeds WHERE user_id = %s FOR UPDATE", [ada.user_id])
        edited = threads.submit(ada.answered, ada.writes[1])
        while boss.execute(WAITING, [ROLE]).fetchone() != (1,):
            assert not edited.done()
            time.sleep(0.01)
        stranger.execute("SELECT FROM items WHERE id = %s FOR UPDATE", [ada.item_id])
        stranger.rollback()
        answer = edited.result()
    assert answer.is_success, answer.text
    assert answer.json()["version"] == 2


@contextmanager
def altered(database: str, change: bytes, back: bytes) -> Iterator[None]:
    """Change something, for connections that are new, as all of the service's then are."""
    with closing(connect(database)) as boss:
        boss.execute(change)
        cut_all(database)
        try:
            yield
        finally:
            boss.execute(back)
            cut_all(database)


def all_taken(database: str) -> ExitStack:
    """Take every connection that the service's role may have; it may be as fast, and is cut."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with ExitStack() as taken:
            try:
                for _ in range(OTHERS):
                    taken.enter_context(closing(connect(as_tenant(database))))
            except NoConnection:
                cut_all(database)
            else:
                return taken.pop_all()
    raise AssertionError("the service is always faster")


def test_a_server_without_connections_to_spare_is_told_and_waited_for(
    ada: Person, database: str
) -> None:
    with altered(
        database,
        f"ALTER ROLE {ROLE} CONNECTION LIMIT {OTHERS}".encode(),
        f"ALTER ROLE {ROLE} CONNECTION LIMIT -1".encode(),
    ):
        with all_taken(database):
            ada.is_refused(*ada.reads, *ada.writes)
            not_ready(ada.server)
        ada.is_served(*ada.reads, *ada.writes)


FORBIDDEN = {
    "read-only": (
        f"ALTER ROLE {ROLE} SET default_transaction_read_only = on",
        f"ALTER ROLE {ROLE} RESET default_transaction_read_only",
        "ReadOnlySqlTransaction",
    ),
    "without the right to change items": (
        f"REVOKE INSERT, UPDATE ON items, sessions FROM {ROLE}",
        f"GRANT INSERT, UPDATE ON items, sessions TO {ROLE}",
        "InsufficientPrivilege",
    ),
}


@pytest.mark.parametrize(("change", "back", "cause"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_database_that_may_not_be_changed_can_still_be_read(
    ada: Person, database: str, change: str, back: str, cause: str
) -> None:
    with altered(database, change.encode(), back.encode()):
        ada.is_refused(*ada.writes)
        ada.is_served(*ada.reads)
    ada.is_served(*ada.writes)
    assert cause in causes(ada.server)


CLERK = "clerk"
RIGHTS = (
    f"CREATE ROLE {CLERK} LOGIN",
    f"GRANT USAGE ON SCHEMA public TO {CLERK}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {CLERK}",
)
"""All that a service needs that does not migrate; docs/operations.md says so."""


def test_a_migrated_database_is_served_without_the_right_to_change_its_tables(
    postgresql: PostgresServer, tmp_path: Path
) -> None:
    url = postgresql.create_database()
    own = environment(tmp_path, **CHEAP | {"BASALT_DATABASE_URL": url})
    subprocess.run([BASALT, "migrate"], cwd=tmp_path, env=own, check=True, capture_output=True)
    with closing(connect(url)) as boss:
        for right in RIGHTS:
            boss.execute(right.encode())
    as_clerk = url.replace("user=basalt", f"user={CLERK}")
    server = Server(tmp_path, own | {"BASALT_DATABASE_URL": as_clerk})
    try:
        bob = Person(server, "bob@example.com")
        bob.is_served(*bob.reads, *bob.writes)
        bob.is_served(lambda client: client.delete(bob.path))
        with (
            closing(connect(as_clerk)) as clerk,
            pytest.raises(Exception, match="must be owner"),
        ):
            clerk.execute("DROP TABLE items")
    finally:
        server.stop()
