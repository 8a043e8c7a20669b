"""What goes into a store comes out of it exactly, whatever the value and whatever the store."""

import json
import math
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.access import Role, Scope, UserId
from domain.item import Item
from domain.key import KeyId, SigningKey
from domain.session import Session
from domain.user import Status, User
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, ITEM, SESSION, a_key, a_session, a_user, an_item

LOCK = "\U0001f512"
MOMENTS = [
    datetime(2026, 3, 4, 5, 6, 7, 891_011, tzinfo=UTC),
    datetime(2026, 3, 4, 5, 6, 7, 0, tzinfo=UTC),
    datetime(2026, 3, 4, 5, 6, 7, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"z": 1, "a": 2, "m": {"y": 1, "b": 2}, "": 3},
    {"a": 0.1, "b": 1.0, "c": 1e-7, "d": 5e-324, "e": 1.7976931348623157e308, "f": 1e22},
    {"a": 0.0, "b": -0.0, "c": [-0.0], "d": 0},
    {"a": 2**53 + 1, "b": 2**64, "c": -(2**63) - 1, "d": 10**100},
    {"a": 1, "b": True, "c": 1.0, "d": "1", "e": None, "f": False, "g": 0},
    {"a": None, "b": [None, {"c": None}], "d": [], "e": {}, "f": [[[[[]]]]]},
    {LOCK: LOCK * 100, "\u2028": "\u2029", "\u00fc": "u\u0308", "q\"'\\": "\b\f\n\r\t\x01\x7f"},
    {"__proto__": {"$ref": "#"}, "a.b": "%s %(a)s :a ? {} \\u0000 $1", "--": "'; DROP TABLE items"},
]


def kept_user(store: Store, user: User) -> User | None:
    with store.unit_of_work() as work:
        work.users.add(user)
        work.commit()
    with store.reading() as see:
        assert see.users.by_email(user.email) == see.users.get(user.id)
        return see.users.get(user.id)


def kept_session(store: Store, session: Session) -> Session | None:
    with store.unit_of_work() as work:
        work.sessions.add(session)
        work.commit()
    with store.unit_of_work() as work:
        return work.sessions.lock(session.id)


def kept_item(store: Store, item: Item) -> Item | None:
    with store.unit_of_work() as work:
        work.items.add(item)
        work.commit()
    with store.reading() as see:
        return see.items.get(item.id)


def kept_key(store: Store, key: SigningKey) -> SigningKey | None:
    with store.unit_of_work() as work:
        work.keys.add(key)
        work.commit()
    with store.reading() as see:
        return next(iter(see.keys.all()))


def types(entity: Any) -> list[type]:
    """Return the exact types of an entity's fields: equal is not enough, 1 equals True."""
    return [type(getattr(entity, field.name)) for field in fields(entity)]


@pytest.mark.parametrize(
    "user",
    [
        a_user(),
        a_user(
            email="a" * 64 + "@" + ".".join(["d" * 62] * 3),
            display_name=LOCK * 100,
            role=Role.ADMIN,
            status=Status.SUSPENDED,
            email_verified=True,
            password_hash="h" * 512,
        ),
        a_user(display_name=None, password_hash=None),
        a_user(display_name="quote ' double \" back \\ percent % \x01\u2028 colon :a"),
    ],
    ids=["plain", "widest", "bare", "odd"],
)
def test_a_user_comes_back_the_same(store: Store, user: User) -> None:
    came_back = kept_user(store, user)
    assert came_back == user
    assert types(came_back) == types(user)


@pytest.mark.parametrize(
    "session",
    [
        a_session(),
        a_session(
            scopes=frozenset(Scope),
            seed=bytes(32),
            counter=2**31 - 1,
            secret_id="s" * 32,
            address="2001:0db8:0000:0000:0000:0000:255.255.255.255",
            user_agent=LOCK * 512,
        ),
        a_session(scopes=frozenset(), seed=b"\xff\x00'\"\\" * 6, address=None, user_agent=None),
    ],
    ids=["plain", "widest", "bare"],
)
def test_a_session_comes_back_the_same(store: Store, anna: User, session: Session) -> None:
    came_back = kept_session(store, session)
    assert came_back == session
    assert types(came_back) == types(session)


@pytest.mark.parametrize(
    "item",
    [
        an_item(),
        an_item(
            title=LOCK * 200,
            description=LOCK * 10_000,
            tags=tuple(f"{number:02}{LOCK * 48}" for number in range(20)),
            version=2**31 - 1,
        ),
        an_item(description="", tags=(), attributes={}),
        an_item(description="  \r\n\ttabs, margins and line ends  \n", tags=("b", "a", "\u00fc")),
    ],
    ids=["plain", "widest", "bare", "odd"],
)
def test_an_item_comes_back_the_same(store: Store, anna: User, item: Item) -> None:
    came_back = kept_item(store, item)
    assert came_back == item
    assert types(came_back) == types(item)


@pytest.mark.parametrize(
    "key",
    [a_key(), a_key(id=KeyId("k" * 64), public=LOCK * 5000, sealed=bytes(range(256)) * 20)],
    ids=["plain", "widest"],
)
def test_a_key_comes_back_the_same(store: Store, key: SigningKey) -> None:
    came_back = kept_key(store, key)
    assert came_back == key
    assert types(came_back) == types(key)


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=range(len(ATTRIBUTES)))
def test_attributes_come_back_in_their_order_and_of_their_kinds(
    store: Store, anna: User, attributes: dict[str, Any]
) -> None:
    came_back = kept_item(store, an_item(attributes=attributes))
    assert came_back is not None
    assert json.dumps(came_back.attributes) == json.dumps(attributes)
    assert repr(came_back.attributes) == repr(attributes)


def test_a_negative_zero_keeps_its_sign(store: Store, anna: User) -> None:
    came_back = kept_item(store, an_item(attributes={"a": -0.0}))
    assert came_back is not None
    assert math.copysign(1, came_back.attributes["a"]) == -1


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_times_come_back_to_the_microsecond_in_utc(store: Store, moment: datetime) -> None:
    user = kept_user(store, a_user(created_at=moment, updated_at=moment))
    item = kept_item(store, an_item(created_at=moment, updated_at=moment))
    session = kept_session(store, a_session(created_at=moment, last_used_at=moment))
    key = kept_key(store, a_key(created_at=moment, signs_from=moment))
    assert user
    assert item
    assert session
    assert key
    times = [user.created_at, user.updated_at, item.created_at, item.updated_at]
    times += [session.created_at, session.last_used_at, key.created_at, key.signs_from]
    assert times == [moment] * 8
    assert {time.utcoffset() for time in times} == {timedelta(0)}


def test_ids_come_back_as_they_are_and_lead_to_their_entity_only(store: Store, anna: User) -> None:
    kept_item(store, an_item())
    kept_session(store, a_session())
    with store.reading() as see:
        item, standing = see.items.get(ITEM), see.sessions.standing(SESSION)
        assert item
        assert standing
        assert (item.id, item.owner_id, standing.user_id) == (ITEM, ANNA, ANNA)
        assert see.users.get(UserId(ITEM)) is None
        assert see.users.get(BERT) is None
