"""The schema in a database is known for what it is, and brought up to date by one at a time."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from adapters.persistence import schema
from adapters.persistence.database import Database
from adapters.persistence.schema import NEWEST, SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from application.ports.store import SchemaState
from domain.errors import Unavailable
from tests.adapters.persistence.conftest import opened
from tests.domain.examples import ANNA, a_user

ROOT = Path(__file__).parents[3]

# Waits for a line, then migrates.
MIGRATOR = """
import sys
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
database = Database(sys.argv[1], pool_size=2)
print("ready", flush=True)
sys.stdin.readline()
SqlSchema(database).migrate()
print(SqlSchema(database).state().name)
database.close()
"""


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    with opened(empty_url) as database:
        yield database


def run(database: Database, *statements: str, **parameters: str) -> None:
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement), parameters)
        connection.commit()


def works(database: Database) -> bool:
    with SqlStore(database).unit_of_work() as work:
        work.users.add(a_user())
        return work.users.get(ANNA) == a_user()


def test_the_newest_step_is_the_last_of_the_migrations() -> None:
    steps = sorted((Path(schema.__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    assert steps[-1].name.partition("_")[0] == NEWEST
    assert [step.name.partition("_")[0] for step in steps] == [
        f"{number + 1:04}" for number in range(len(steps))
    ]


def test_an_empty_database_is_empty_and_then_current(empty: Database) -> None:
    assert SqlSchema(empty).state() is SchemaState.EMPTY
    assert not SqlSchema(empty).is_current()
    SqlSchema(empty).migrate()
    assert SqlSchema(empty).state() is SchemaState.CURRENT
    assert SqlSchema(empty).is_current()
    assert works(empty)


def test_migrating_what_is_current_changes_nothing(database: Database) -> None:
    with SqlStore(database).unit_of_work() as work:
        work.users.add(a_user())
        work.commit()
    SqlSchema(database).migrate()
    with SqlStore(database).reading() as see:
        assert see.users.get(ANNA) == a_user()


def test_sqlite_migrates_by_itself_and_postgresql_when_it_is_told(database: Database) -> None:
    assert SqlSchema(database).migrates_by_itself is database.is_sqlite


def test_an_older_schema_is_outdated(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "NEWEST", "9999")
    assert SqlSchema(database).state() is SchemaState.OUTDATED
    assert not SqlSchema(database).is_current()


def test_a_newer_schema_is_newer_and_is_left_alone(database: Database) -> None:
    run(database, "UPDATE alembic_version SET version_num = '9999'")
    assert SqlSchema(database).state() is SchemaState.NEWER
    assert not SqlSchema(database).is_current()
    SqlSchema(database).migrate()
    assert SqlSchema(database).state() is SchemaState.NEWER


def test_another_applications_tables_are_foreign_and_are_left_alone(empty: Database) -> None:
    run(empty, "CREATE TABLE orders (a integer)")
    assert SqlSchema(empty).state() is SchemaState.FOREIGN
    assert not SqlSchema(empty).is_current()
    SqlSchema(empty).migrate()
    assert SqlSchema(empty).state() is SchemaState.FOREIGN


@pytest.mark.parametrize("revision", ["ae1027a6acf", NEWEST])
def test_another_applications_migrations_are_foreign_too(empty: Database, revision: str) -> None:
    run(
        empty,
        "CREATE TABLE orders (a integer)",
        "CREATE TABLE alembic_version (version_num varchar(32))",
        "INSERT INTO alembic_version VALUES (:revision)",
        revision=revision,
    )
    assert SqlSchema(empty).state() is SchemaState.FOREIGN
    assert not SqlSchema(empty).is_current()


@pytest.mark.parametrize("url", ["sqlite:////dev/null/basalt.db", "postgresql://127.0.0.1:1/none"])
def test_a_database_that_does_not_answer_is_unavailable_and_not_current(url: str) -> None:
    with opened(url) as database:
        with pytest.raises(Unavailable):
            SqlSchema(database).state()
        with pytest.raises(Unavailable):
            SqlSchema(database).migrate()
        assert not SqlSchema(database).is_current()


def test_threads_side_by_side_migrate_an_empty_database_once(empty_url: str) -> None:
    barrier = Barrier(4)

    def migrate(_: int) -> SchemaState:
        with opened(empty_url) as database:
            barrier.wait(10)
            SqlSchema(database).migrate()
            return SqlSchema(database).state()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(migrate, range(4))) == [SchemaState.CURRENT] * 4
    with opened(empty_url) as database:
        assert works(database)


def test_processes_side_by_side_migrate_an_empty_database_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", MIGRATOR, empty_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=30) for process in processes]
    assert outputs == [("CURRENT\n", "")] * 2
    with opened(empty_url) as database:
        assert works(database)
