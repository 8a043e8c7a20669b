"""A database that fails says so in the domain's words, changes nothing, and works again."""

import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from application.ports.store import SchemaState
from domain.errors import Unavailable
from tests.adapters.persistence.conftest import POOL_SIZE, opened
from tests.domain.examples import ANNA, a_user
from tests.postgresql import PostgresServer

CUT_ALL = text(
    "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


def cut_all(url: str) -> None:
    """End every connection to a database from the server's side, as a restart does, and wait."""
    with opened(url, pool_size=1) as database, database.connect() as connection:
        connection.execute(CUT_ALL)


def outcome(store: SqlStore) -> str:
    """Try to look; say how it went."""
    try:
        with store.reading() as see:
            see.users.get(ANNA)
    except Unavailable:
        return "unavailable"
    return "answered"


def test_connections_that_were_cut_meanwhile_fail_no_look(url: str) -> None:
    with opened(url) as database:
        store = SqlStore(database)
        with ExitStack() as stack:
            for _ in range(POOL_SIZE):
                stack.enter_context(database.connect())
        cut_all(url)
        outcomes = [outcome(store) for _ in range(POOL_SIZE)]
    assert outcomes == ["answered"] * POOL_SIZE


def test_a_unit_of_work_that_is_cut_stores_nothing_and_the_next_one_works(url: str) -> None:
    with opened(url) as database:
        store = SqlStore(database)
        with pytest.raises(Unavailable):
            _add_and_be_cut(store, url)
        with store.unit_of_work() as work:
            assert work.users.get(ANNA) is None
            work.users.add(a_user())
            work.commit()


def _add_and_be_cut(store: SqlStore, url: str) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        cut_all(url)
        work.commit()


def test_a_cut_is_no_lasting_harm_to_the_schemas_state(url: str) -> None:
    with opened(url) as database:
        schema = SqlSchema(database)
        assert schema.is_current()
        cut_all(url)
        schema.is_current()
        assert schema.is_current()
        cut_all(url)
        with suppress(Unavailable):
            schema.state()
        assert schema.state() is SchemaState.CURRENT


def test_a_database_that_is_not_there_is_unavailable(postgresql: PostgresServer) -> None:
    with opened(postgresql.url("no_such_database")) as database:
        assert outcome(SqlStore(database)) == "unavailable"
        with pytest.raises(Unavailable), SqlStore(database).unit_of_work():
            pass


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "basalt.db"
    file.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with opened(f"sqlite:///{file}") as database:
        assert outcome(SqlStore(database)) == "unavailable"


def test_a_sqlite_file_that_a_stranger_locks_is_unavailable_for_writing_only(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.persistence.database.PATIENCE", 0.1)
    file = tmp_path / "basalt.db"
    file.write_bytes(migrated_file.read_bytes())
    with opened(f"sqlite:///{file}") as database:
        store = SqlStore(database)
        assert outcome(store) == "answered"
        stranger = sqlite3.connect(file, isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable), store.unit_of_work():
            pass
        assert outcome(store) == "answered"
        stranger.close()
        with store.unit_of_work() as work:
            work.users.add(a_user())
            work.commit()
