"""Units of work that one thread stores together: each alone, and all of them at the end."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from adapters.persistence.database import Database
from adapters.persistence.unit_of_work import SqlStore
from domain.access import UserId
from domain.errors import Conflicted, EmailTaken, TokenRevoked, Unavailable
from tests.domain.examples import a_user, uuid


@pytest.fixture
def database(sqlite_file: Database) -> Database:
    return sqlite_file


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


def add(store: SqlStore, number: int, *, email: str | None = None, commits: bool = True) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=uuid(number), email=email or f"{number}@example.com"))
        if commits:
            work.commit()


def there(store: SqlStore) -> set[int]:
    with store.reading() as see:
        return {number for number in range(9) if see.users.get(UserId(uuid(number)))}


def test_nothing_is_stored_before_the_end_and_all_of_it_then(store: SqlStore) -> None:
    with store.together():
        add(store, 1)
        add(store, 2)
        assert there(store) == set()
    assert there(store) == {1, 2}


def test_one_that_changed_nothing_is_undone_alone(store: SqlStore) -> None:
    with store.together():
        add(store, 1)
        with store.unit_of_work() as work:
            assert work.users.get(UserId(uuid(1))) is not None
        add(store, 2)
    assert there(store) == {1, 2}


def spoil(store: SqlStore) -> None:
    with store.together():
        add(store, 1)
        add(store, 2, commits=False)
        with pytest.raises(Unavailable):
            add(store, 3)


def test_one_that_changed_something_and_was_not_committed_undoes_all(store: SqlStore) -> None:
    with pytest.raises(Conflicted):
        spoil(store)
    add(store, 4)
    assert there(store) == {4}


def test_it_undoes_nothing_of_whoever_was_before_in_the_same_commit(
    store: SqlStore, database: Database
) -> None:
    with ThreadPoolExecutor(1) as threads:
        with store.unit_of_work() as first:
            first.users.add(a_user(id=uuid(8), email="8@example.com"))
            spoiling = threads.submit(spoil, store)
            while not database._groups._waiting:  # noqa: SLF001  # nothing else shows it
                time.sleep(0.001)
            first.commit()
        with pytest.raises(Conflicted):
            spoiling.result(10)
    assert there(store) == {8}


def test_what_was_not_committed_is_undone_alone_where_each_is(store: SqlStore) -> None:
    with store.together(each_alone=True):
        add(store, 1)
        add(store, 2, commits=False)
        with pytest.raises(EmailTaken):
            add(store, 3, email="1@example.com")
        add(store, 4)
    assert there(store) == {1, 4}


def test_each_sees_what_those_before_it_did(store: SqlStore) -> None:
    with store.together():
        add(store, 1)
        with store.unit_of_work() as work:
            assert work.users.get(UserId(uuid(1))) is not None


def test_no_page_is_copied_so_that_one_could_be_undone_alone(
    store: SqlStore, database: Database
) -> None:
    said: list[str] = []
    with database.unit_of_work() as part:
        part.driver.raw.set_trace_callback(said.append)
    said.clear()
    with store.together():
        add(store, 2)
        add(store, 3)
    assert [words.split()[0] for words in said] == ["BEGIN", "INSERT", "INSERT", "COMMIT"]


def test_if_the_end_is_not_reached_nothing_is_stored(store: SqlStore) -> None:
    def fail() -> None:
        with store.together():
            add(store, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert there(store) == set()
    add(store, 2)
    assert there(store) == {2}


def break_it(database: Database) -> None:
    """Undo the whole transaction, as SQLite does by itself when the disk is full."""
    with database.unit_of_work() as part:
        part.driver.raw.execute("ROLLBACK")


def test_a_transaction_that_broke_takes_all_of_them_with_it(
    store: SqlStore, database: Database
) -> None:
    def write() -> None:
        with store.together():
            add(store, 1)
            break_it(database)
            with pytest.raises(Unavailable):
                add(store, 2)

    with pytest.raises(Unavailable):
        write()
    add(store, 3)
    assert there(store) == {3}


def fail_at_the_end(store: SqlStore, database: Database) -> None:
    """Break a foreign key in a way that SQLite sees at the commit only: it stays in between."""
    with store.together():
        add(store, 1)
        with database.unit_of_work() as part:
            part.driver.raw.execute("PRAGMA defer_foreign_keys = ON")
            part.driver.raw.execute("INSERT INTO feeds VALUES ('nobody', 0, 0)")
            part.commit()


def test_a_commit_that_failed_holds_nobody_up(store: SqlStore, database: Database) -> None:
    with pytest.raises(TokenRevoked):
        fail_at_the_end(store, database)
    with closing(sqlite3.connect(database.file, timeout=0)) as another:
        another.execute("BEGIN IMMEDIATE")
    add(store, 2)
    assert there(store) == {2}


def test_others_write_before_or_after_and_never_between(store: SqlStore) -> None:
    begun = threading.Event()

    def other() -> None:
        begun.set()
        add(store, 8)

    with ThreadPoolExecutor(1) as threads:
        with store.together():
            add(store, 1)
            writing = threads.submit(other)
            assert begun.wait(10)
            with store.unit_of_work() as work:
                assert work.users.get(UserId(uuid(8))) is None
        writing.result(10)
    assert there(store) == {1, 8}
