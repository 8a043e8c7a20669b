"""Whoever leaves is in no table any more, but for what is listed: every table is looked into."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, select
from sqlmodel import SQLModel

from adapters.persistence.database import Database
from adapters.persistence.unit_of_work import SqlStore
from application.administration import RemoveUser
from application.ports.items import Attempt
from domain.access import Person, Role, Scope
from domain.errors import InvalidCredentials
from domain.sharing import Grant, GrantRole
from domain.user import User
from tests.application.authenticator import challenge, protect
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import NOW, a_draft, a_proven_identity

KEPT = {("audit_entries", "actor_id"), ("audit_entries", "target_id")}
"""Where somebody who left is still named: entries cannot be changed without breaking the chain. The
id is random, and leads to no person any more."""

HIS = "bert@example.com"


@pytest.fixture
def house(database: Database) -> House:
    return House(SqlStore(database))


def found(database: Database, user: User) -> set[tuple[str, str]]:
    """Return every table and column in which some row mentions a user, by id or by address."""
    return {
        (table.name, column)
        for table in SQLModel.metadata.sorted_tables
        for row in rows(database, table)
        for column, value in row.items()
        if mentions(value, user)
    }


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def mentions(value: object, user: User) -> bool:
    if isinstance(value, UUID):
        return value == user.id
    if isinstance(value, bytes):
        needles = [user.id.bytes, user.id.hex.encode(), str(user.id).encode(), user.email.encode()]
        return any(needle in value for needle in needles)
    text = str(value)
    return str(user.id) in text or user.id.hex in text or user.email in text


def live(house: House) -> tuple[Person, User]:
    """Let somebody leave traces in every table that can have some."""
    anna, bert = house.arrive(EMAIL), house.arrive(HIS)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, "a wrong passphrase", None, HERE)
    user = house.user()
    assert user
    key = house.create_key(anna, f"{EMAIL} at night", frozenset({Scope.ITEMS_READ}))
    house.note_key_use(house.machine(key.text))
    seen = house.create_item(anna, a_draft(title=f"{EMAIL}: mine"))
    mine = seen.item
    theirs = house.create_item(bert, a_draft(title="Theirs")).item
    attempt = Attempt("a key", "a fingerprint")
    with house.store.unit_of_work() as work:
        for item, grantee in ((mine, bert.user_id), (theirs, anna.user_id)):
            work.items.lock(item.id)
            work.grants.add(
                Grant(item_id=item.id, user_id=grantee, role=GrantRole.EDITOR, created_at=NOW)
            )
            work.changes.note(item.id, [anna.user_id, bert.user_id], at=NOW)
        work.replays.find(anna.user_id, attempt, now=NOW)
        work.replays.keep(anna.user_id, attempt, seen, expires_at=NOW)
        work.commit()
    house.link_identity(anna, a_proven_identity(email=EMAIL))
    house.request_verification(anna)
    house.request_email_change(anna, "elsewhere@example.com", PASSWORD)
    house.request_recovery(EMAIL, HERE)
    house.delivered()
    protect(house, anna)
    challenge(house)
    return anna, user


def belongs_to_users(table: Table) -> bool:
    return any(key.column.table.name == "users" for key in table.foreign_keys)


def test_every_table_of_users_things_is_filled_before_anybody_leaves(
    house: House, database: Database
) -> None:
    """Or a new one would be empty below, and nothing left in it would show nothing."""
    _, user = live(house)
    tables = {each.name for each in SQLModel.metadata.sorted_tables if belongs_to_users(each)}
    assert {table for table, _ in found(database, user)} >= tables | {"users", "audit_personal"}


@pytest.mark.parametrize("by", ["themselves", "an administrator"])
def test_whoever_leaves_is_named_where_it_is_listed_and_nowhere_else(
    house: House, database: Database, by: str
) -> None:
    anna, user = live(house)
    if by == "themselves":
        house.clock.advance(timedelta(seconds=1))
        house.delete_account(anna, PASSWORD)
    else:
        admin = house.arrive("admin@example.com", role=Role.ADMIN)
        RemoveUser(house.store.unit_of_work, house.clock, house.auditor)(admin, user.id)
    assert found(database, user) == KEPT


def test_what_others_have_is_left_alone(house: House, database: Database) -> None:
    anna, _ = live(house)
    bert = house.user(HIS)
    assert bert
    before = found(database, bert)
    house.delete_account(anna, PASSWORD)
    lost = {("grants", "user_id"), ("audit_personal", "email")}  # on her item, and nothing else
    assert before - found(database, bert) <= lost
