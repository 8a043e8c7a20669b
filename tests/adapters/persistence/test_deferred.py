"""On PostgreSQL, what a unit of work need not wait for goes with what comes next, or is it all."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import psycopg
import pytest
from psycopg import Cursor, sql
from sqlalchemy import text

from adapters.persistence.database import PATIENCE, Database
from adapters.persistence.deferred import DeferredStatements
from adapters.persistence.postgresql import PatientConnection
from adapters.persistence.unit_of_work import SqlStore
from application.items import viewers_of
from application.ports.store import UnitOfWork
from domain.errors import EmailTaken, TokenRevoked, Unavailable
from domain.item import Item, ItemEdit, ItemId
from domain.sharing import GrantRole
from tests.adapters.persistence.conftest import opened
from tests.adapters.persistence.sharing_house import SharingHouse
from tests.adapters.persistence.test_failures import cut_all
from tests.domain.examples import ANNA, BERT, ITEM, NOW, a_user, an_item, uuid


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(url) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlStore:
    store = SqlStore(database)
    with store.unit_of_work() as work:
        work.users.add(a_user())
        work.commit()
    return store


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of what the server was told, one for each trip."""
    told: list[str] = []
    execute, commit = Cursor.execute, PatientConnection.commit

    def telling_execute(cursor: Cursor, text: str, *values: Any, **how: Any) -> Cursor:
        told.append(text.partition(" ")[0])
        return execute(cursor, text, *values, **how)

    def telling_commit(connection: PatientConnection) -> None:
        if not connection.is_idle:
            told.append("COMMIT")
        commit(connection)

    monkeypatch.setattr(Cursor, "execute", telling_execute)
    monkeypatch.setattr(PatientConnection, "commit", telling_commit)
    return told


def created(work: UnitOfWork) -> Item:
    item = an_item()
    work.items.add(item)
    work.changes.note(item.id, [ANNA], at=NOW)
    return item


def create(store: SqlStore, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    with store.unit_of_work() as work:
        created(work)
        meanwhile()
        work.commit()


def edited(work: UnitOfWork, title: str) -> None:
    before = work.items.lock(ITEM)
    assert before
    after = before.edited(ItemEdit(title=title), now=NOW)
    viewers = viewers_of(work, after)
    work.items.save(after, before=before)
    work.changes.note(after.id, viewers, at=NOW)


def kept(store: SqlStore) -> tuple[Item | None, list[int]]:
    """Return what there is of the item, and the numbers of what a follower is told."""
    with store.reading() as see:
        changes = see.changes.since(ANNA, 0, limit=9)
        return see.items.get(ITEM), [change.number for change in changes]


def test_creating_an_item_is_one_trip(store: SqlStore, trips: list[str]) -> None:
    create(store)
    assert trips == ["WITH"]
    assert kept(store) == (an_item(), [1])


def test_what_waited_goes_with_the_last_change(store: SqlStore, trips: list[str]) -> None:
    create(store)
    trips.clear()
    with store.unit_of_work() as work:
        edited(work, "after")
        work.commit()
    assert trips == ["BEGIN", "SELECT", "SELECT", "DELETE", "WITH", "COMMIT"]
    item, numbers = kept(store)
    assert item
    assert (item.title, numbers) == ("after", [2])


def test_whoever_looks_sees_what_waited(store: SqlStore, trips: list[str]) -> None:
    with store.unit_of_work() as work:
        created(work)
        assert work.items.get(ITEM) == an_item()
        work.commit()
    assert trips == ["BEGIN", "WITH", "SELECT", "WITH", "COMMIT"]
    assert kept(store) == (an_item(), [1])


def test_what_waits_is_lost_with_its_unit(store: SqlStore, trips: list[str]) -> None:
    with store.unit_of_work() as work:
        created(work)
    assert trips == []
    assert kept(store) == (None, [])


def test_two_of_a_kind_are_two_statements(store: SqlStore, trips: list[str]) -> None:
    first, second = an_item(), an_item(id=ItemId(uuid(22)), title="another")
    with store.unit_of_work() as work:
        work.items.add(first)
        work.items.add(second)
        work.commit()
    assert trips == ["BEGIN", "WITH", "WITH", "COMMIT"]
    with store.reading() as see:
        assert [see.items.get(each.id) for each in (first, second)] == [first, second]


def test_the_same_row_is_not_changed_twice_by_one_statement(store: SqlStore) -> None:
    with store.unit_of_work() as work:
        item = created(work)
        for title in ("one", "two", "three"):
            before, item = item, item.edited(ItemEdit(title=title), now=NOW)
            work.items.save(item, before=before)
        work.commit()
    assert kept(store) == (item, [1])


def test_what_fails_together_is_stored_in_no_part(store: SqlStore) -> None:
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    with pytest.raises(TokenRevoked):
        create(store)
    assert kept(store) == (None, [])


def test_whoever_is_cut_off_with_all_of_it_waiting_stores_nothing(
    store: SqlStore, url: str
) -> None:
    with pytest.raises(Unavailable):
        create(store, meanwhile=lambda: cut_all(url))
    assert kept(store) == (None, [])
    create(store)
    assert kept(store) == (an_item(), [1])


def test_a_unit_that_failed_at_its_commit_is_over(store: SqlStore) -> None:
    with store.unit_of_work() as work:
        work.items.add(an_item(owner_id=BERT))  # nobody has that id
        work.changes.note(ITEM, [ANNA], at=NOW)
        with pytest.raises(TokenRevoked):
            work.commit()
        with pytest.raises(RuntimeError):
            work.commit()
    assert kept(store) == (None, [])


def test_a_unit_that_failed_before_is_not_said_to_be_stored(store: SqlStore) -> None:
    with store.unit_of_work() as work:
        with pytest.raises(EmailTaken):
            work.users.add(a_user(id=BERT))
        with pytest.raises(Unavailable):
            work.commit()


def test_a_unit_whose_connection_is_lost_goes_on_with_no_other(store: SqlStore, url: str) -> None:
    with store.unit_of_work() as work:
        work.users.get(ANNA)
        cut_all(url)
        with pytest.raises(Unavailable):
            work.items.get(ITEM)
        with pytest.raises(Unavailable):
            work.items.lock_all([ITEM])


def test_whoever_leaves_a_connection_that_was_cut_alarms_nobody(
    store: SqlStore, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with store.unit_of_work() as work:
        work.users.get(ANNA)
        cut_all(url)
    assert caplog.records == []
    create(store)
    assert kept(store) == (an_item(), [1])


def test_whatever_the_server_prefers_each_statement_sees_what_is_committed(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as operator:
        name = sql.Identifier(operator.info.dbname)
        wish = sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'")
        operator.execute(wish.format(name))
    with opened(url) as database, database.connect() as connection:
        found = connection.execute(text("SHOW transaction_isolation")).scalar_one()
    assert found == "read committed"


def test_an_item_that_waits_for_its_owner_holds_nobodys_feed(database: Database) -> None:
    house = SharingHouse(SqlStore(database), 3)
    _, friend, owner = house.people
    item = house.create(owner)
    house.share(owner, item, friend, GrantRole.EDITOR)
    with ThreadPoolExecutor(1) as threads:
        with house.store.unit_of_work() as leaving:
            leaving.users.lock(owner.user_id)
            waiting = threads.submit(house.edit, friend, item, "other words")
            assert wait([waiting], 0.3).not_done
            before = time.monotonic()
            house.create(friend)
            took = time.monotonic() - before
        waiting.result()
    assert took < PATIENCE / 2


def test_what_was_undone_behind_ones_back_is_not_said_to_be_stored(database: Database) -> None:
    with database.unit_of_work() as transaction:
        statements = DeferredStatements(transaction.driver)
        statements.ready()
        transaction.driver.raw.rollback()  # as SQLAlchemy does after some mistakes of ours
        with pytest.raises(Unavailable):
            statements.end()


def test_a_connection_that_cannot_be_reset_is_not_lent_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: PatientConnection) -> None:
        raise psycopg.InterfaceError

    with monkeypatch.context() as broken, store.unit_of_work() as work:
        broken.setattr(PatientConnection, "rollback", fail)
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.__exit__(None, None, None)
    create(store)
    with store.reading() as see:
        assert see.users.get(BERT) is None
