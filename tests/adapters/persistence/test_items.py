"""Every store keeps items as the port promises, and pages through them without a slip."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.ports.places import Place
from domain.access import UserId
from domain.errors import TokenRevoked
from domain.item import Item, ItemId
from domain.user import User
from tests.adapters.persistence.conftest import items_of
from tests.adapters.persistence.side_by_side import exact
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, ITEM, LATER, NOW, a_user, an_item, uuid

SECOND = timedelta(seconds=1)


def keep(store: Store, *items: Item) -> None:
    with store.unit_of_work() as work:
        for each in items:
            work.items.add(each)
        work.commit()


def paged(store: Store, *, limit: int, owner: UserId = ANNA) -> list[Item]:
    """Return an owner's items as a client collects them, page by page."""
    collected: list[Item] = []
    after = None
    while True:
        with store.reading() as see:
            page = items_of(see, owner, after=after, limit=limit)
        assert len(page) <= limit
        if not page:
            return collected
        collected += page
        after = Place(page[-1].created_at, page[-1].id)


def crowd() -> list[Item]:
    """Return items of which many were made at one moment, in no order, with the oddest ids."""
    ids = [UUID(int=0), UUID(int=2**128 - 1), UUID(int=1), uuid(7), UUID(int=1 << 127), uuid(5)]
    moments = [NOW, NOW.replace(microsecond=0), NOW - SECOND, NOW + timedelta(microseconds=1)]
    return [
        an_item(id=ItemId(UUID(int=id.int ^ place << 3)), created_at=moment)
        for place, moment in enumerate(moments)
        for id in ids
    ]


def test_an_item_is_found_by_its_id_only(store: Store, anna: User) -> None:
    keep(store, an_item())
    with store.reading() as see:
        assert see.items.get(ITEM) == an_item()
        assert see.items.get(ItemId(uuid(99))) is None
    with store.unit_of_work() as work:
        assert work.items.lock(ItemId(uuid(99))) is None


def test_an_item_that_is_held_can_be_changed(store: Store, anna: User) -> None:
    keep(store, an_item())
    changed = replace(
        an_item(),
        title="Another",
        description="",
        tags=(),
        attributes={},
        version=2,
        updated_at=LATER,
    )
    with store.unit_of_work() as work:
        assert work.items.lock(ITEM) == an_item()
        work.items.save(changed, before=an_item())
        work.commit()
    with store.reading() as see:
        assert see.items.get(ITEM) == changed


@pytest.mark.parametrize("changed", [{"a": [True]}, {"a": [1.0]}])
def test_what_only_python_takes_for_equal_is_changed_too(
    store: Store, anna: User, changed: dict[str, Any]
) -> None:
    before = an_item(attributes={"a": [1]})
    keep(store, before)
    after = replace(before, attributes=changed, version=2)
    with store.unit_of_work() as work:
        work.items.save(after, before=before)
        work.commit()
    with store.reading() as see:
        assert exact(see.items.get(ITEM)) == exact(after)


def test_a_removed_item_is_gone_and_the_others_are_there(store: Store, anna: User) -> None:
    other = an_item(id=ItemId(uuid(22)))
    keep(store, an_item(), other)
    with store.unit_of_work() as work:
        work.items.remove(an_item())
        work.commit()
    assert paged(store, limit=10) == [other]


def test_an_item_of_a_user_who_is_gone_is_not_added(store: Store) -> None:
    with pytest.raises(TokenRevoked):
        keep(store, an_item())


@pytest.mark.parametrize("limit", [1, 2, 5, 24, 25])
def test_pages_together_are_the_whole_list_newest_first(
    store: Store, anna: User, limit: int
) -> None:
    items = crowd()
    keep(store, *items)
    newest_first = sorted(items, key=lambda item: (item.created_at, item.id), reverse=True)
    assert paged(store, limit=limit) == newest_first


def test_a_list_has_its_owners_items_only(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()
    theirs = an_item(id=ItemId(uuid(22)), owner_id=BERT)
    keep(store, an_item(), theirs)
    assert paged(store, limit=1) == [an_item()]
    assert paged(store, limit=1, owner=BERT) == [theirs]
    assert paged(store, limit=1, owner=UserId(uuid(3))) == []


def test_what_comes_and_goes_meanwhile_makes_no_other_item_twice_or_missing(
    store: Store, anna: User
) -> None:
    items = [
        an_item(id=ItemId(uuid(20 + number)), created_at=NOW + number * SECOND)
        for number in range(6)
    ]
    keep(store, *items)
    with store.reading() as see:
        first = items_of(see, ANNA, after=None, limit=3)
    with store.unit_of_work() as work:
        work.items.remove(first[-1])  # the very item at which the page ended
        work.items.remove(items[1])
        work.items.add(an_item(id=ItemId(uuid(40)), created_at=NOW + 60 * SECOND))
        work.commit()
    with store.reading() as see:
        place = Place(first[-1].created_at, first[-1].id)
        rest = items_of(see, ANNA, after=place, limit=10)
    assert [*first, *rest] == [items[5], items[4], items[3], items[2], items[0]]


def test_a_place_need_not_be_one_of_an_item(store: Store, anna: User) -> None:
    keep(store, an_item())
    with store.reading() as see:
        for id in (UUID(int=2**128 - 1), UUID(int=ITEM.int + 1)):
            assert items_of(see, ANNA, after=Place(NOW, id), limit=9) == [an_item()]
        for id in (UUID(int=0), UUID(int=ITEM.int - 1), ITEM):
            assert items_of(see, ANNA, after=Place(NOW, id), limit=9) == []
