"""Items from their making to their end."""

from datetime import timedelta

import pytest

from domain.access import Caller, Role, Scope
from domain.errors import (
    Forbidden,
    InvalidCursor,
    InvalidValue,
    ItemNotFound,
    PreconditionFailed,
    TokenRevoked,
)
from domain.item import Access, ItemEdit, ItemId, SeenItem
from tests.application.house import House
from tests.domain.examples import NOW, a_draft, draft_of, uuid

SECOND = timedelta(seconds=1)
EDIT = ItemEdit(title="Another")


@pytest.fixture
def anna(house: House) -> Caller:
    return house.arrive()


@pytest.fixture
def bert(house: House) -> Caller:
    return house.arrive("bert@example.com")


@pytest.fixture
def admin(house: House) -> Caller:
    return house.arrive("admin@example.com", role=Role.ADMIN)


@pytest.fixture
def seen(house: House, anna: Caller) -> SeenItem:
    return house.create_item(anna, a_draft(attributes={"a": 1}))


def is_unchanged(house: House, owner: Caller, seen: SeenItem) -> bool:
    return house.read_item(owner, seen.item.id) == seen


def test_a_new_item_is_its_makers(house: House, anna: Caller, seen: SeenItem) -> None:
    assert (seen.item.owner_id, seen.access, seen.revision) == (
        anna.user_id,
        Access.OWNER,
        "1-owner",
    )
    assert (seen.item.version, seen.item.created_at, seen.item.updated_at) == (1, NOW, NOW)
    assert house.read_item(anna, seen.item.id) == seen


def test_two_new_items_are_two(house: House, anna: Caller) -> None:
    one, other = (house.create_item(anna, a_draft()) for _ in range(2))
    assert one.item.id != other.item.id


def test_whoever_is_gone_meanwhile_makes_no_item(house: House, anna: Caller) -> None:
    house.remove()
    with pytest.raises(TokenRevoked):
        house.create_item(anna, a_draft())


def test_an_item_that_is_not_there_is_not_found(house: House, anna: Caller) -> None:
    nowhere = ItemId(uuid(1))
    stale = frozenset({"1-owner"})
    with pytest.raises(ItemNotFound):
        house.read_item(anna, nowhere)
    with pytest.raises(ItemNotFound):
        house.edit_item(anna, nowhere, EDIT, stale)
    with pytest.raises(ItemNotFound):
        house.replace_item(anna, nowhere, a_draft(), stale)
    with pytest.raises(ItemNotFound):
        house.delete_item(anna, nowhere, stale)


def test_a_strangers_item_is_forbidden_whatever_is_expected_of_it(
    house: House, anna: Caller, bert: Caller, seen: SeenItem
) -> None:
    stale = frozenset({"99-owner"})
    with pytest.raises(Forbidden):
        house.read_item(bert, seen.item.id)
    with pytest.raises(Forbidden):
        house.edit_item(bert, seen.item.id, EDIT, stale)
    with pytest.raises(Forbidden):
        house.replace_item(bert, seen.item.id, a_draft(), stale)
    with pytest.raises(Forbidden):
        house.delete_item(bert, seen.item.id, stale)
    assert is_unchanged(house, anna, seen)


def test_an_administrator_of_items_reads_changes_and_deletes_any(
    house: House, anna: Caller, admin: Caller, seen: SeenItem
) -> None:
    id = seen.item.id
    assert house.read_item(admin, id).revision == "1-admin"
    edited = house.edit_item(admin, id, EDIT, frozenset({"1-admin"}))
    assert edited.revision == "2-admin"
    assert edited.item.owner_id == anna.user_id
    assert house.replace_item(admin, id, a_draft(), None).revision == "3-admin"
    house.delete_item(admin, id)
    with pytest.raises(ItemNotFound):
        house.read_item(anna, id)


def test_an_administrator_without_the_scope_is_a_stranger(house: House, seen: SeenItem) -> None:
    wanted = frozenset({Scope.ITEMS_READ, Scope.ITEMS_WRITE})
    caller = house.arrive("admin@example.com", role=Role.ADMIN, wanted=wanted)
    with pytest.raises(Forbidden):
        house.read_item(caller, seen.item.id)


def test_an_edit_changes_what_it_names(house: House, anna: Caller, seen: SeenItem) -> None:
    house.clock.advance(SECOND)
    edited = house.edit_item(anna, seen.item.id, ItemEdit(attributes={"b": 2}))
    assert edited.item.attributes == {"a": 1, "b": 2}
    assert edited.item.title == seen.item.title
    assert (edited.item.version, edited.item.updated_at) == (2, NOW + SECOND)
    assert house.read_item(anna, seen.item.id) == edited


def test_a_replacement_leaves_nothing_of_what_was_there(
    house: House, anna: Caller, seen: SeenItem
) -> None:
    replaced = house.replace_item(anna, seen.item.id, a_draft(title="Another"))
    assert (replaced.item.title, replaced.item.attributes) == ("Another", {})
    assert replaced.revision == "2-owner"
    assert house.read_item(anna, seen.item.id) == replaced


def test_what_changes_nothing_makes_no_version(house: House, anna: Caller, seen: SeenItem) -> None:
    house.clock.advance(SECOND)
    assert house.edit_item(anna, seen.item.id, ItemEdit()) == seen
    assert house.replace_item(anna, seen.item.id, draft_of(seen.item)) == seen
    assert is_unchanged(house, anna, seen)


def test_an_edit_beyond_the_limits_changes_nothing(
    house: House, anna: Caller, seen: SeenItem
) -> None:
    with pytest.raises(InvalidValue):
        house.edit_item(anna, seen.item.id, ItemEdit(title="Another", description="\x00"))
    assert is_unchanged(house, anna, seen)


def test_a_deleted_item_is_gone_and_the_others_are_there(
    house: House, anna: Caller, seen: SeenItem
) -> None:
    other = house.create_item(anna, a_draft())
    house.delete_item(anna, seen.item.id)
    with pytest.raises(ItemNotFound):
        house.read_item(anna, seen.item.id)
    with pytest.raises(ItemNotFound):
        house.delete_item(anna, seen.item.id)
    assert is_unchanged(house, anna, other)


def test_who_expects_an_older_revision_changes_nothing(
    house: House, anna: Caller, seen: SeenItem
) -> None:
    edited = house.edit_item(anna, seen.item.id, EDIT, frozenset({"1-owner"}))
    for stale in (frozenset({"1-owner"}), frozenset({"2-admin", "3-owner"}), frozenset[str]()):
        with pytest.raises(PreconditionFailed):
            house.edit_item(anna, seen.item.id, ItemEdit(title="A third"), stale)
        with pytest.raises(PreconditionFailed):
            house.edit_item(anna, seen.item.id, ItemEdit(), stale)
        with pytest.raises(PreconditionFailed):
            house.replace_item(anna, seen.item.id, a_draft(), stale)
        with pytest.raises(PreconditionFailed):
            house.delete_item(anna, seen.item.id, stale)
    assert is_unchanged(house, anna, edited)
    house.delete_item(anna, seen.item.id, frozenset({"1-owner", "2-owner"}))


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_together_are_ones_own_items_newest_first(
    house: House, anna: Caller, bert: Caller, limit: int
) -> None:
    mine = []
    for _ in range(5):
        mine.append(house.create_item(anna, a_draft()))
        house.create_item(bert, a_draft())
        house.clock.advance(SECOND)
    collected: list[SeenItem] = []
    cursor = None
    while True:
        page = house.list_items(anna, limit=limit, cursor=cursor)
        collected += page.entries
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.entries) == limit
    assert collected == mine[::-1]


def test_a_list_of_nothing_is_one_empty_page(house: House, anna: Caller) -> None:
    page = house.list_items(anna, limit=20)
    assert (list(page.entries), page.next_cursor) == ([], None)


def test_another_callers_cursor_is_refused(house: House, anna: Caller, bert: Caller) -> None:
    for _ in range(2):
        house.create_item(anna, a_draft())
    cursor = house.list_items(anna, limit=1).next_cursor
    assert cursor
    for caller, wrong in ((bert, cursor), (anna, "nonsense"), (anna, "")):
        with pytest.raises(InvalidCursor):
            house.list_items(caller, limit=1, cursor=wrong)
