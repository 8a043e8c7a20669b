"""Every store lists and finds the same items in the same order, whatever they are called."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from application.ports.places import Place
from domain.access import UserId
from domain.item import Access, ItemId
from domain.listing import ItemQuery, Sort, SortKey, Whose
from domain.sharing import Grant, GrantRole
from domain.user import User
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, NOW, a_caller, a_user, an_item, uuid

SECOND = timedelta(seconds=1)
TITLES = [
    "b",
    "B",
    "a",
    "\u00e4",
    "Z",
    "z",
    "_",
    "10",
    "9",
    "\U0001f512",
    "\u00df",
    "ss",
    "a b",
    "a-b",
]


def add(store: Store, number: int, *, owner: UserId = ANNA, **fields: Any) -> None:
    item = an_item(id=ItemId(uuid(number)), owner_id=owner, **fields)
    with store.unit_of_work() as work:
        work.items.add(item)
        work.commit()


def share(store: Store, number: int, user: UserId, role: GrantRole) -> None:
    grant = Grant(item_id=ItemId(uuid(number)), user_id=user, role=role, created_at=NOW)
    with store.unit_of_work() as work:
        work.grants.add(grant)
        work.commit()


def found(
    store: Store, *, viewer: UserId = ANNA, limit: int = 100, **wanted: Any
) -> list[tuple[int, Access]]:
    """Return the numbers of the items that a list shows, page by page, and what they are to it."""
    query = ItemQuery.of(a_caller(user_id=viewer), **wanted)
    return listed(store, query, limit=limit)


def listed(store: Store, query: ItemQuery, *, limit: int) -> list[tuple[int, Access]]:
    collected: list[tuple[int, Access]] = []
    after = None
    while True:
        with store.reading() as see:
            page = see.items.matching(query, after=after, limit=limit)
        collected += [(seen.item.id.int >> 80, seen.access) for seen in page]
        if len(page) < limit:
            return collected
        last = page[-1].item
        key: datetime | str = last.title_key
        if query.sort.key is not SortKey.TITLE:
            key = last.created_at if query.sort.key is SortKey.CREATED_AT else last.updated_at
        after = Place(key, last.id)


def numbers(listing: list[tuple[int, Access]]) -> list[int]:
    return [number for number, _ in listing]


@pytest.fixture
def bert(store: Store) -> User:
    user = a_user(id=BERT, email="bert@example.com")
    with store.unit_of_work() as work:
        work.users.add(user)
        work.commit()
    return user


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_titles_stand_in_the_order_of_their_folded_code_points_and_then_of_ids(
    store: Store, anna: User, limit: int
) -> None:
    for number, title in enumerate(TITLES, start=1):
        add(store, number, title=title)
    expected = sorted(
        range(1, len(TITLES) + 1), key=lambda number: (TITLES[number - 1].casefold(), number)
    )
    assert numbers(found(store, sort=Sort.TITLE, limit=limit)) == expected
    assert numbers(found(store, sort=Sort.TITLE_BACKWARDS, limit=limit)) == expected[::-1]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_times_order_a_list_both_ways(store: Store, anna: User, limit: int) -> None:
    for number, (created, updated) in enumerate([(0, 9), (1, 8), (1, 9), (0, 7)], start=1):
        add(store, number, created_at=NOW + created * SECOND, updated_at=NOW + updated * SECOND)
    for sort, expected in (
        (Sort.OLDEST, [1, 4, 2, 3]),
        (Sort.NEWEST, [3, 2, 4, 1]),
        (Sort.CHANGED_FIRST, [4, 2, 1, 3]),
        (Sort.CHANGED_LAST, [3, 1, 2, 4]),
    ):
        assert numbers(found(store, sort=sort, limit=limit)) == expected, sort


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("stra", [1]),
        ("STRASSE", [1]),
        ("\uff33\uff34\uff32\uff21", [1]),
        ("brown quick", [2]),
        ("quick quic", [2]),
        ("row", []),
        ("quick cat", []),
        ("100", [3]),
        ("%", [4, 3, 2, 1]),
        ("under", [3]),
        ("score", [3]),
        ("_", [4, 3, 2, 1]),
        ("fox's", [2]),
        ("\u4f8b", [4]),
        ("'; --", [4, 3, 2, 1]),
    ],
)
def test_every_word_must_begin_a_word_of_title_or_description(
    store: Store, anna: User, search: str, expected: list[int]
) -> None:
    add(store, 1, title="Stra\u00dfe", description="")
    add(store, 2, title="The Quick", description="brown fox's tail")
    add(store, 3, title="100%", description="under_score")
    add(store, 4, title="\u4f8b\u3048", description="")
    assert numbers(found(store, search=search)) == expected


def test_all_tags_must_match_and_exactly(store: Store, anna: User) -> None:
    add(store, 1, tags=("red", "round"))
    add(store, 2, tags=("red",))
    add(store, 3, tags=("reddish", "#red", "r"))
    assert numbers(found(store, tags=("red",))) == [2, 1]
    assert numbers(found(store, tags=("red", "round"))) == [1]
    assert numbers(found(store, tags=("#red",))) == [3]
    assert numbers(found(store, tags=("re",))) == []
    assert numbers(found(store, tags=("red",), search="title")) == [2, 1]
    assert numbers(found(store, search="red")) == []


def test_an_edited_item_is_found_by_what_it_says_now(store: Store, anna: User) -> None:
    add(store, 1, title="before", tags=("old",))
    with store.unit_of_work() as work:
        before = work.items.lock(ItemId(uuid(1)))
        assert before
        after = an_item(id=before.id, title="after", tags=("new",), version=2)
        work.items.save(after, before=before)
        work.commit()
    assert numbers(found(store, search="after", tags=("new",))) == [1]
    assert numbers(found(store, search="before")) == []
    assert numbers(found(store, tags=("old",))) == []


def test_a_list_shows_ones_own_and_what_is_shared_as_it_is_to_one(
    store: Store, anna: User, bert: User
) -> None:
    add(store, 1)
    for number in (2, 3, 4):
        add(store, number, owner=BERT)
    share(store, 2, ANNA, GrantRole.VIEWER)
    share(store, 3, ANNA, GrantRole.EDITOR)
    mine = [(1, Access.OWNER)]
    shared = [(3, Access.EDITOR), (2, Access.VIEWER)]
    assert found(store) == shared + mine
    assert found(store, limit=1) == shared + mine
    assert found(store, whose=Whose.OWNED) == mine
    assert found(store, whose=Whose.SHARED) == shared
    assert found(store, owner_id=ANNA) == mine
    assert numbers(found(store, viewer=BERT)) == [4, 3, 2]


def test_an_administrator_of_items_sees_everybodys_when_asked(
    store: Store, anna: User, bert: User
) -> None:
    add(store, 1)
    for number in (2, 3):
        add(store, number, owner=BERT)
    everybodys = ItemQuery(viewer_id=ANNA, sees_all=True, whose=Whose.ANY)
    assert listed(store, everybodys, limit=1) == [
        (3, Access.ADMIN),
        (2, Access.ADMIN),
        (1, Access.OWNER),
    ]
    berts = ItemQuery(viewer_id=ANNA, sees_all=True, whose=Whose.ANY, owner_id=BERT)
    assert numbers(listed(store, berts, limit=9)) == [3, 2]
    assert numbers(found(store)) == [1]


def test_several_items_are_held_at_once_and_those_that_are_gone_are_left_out(
    store: Store, anna: User
) -> None:
    add(store, 1)
    add(store, 2)
    ids = [ItemId(uuid(number)) for number in (1, 2, 3)]
    with store.unit_of_work() as work:
        assert set(work.items.lock_all(ids)) == set(ids[:2])
        assert dict(work.items.lock_all([])) == {}
