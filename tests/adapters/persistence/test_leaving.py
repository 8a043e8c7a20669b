"""Whoever leaves is in no table any more, but for what is listed: every table is looked into."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlmodel import SQLModel

from adapters.memory.store import InMemoryStore
from adapters.persistence.database import Database
from adapters.persistence.unit_of_work import SqlStore
from application.administration import RemoveUser
from application.batch import RunBatch, Update
from application.items import CreateItem, Keeper
from application.ports.items import Attempt
from application.replaying import Replayer
from application.sharing import ShareItem
from domain import throttle as limits
from domain.access import Origin, Person, Role, Scope
from domain.errors import BatchFailed, InvalidCredentials, UserNotFound
from domain.item import ItemEdit, SeenItem
from domain.mail import Topic
from domain.sharing import GrantRole
from domain.user import User
from tests.application.authenticator import challenge, protect
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import a_draft, a_proven_identity

KEPT = {("audit_entries", "actor_id"), ("audit_entries", "target_id")}
"""Where somebody who left is still named: entries cannot be changed without breaking the chain. The
id is random, and leads to no person any more."""

OF_NOBODY = {("audit_personal", "address"), ("audit_personal", "user_agent")}
"""From where a recovery was asked for: whose it was, nobody has looked."""

NOBODYS_SHELVES = {"flows", "keys", "noted", "tallies", "vault"}
"""What the twin keeps of the service itself, under digests, or until a unit of work is over."""

HIS = "bert@example.com"
NAME = "Anna of the Lamps"
TITLE = "Oil for nine lamps"
THERE = Origin(address="198.51.100.7", user_agent="Anna's own browser", request_id="hers")
HERS = (EMAIL, NAME, TITLE, THERE.address, THERE.user_agent)
"""What else leads to her, besides her id."""

UPDATED, SHARED = Attempt("b1", "a batch"), Attempt("g1", "a grant")


@pytest.fixture
def house(database: Database) -> House:
    return House(SqlStore(database))


def found(database: Database, user: User, *texts: str | None) -> set[tuple[str, str]]:
    """Return every table and column in which some row mentions a user, by id or in these words."""
    needles = [str(user.id), user.id.hex, *filter(None, texts)]
    return {
        (table.name, column)
        for table in SQLModel.metadata.sorted_tables
        for row in rows(database, table)
        for column, value in row.items()
        if mentions(value, user, needles)
    }


def shelves_with(store: InMemoryStore, user: User) -> set[str]:
    """Return the names of the twin's shelves that mention a user."""
    return {name for name, kept in vars(store.shelves).items() if str(user.id) in str(kept)}


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def mentions(value: object, user: User, needles: list[str]) -> bool:
    if isinstance(value, bytes):
        return user.id.bytes in value or any(each.encode() in value for each in needles)
    return any(each in str(value) for each in needles)


def live(house: House) -> tuple[Person, User]:
    """Let somebody leave traces in every table that can have some."""
    house.register(EMAIL, PASSWORD, NAME, origin=THERE)
    anna = house.identify(
        house.sign_in(EMAIL, PASSWORD, None, THERE).access_token, THERE
    ).in_person()
    bert = house.arrive(HIS)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, "a wrong passphrase", None, THERE)
    user = house.user()
    assert user
    key = house.create_key(anna, f"{EMAIL} at night", frozenset({Scope.ITEMS_READ}))
    house.note_key_use(house.machine(key.text))
    create = CreateItem(house.store.unit_of_work, keeper(house), Replayer(house.clock))
    mine = create(anna, a_draft(title=TITLE), Attempt("a key", "a fingerprint")).result
    share(house, anna, mine, HIS)
    theirs = create(bert, a_draft(title="Theirs"), Attempt("his own", "a fingerprint")).result
    run_batch(house, bert, mine)
    share(house, bert, theirs, EMAIL)
    house.link_identity(anna, a_proven_identity(email=EMAIL))
    house.request_verification(anna)
    house.request_email_change(anna, "elsewhere@example.com", PASSWORD)
    house.request_recovery(EMAIL, THERE)
    house.delivered()
    protect(house, anna)
    challenge(house)
    return anna, user


def keeper(house: House) -> Keeper:
    return Keeper(house.clock, house.counting.ids)


def run_batch(house: House, caller: Person, seen: SeenItem) -> object:
    """Change an item's tags in a batch that may be repeated; return what comes of it."""
    run = RunBatch(house.store.unit_of_work, keeper(house), Replayer(house.clock))
    return run(caller, [Update(seen.item.id, ItemEdit(tags=("seen",)))], UPDATED).result


def share(house: House, caller: Person, seen: SeenItem, email: str) -> object:
    """Share an item by a request that may be repeated; return what comes of it."""
    throttle = house.throttle("grants", limits.SHARING_BY_USER)
    share = ShareItem(house.store.unit_of_work, house.clock, Replayer(house.clock), throttle)
    return share(caller, seen.item.id, email, GrantRole.EDITOR, SHARED).result


def belongs_to_users(table: Table) -> bool:
    return any(key.column.table.name == "users" for key in table.foreign_keys)


def test_every_table_of_users_things_is_filled_before_anybody_leaves(
    house: House, database: Database
) -> None:
    """Or a new one would be empty below, and nothing left in it would show nothing."""
    _, user = live(house)
    tables = {each.name for each in SQLModel.metadata.sorted_tables if belongs_to_users(each)}
    assert {table for table, _ in found(database, user, *HERS)} >= tables | {
        "users",
        "audit_personal",
    }


@pytest.mark.parametrize("by", ["themselves", "an administrator"])
def test_whoever_leaves_is_named_where_it_is_listed_and_nowhere_else(
    house: House, database: Database, by: str
) -> None:
    anna, user = live(house)
    assert {"users", "items", "replays"} <= {table for table, _ in found(database, user, *HERS)}
    if by == "themselves":
        house.clock.advance(timedelta(seconds=1))
        house.delete_account(anna, PASSWORD)
    else:
        admin = house.arrive("admin@example.com", role=Role.ADMIN)
        RemoveUser(house.store.unit_of_work, house.clock, house.auditor)(admin, user.id)
    assert found(database, user, *HERS) == KEPT | OF_NOBODY


def test_in_memory_whoever_leaves_is_on_no_shelf_but_the_trails() -> None:
    store = InMemoryStore()
    house = House(store)
    anna, user = live(house)
    with store.unit_of_work() as work:
        work.changes.begin_anew(now=house.clock())
        work.commit()
    assert shelves_with(store, user) == vars(store.shelves).keys() - NOBODYS_SHELVES
    house.clock.advance(timedelta(seconds=1))
    house.delete_account(anna, PASSWORD)
    assert shelves_with(store, user) == {"audit"}


def test_whoever_opened_an_account_with_anothers_address_is_named_nowhere_after_the_undo(
    house: House, database: Database
) -> None:
    owner = house.arrive(EMAIL)
    house.request_email_change(owner, "moved@example.com", PASSWORD)
    house.confirm_email(house.token(Topic.NEW_ADDRESS, "moved@example.com"), HERE)
    undo = house.token(Topic.OLD_ADDRESS)
    _, squatter = live(house)
    house.confirm_email(undo, HERE)
    assert found(database, squatter, NAME, TITLE) == KEPT


def test_who_repeats_a_request_is_told_nothing_of_whoever_left(house: House) -> None:
    anna, _ = live(house)
    (mine,) = house.list_items(anna, limit=1).entries
    bert = house.caller(house.sign_in(HIS, PASSWORD, None, HERE))
    (his,) = house.list_items(bert, limit=1).entries
    assert TITLE in str(run_batch(house, bert, mine))
    assert NAME in str(share(house, bert, his, EMAIL))
    house.delete_account(anna, PASSWORD)
    with pytest.raises(BatchFailed):
        run_batch(house, bert, mine)
    with pytest.raises(UserNotFound):
        share(house, bert, his, EMAIL)


def test_what_others_have_is_left_alone(house: House, database: Database) -> None:
    anna, _ = live(house)
    bert = house.user(HIS)
    assert bert
    before = found(database, bert)
    house.delete_account(anna, PASSWORD)
    lost = {("grants", "user_id"), ("audit_personal", "email")}  # on her item, and nothing else
    assert before - found(database, bert) <= lost
