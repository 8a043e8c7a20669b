"""Every store keeps grants, and the change feeds that follow from them, as the ports promise."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.ports.items import Grantee, feed_number
from application.ports.places import Place
from domain.access import UserId
from domain.errors import AlreadyShared
from domain.item import Access, ItemId, SeenItem
from domain.sharing import Grant, GrantRole
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, ITEM, LATER, NOW, a_user, an_item, uuid

CLARA = UserId(uuid(3))
GRANT = Grant(item_id=ITEM, user_id=BERT, role=GrantRole.VIEWER, created_at=NOW)
TICK = timedelta(microseconds=1)
OTHER = ItemId(uuid(22))


@pytest.fixture(autouse=True)
def three(store: Store) -> None:
    """Anna with two items, Bert, and Clara without a name."""
    with store.unit_of_work() as work:
        work.users.add(a_user())
        work.users.add(a_user(id=BERT, email="bert@example.com", display_name="Bert"))
        work.users.add(a_user(id=CLARA, email="clara@example.com", display_name=None))
        work.items.add(an_item())
        work.items.add(an_item(id=OTHER))
        work.commit()


def grant(store: Store, *grants: Grant) -> None:
    with store.unit_of_work() as work:
        for each in grants:
            work.grants.add(each)
        work.commit()


def note(store: Store, *viewers: UserId, item: ItemId = ITEM, at: datetime = NOW) -> None:
    with store.unit_of_work() as work:
        work.changes.note(item, viewers, at=at)
        work.commit()


def note_gone(store: Store, *viewers: UserId, item: ItemId = ITEM, at: datetime = NOW) -> None:
    with store.unit_of_work() as work:
        work.changes.note_gone(item, viewers, at=at)
        work.commit()


def feed(
    store: Store, user: UserId, number: int = 0, *, limit: int = 99
) -> list[tuple[int, ItemId, Access | None]]:
    with store.reading() as see:
        changes = see.changes.since(user, number, limit=limit)
    return [
        (each.number, each.item_id, each.seen.access if each.seen else None) for each in changes
    ]


def test_a_grant_is_found_by_its_item_and_user(store: Store) -> None:
    grant(store, GRANT)
    with store.reading() as see:
        assert see.grants.get(ITEM, BERT) == GRANT
        assert see.grants.get(ITEM, CLARA) is None
        assert see.grants.get(OTHER, BERT) is None
        assert see.grants.grantees(ITEM) == {BERT}
        assert see.grants.grantees(OTHER) == frozenset()


def test_a_user_has_one_grant_on_an_item(store: Store) -> None:
    grant(store, GRANT)
    with store.unit_of_work() as work, pytest.raises(AlreadyShared):
        work.grants.add(replace(GRANT, role=GrantRole.EDITOR))
    grant(store, replace(GRANT, user_id=CLARA), replace(GRANT, item_id=OTHER))


def test_a_grant_can_be_changed_and_withdrawn(store: Store) -> None:
    grant(store, GRANT)
    changed = replace(GRANT, role=GrantRole.EDITOR)
    with store.unit_of_work() as work:
        work.grants.save(changed)
        assert work.grants.get(ITEM, BERT) == changed
        work.grants.remove(ITEM, BERT)
        work.grants.remove(ITEM, CLARA)
        assert work.grants.get(ITEM, BERT) is None
        assert work.grants.grantees(ITEM) == frozenset()


def test_grants_of_an_item_come_oldest_first_page_by_page_with_names(store: Store) -> None:
    later = replace(GRANT, user_id=CLARA, created_at=NOW + TICK)
    grant(store, later, GRANT, replace(GRANT, item_id=OTHER))
    with store.reading() as see:
        assert list(see.grants.of_item(ITEM, after=None, limit=9)) == [
            Grantee(GRANT, "Bert"),
            Grantee(later, None),
        ]
        assert list(see.grants.of_item(ITEM, after=None, limit=1)) == [Grantee(GRANT, "Bert")]
        behind = see.grants.of_item(ITEM, after=Place(NOW, BERT), limit=9)
        assert list(behind) == [Grantee(later, None)]


def test_with_an_item_or_a_user_go_the_grants(store: Store) -> None:
    grant(store, GRANT, replace(GRANT, item_id=OTHER), replace(GRANT, user_id=CLARA))
    with store.unit_of_work() as work:
        work.items.remove(an_item())
        work.commit()
    with store.unit_of_work() as work:
        assert work.grants.get(ITEM, BERT) is None
        assert work.grants.grantees(OTHER) == {BERT}
        work.users.remove(BERT)
        work.commit()
    with store.reading() as see:
        assert see.grants.grantees(OTHER) == frozenset()
        assert see.items.get(OTHER)


def test_a_change_stands_in_the_feed_of_each_viewer_as_it_is_to_them(store: Store) -> None:
    grant(store, GRANT)
    note(store, ANNA, BERT, at=LATER)
    assert feed(store, ANNA) == [(1, ITEM, Access.OWNER)]
    assert feed(store, BERT) == [(1, ITEM, Access.VIEWER)]
    assert feed(store, CLARA) == []
    with store.reading() as see:
        (change,) = see.changes.since(ANNA, 0, limit=9)
    assert (change.at, change.seen) == (LATER, SeenItem(item=an_item(), access=Access.OWNER))


def test_each_item_stands_once_with_its_newest_change_in_the_order_of_commits(
    store: Store,
) -> None:
    note(store, ANNA)
    note(store, ANNA, item=OTHER)
    note(store, ANNA)
    assert feed(store, ANNA) == [(2, OTHER, Access.OWNER), (3, ITEM, Access.OWNER)]
    assert feed(store, ANNA, 2) == [(3, ITEM, Access.OWNER)]
    assert feed(store, ANNA, limit=1) == [(2, OTHER, Access.OWNER)]
    assert feed(store, ANNA, 3) == []
    with store.reading() as see:
        assert dict(see.changes.newest([ANNA, BERT])) == {ANNA: 3}


def test_what_went_is_gone_in_the_feed_and_may_come_again(store: Store) -> None:
    note(store, ANNA)
    note_gone(store, ANNA)
    assert feed(store, ANNA) == [(2, ITEM, None)]
    note(store, ANNA)
    assert feed(store, ANNA) == [(3, ITEM, Access.OWNER)]


def test_with_an_owner_all_items_go_out_of_the_views_of_those_they_are_shared_with(
    store: Store,
) -> None:
    grant(store, GRANT, replace(GRANT, item_id=OTHER), replace(GRANT, user_id=CLARA))
    with store.unit_of_work() as work:
        work.changes.note_owner_gone(ANNA, at=NOW)
        work.users.remove(ANNA)
        work.commit()
    gone = feed(store, BERT)
    assert [number for number, _, _ in gone] == [1, 2]
    assert {item: seen for _, item, seen in gone} == {ITEM: None, OTHER: None}
    assert feed(store, CLARA) == [(1, ITEM, None)]
    assert feed(store, ANNA) == []


def test_what_went_long_ago_is_forgotten_and_said_to_be(store: Store) -> None:
    note_gone(store, ANNA, at=NOW)
    note_gone(store, ANNA, item=OTHER, at=LATER)
    grant(store, GRANT)
    note(store, BERT, at=NOW)
    with store.unit_of_work() as work:
        assert work.changes.forgotten_until(ANNA) == 0
        assert work.changes.forget_gone(before=NOW, at_most=9) == 0
        assert work.changes.forget_gone(before=LATER, at_most=9) == 1
        work.commit()
    assert feed(store, ANNA) == [(2, OTHER, None)]
    assert feed(store, BERT) == [(1, ITEM, Access.VIEWER)]
    with store.reading() as see:
        assert see.changes.forgotten_until(ANNA) == 1
        assert see.changes.forgotten_until(BERT) == 0


def test_a_feed_that_begins_anew_voids_every_place_and_keeps_every_change(store: Store) -> None:
    note(store, ANNA)
    note_gone(store, ANNA, item=OTHER)
    before = feed(store, ANNA)
    places = []
    for _ in range(2):  # at one moment: no number is given out twice all the same
        with store.unit_of_work() as work:
            work.changes.begin_anew(now=NOW)
            work.commit()
        assert feed(store, ANNA) == before
        with store.reading() as see:
            newest = see.changes.newest([ANNA, CLARA])
            assert see.changes.forgotten_until(ANNA) == newest[ANNA]
            assert see.changes.forgotten_until(CLARA) == newest[CLARA]  # who had none yet
        places.append(newest)
    assert places[0] == {ANNA: feed_number(NOW), CLARA: feed_number(NOW)}
    assert places[1] == {ANNA: feed_number(NOW) + 1, CLARA: feed_number(NOW) + 1}
    note(store, ANNA)
    assert feed(store, ANNA, places[1][ANNA]) == [(places[1][ANNA] + 1, ITEM, Access.OWNER)]


def test_grants_are_gone_through_by_who_gave_and_who_has_them(store: Store) -> None:
    theirs = ItemId(uuid(23))
    with store.unit_of_work() as work:
        work.items.add(an_item(id=theirs, owner_id=CLARA))
        work.commit()
    given = [GRANT, replace(GRANT, user_id=CLARA), replace(GRANT, item_id=OTHER)]
    grant(store, *reversed(given), replace(GRANT, item_id=theirs))
    with store.reading() as see:
        pages = [
            see.grants.given_by(ANNA, after=None, limit=2),
            see.grants.given_by(ANNA, after=(ITEM, CLARA), limit=2),
            see.grants.given_by(ANNA, after=(OTHER, BERT), limit=2),
        ]
        assert [[each.grant for each in page] for page in pages] == [given[:2], given[2:], []]
        assert [each.display_name for each in pages[0]] == ["Bert", None]
        received = [
            see.grants.received_by(BERT, after=None, limit=2),
            see.grants.received_by(BERT, after=OTHER, limit=2),
        ]
    assert [[each.item_id for each in page] for page in received] == [[ITEM, OTHER], [theirs]]
