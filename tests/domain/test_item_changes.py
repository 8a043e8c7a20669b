"""How an item changes, and when a change is none."""

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import InvalidValue
from domain.item import Item, ItemEdit
from tests.domain.examples import LATER, NOW, a_draft, an_item, draft_of

EQUAL_TO_PYTHON_ONLY = [(1, 1.0), (1, True), (0.0, -0.0), (0, False), ([1], [True])]


def edited(item: Item, **parts: Any) -> Item:
    return item.edited(ItemEdit(**parts), now=LATER)


@pytest.mark.parametrize(
    ("parts", "changed"),
    [
        ({"title": " Another "}, {"title": "Another"}),
        ({"description": "Another"}, {"description": "Another"}),
        ({"description": None}, {"description": ""}),
        ({"tags": (" B ", "b", "a")}, {"tags": ("b", "a")}),
        ({"tags": ("two", "one")}, {"tags": ("two", "one")}),
        ({"tags": None}, {"tags": ()}),
        ({"attributes": {"b": 2}}, {"attributes": {"a": 1, "b": 2}}),
        ({"attributes": {"a": None}}, {"attributes": {}}),
        ({"attributes": None}, {"attributes": {}}),
        (
            {"title": "Another", "description": None, "attributes": {"a": 2}},
            {"title": "Another", "description": "", "attributes": {"a": 2}},
        ),
    ],
)
def test_an_edit_changes_what_it_names_and_counts_as_one_version(
    parts: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert edited(an_item(), **parts) == replace(an_item(), **changed, version=2, updated_at=LATER)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"title": "A title"},
        {"title": "  A title "},
        {"description": "A description"},
        {"tags": (" ONE", "two", "one")},
        {"attributes": {}},
        {"attributes": {"a": 1}},
        {"attributes": {"absent": None}},
    ],
)
def test_an_edit_that_changes_nothing_makes_no_version(parts: dict[str, Any]) -> None:
    item = an_item()
    assert edited(item, **parts) is item


def test_clearing_what_is_clear_changes_nothing() -> None:
    item = an_item(description="", tags=(), attributes={})
    assert edited(item, description=None, tags=None, attributes=None) is item


@pytest.mark.parametrize(("old", "new"), EQUAL_TO_PYTHON_ONLY)
def test_values_that_only_python_takes_for_equal_are_a_change(old: Any, new: Any) -> None:
    for before, after in ((old, new), (new, old)):
        item = an_item(attributes={"a": before})
        for changed in (
            edited(item, attributes={"a": after}),
            item.replaced(replace(draft_of(item), attributes={"a": after}), now=LATER),
        ):
            assert changed.version == 2
            assert repr(changed.attributes) == repr({"a": after})


def test_contents_put_in_the_place_of_others_leave_nothing_of_these() -> None:
    replaced = an_item().replaced(a_draft(title="Another"), now=LATER)
    assert replaced == replace(
        an_item(),
        title="Another",
        description="",
        tags=(),
        attributes={},
        version=2,
        updated_at=LATER,
    )


def test_equal_contents_put_in_place_make_no_version() -> None:
    item = an_item()
    assert item.replaced(draft_of(item), now=LATER) is item


def test_every_change_counts() -> None:
    item = an_item()
    for version in range(2, 6):
        item = edited(item, title=f"Title {version}")
        assert item.version == version
    assert item.created_at == NOW


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "\x00"}, "description"),
        ({"tags": ("",)}, "tags"),
        ({"attributes": {"b": "x" * 16_384}}, "attributes"),
        ({"attributes": {"b": float("nan")}}, "attributes"),
    ],
)
def test_an_edit_beyond_the_limits_is_refused(parts: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        edited(an_item(), **parts)
    assert refused.value.field == field


def test_what_counts_is_what_a_patch_makes_not_what_it_says() -> None:
    full = {str(number): number for number in range(256)}
    item = an_item(attributes=full)
    with pytest.raises(InvalidValue):
        edited(item, attributes={"one more": 1})
    exchanged = edited(item, attributes={"one more": 1, "0": None})
    assert len(exchanged.attributes) == 256
