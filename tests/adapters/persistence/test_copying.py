"""What is copied to PostgreSQL is the same to the last bit, however often it was interrupted."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select
from sqlmodel import SQLModel

from adapters.persistence import copying
from adapters.persistence.copying import SqlMover
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.tables import UserRow, table
from adapters.persistence.unit_of_work import SqlStore
from application.moving import CopyStore
from application.ports.store import SchemaState
from application.starting import PLACE
from domain.access import UserId
from domain.errors import StoreUnfit
from domain.item import ItemId
from tests.adapters.persistence.conftest import opened
from tests.adapters.persistence.item_examples import WORDS
from tests.adapters.persistence.test_migrations import fill, go
from tests.domain.examples import ANNA, ITEM, NOW, a_user, an_item, uuid
from tests.postgresql import PostgresServer

ITEMS = 30
QUIET = lambda *_: None  # noqa: E731  # nobody looks at the progress


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 7)


@pytest.fixture
def source(databases: dict[str, Database]) -> Database:
    """A SQLite database with something of everything in it."""
    database = databases["sqlite"]
    store = SqlStore(database)
    fill(store)
    with store.unit_of_work() as work:
        for number, text in enumerate(WORDS):
            work.items.add(an_item(id=ItemId(uuid(500 + number)), title=text))
        for number in range(ITEMS):
            id = ItemId(uuid(1000 + number))
            work.items.add(an_item(id=id, attributes={"number": number, "big": 2**70, "π": 0.1}))
            work.changes.note(id, [ANNA], at=NOW)
        work.commit()
    return database


@pytest.fixture
def target(postgresql: PostgresServer) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    url = postgresql.create_database()
    with opened(url) as database:
        yield database
    postgresql.drop_database(url)


def count(database: Database) -> int:
    with database.connect() as connection:
        return sum(
            connection.execute(select(func.count()).select_from(each)).scalar_one()
            for each in SQLModel.metadata.sorted_tables
        )


def test_every_table_is_the_same_on_both_sides(source: Database, target: Database) -> None:
    seen: list[tuple[str, int, int]] = []
    copied = CopyStore()(SqlMover(source, target), lambda *step: seen.append(step))
    assert {each.name for each in copied} == {each.name for each in SQLModel.metadata.sorted_tables}
    assert sum(each.rows for each in copied) == count(source) == count(target)
    assert ("comparing items", 1 + ITEMS + len(WORDS), 1 + ITEMS + len(WORDS)) in seen
    for database in (source, target):
        with SqlStore(database).reading() as see:
            assert see.items.get(ITEM) == an_item()
            assert see.items.get(ItemId(uuid(1003))).attributes["big"] == 2**70  # type: ignore[union-attr]  # it is there


def test_what_was_interrupted_goes_on_where_it_was(
    source: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(what: str, done: int, _: int) -> None:
        if what == "copying items" and done >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CopyStore()(SqlMover(source, target), interrupt)
    begun = count(target)
    assert 0 < begun < count(source)
    changes: list[str] = []
    transaction = Database.transaction

    def counted(database: Database) -> AbstractContextManager[Connection]:
        changes.append("one")
        return transaction(database)

    monkeypatch.setattr(Database, "transaction", counted)
    CopyStore()(SqlMover(source, target), QUIET)
    assert count(target) == count(source)
    assert changes
    changes.clear()
    CopyStore()(SqlMover(source, target), QUIET)
    assert changes == []  # all was there and the same


def test_what_changed_meanwhile_is_brought_after(source: Database, target: Database) -> None:
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(source).unit_of_work() as work:
        work.users.add(a_user(id=UserId(uuid(77)), email="late@example.com"))
        item = work.items.lock(ITEM)
        assert item is not None
        work.items.save(replace(item, title="Another", version=2), before=item)
        work.items.remove(an_item(id=ItemId(uuid(1000))))
        work.commit()
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(target).reading() as see:
        assert see.users.get(UserId(uuid(77))) is not None
        assert see.items.get(ItemId(uuid(1000))) is None
        assert see.items.get(ITEM).title == "Another"  # type: ignore[union-attr]  # it is there


def test_a_database_that_is_in_use_is_left_alone(source: Database, target: Database) -> None:
    SqlSchema(target).migrate()
    with SqlStore(target).unit_of_work() as work:
        work.users.add(a_user(id=UserId(uuid(9)), email="other@example.com"))
        work.commit()
    with pytest.raises(StoreUnfit, match="in use already"):
        CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(target).reading() as see:
        assert see.users.get(UserId(uuid(9))) is not None
        assert see.users.get(ANNA) is None


def test_only_sqlite_moves_and_only_to_postgresql(source: Database, target: Database) -> None:
    for here, there in ((source, source), (target, source)):
        with pytest.raises(StoreUnfit, match="Only SQLite is copied"):
            SqlMover(here, there).check()


def test_a_difference_is_found(
    source: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    CopyStore()(SqlMover(source, target), QUIET)
    with target.transaction() as connection:
        connection.execute(table(UserRow).update().values(display_name="Somebody else"))
        connection.commit()
    monkeypatch.setattr(SqlMover, "_bring", lambda *_: None)
    with pytest.raises(StoreUnfit, match="users differ"):
        CopyStore()(SqlMover(source, target), QUIET)


def test_what_was_worked_on_since_is_left_alone(source: Database, target: Database) -> None:
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(target).unit_of_work() as work:
        work.vault.put(PLACE, b"sealed")  # as every start on a database does
        work.items.add(an_item(id=ItemId(uuid(7777))))
        work.commit()
    with pytest.raises(StoreUnfit, match="worked on already"):
        CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(target).reading() as see:
        assert see.items.get(ItemId(uuid(7777))) is not None


def test_an_address_that_is_somebody_elses_by_now_goes_with_them(
    source: Database, target: Database
) -> None:
    bob, eve, new = (UserId(uuid(number)) for number in (70, 71, 72))
    with SqlStore(source).unit_of_work() as work:
        work.users.add(a_user(id=bob, email="bob@example.com"))
        work.users.add(a_user(id=eve, email="eve@example.com"))
        work.items.add(an_item(id=ItemId(uuid(8000)), owner_id=eve))
        work.commit()
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(source).unit_of_work() as work:
        work.users.remove(bob)
        work.users.save(a_user(id=eve, email="eve.moved@example.com"))
        work.users.add(a_user(id=new, email="bob@example.com"))
        work.users.save(a_user(email="eve@example.com"))  # Anna takes Eve's
        work.commit()
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(target).reading() as see:
        found = {id: see.users.get(id) for id in (ANNA, bob, eve, new)}
    assert {id: user and user.email for id, user in found.items()} == {
        ANNA: "eve@example.com",
        bob: None,
        eve: "eve.moved@example.com",
        new: "bob@example.com",
    }


def test_what_somebody_owns_is_not_written_again_because_they_changed(
    source: Database, target: Database
) -> None:
    CopyStore()(SqlMover(source, target), QUIET)
    with SqlStore(source).unit_of_work() as work:
        work.users.save(a_user(display_name="Anna Amalia"))
        work.commit()

    with target.connect() as connection:
        written = "SELECT max(xmin::text::bigint) FROM items"
        before = connection.exec_driver_sql(written).scalar_one()
    CopyStore()(SqlMover(source, target), QUIET)
    with target.connect() as connection:
        assert connection.exec_driver_sql(written).scalar_one() == before


def test_what_is_written_while_it_is_copied_comes_with_the_next_run(
    source: Database, target: Database
) -> None:
    def write(what: str, _: int, __: int) -> None:
        if what == "copying items":
            with SqlStore(source).unit_of_work() as work:
                work.items.add(an_item(id=ItemId(uuid(9000 + len(late)))))
                work.changes.note(ItemId(uuid(9000 + len(late))), [ANNA], at=NOW)
                late.append(what)
                work.commit()

    late: list[str] = []
    CopyStore()(SqlMover(source, target), write)
    assert late
    CopyStore()(SqlMover(source, target), QUIET)
    assert count(target) == count(source)


def test_two_copies_into_one_database_do_not_meet(source: Database, target: Database) -> None:
    outcomes: list[str] = []

    def begin_another(what: str, _: int, __: int) -> None:
        if not outcomes:
            try:
                CopyStore()(SqlMover(source, target), QUIET)
            except StoreUnfit as failure:
                outcomes.append(failure.remedy)

    CopyStore()(SqlMover(source, target), begin_another)
    assert outcomes == ["Another copy into this database is at work."]
    assert count(target) == count(source)


def test_it_says_which_of_the_two_does_not_answer(source: Database) -> None:
    with (
        opened("postgresql+psycopg://nobody@127.0.0.1:1/nothing") as nowhere,
        pytest.raises(StoreUnfit, match="other database does not answer"),
    ):
        CopyStore()(SqlMover(source, nowhere), QUIET)


def test_somebody_elses_older_database_is_not_even_migrated(
    source: Database, target: Database
) -> None:
    go(target, "0003")
    with target.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO vault VALUES ('audit chain', 'theirs')")
        connection.commit()
    with pytest.raises(StoreUnfit, match="in use already"):
        CopyStore()(SqlMover(source, target), QUIET)
    assert SqlSchema(target).state() is SchemaState.OUTDATED
