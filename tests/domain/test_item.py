"""What a user may write into an item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.item import (
    DESCRIPTION_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    Item,
    ItemDraft,
    tags,
)
from tests.domain.examples import ANNA, ITEM, NOW, a_draft, an_item, draft_of


def test_the_limits_are_those_that_clients_were_told() -> None:
    assert (TITLE_MAX, DESCRIPTION_MAX, TAGS_MAX, TAG_MAX) == (200, 10_000, 20, 50)


def test_a_draft_needs_a_title_only() -> None:
    draft = ItemDraft(title="A title")
    assert (draft.description, draft.tags, dict(draft.attributes)) == ("", (), {})


def test_a_title_is_trimmed_before_it_is_counted() -> None:
    assert a_draft(title=" \t A title\u3000\n").title == "A title"
    assert a_draft(title="  " + "x" * 200 + "  ").title == "x" * 200
    assert a_draft(title="\U0001f512" * 200).title == "\U0001f512" * 200


def test_a_description_is_left_exactly_as_it_was_written() -> None:
    text = "  # A\r\n\ttabs, margins and \U0001f512  \n"
    assert a_draft(description=text).description == text
    assert a_draft(description="\U0001f512" * 10_000).description == "\U0001f512" * 10_000


def test_tags_are_trimmed_lowered_and_merged_in_their_first_order() -> None:
    draft = a_draft(tags=(" B ", "a", "b", "\u00dc", "A", "u\u0308", "\u00fc"))
    assert draft.tags == ("b", "a", "\u00fc", "u\u0308")


def test_tags_are_counted_after_duplicates_were_merged() -> None:
    names = tuple(str(number) for number in range(20))
    assert a_draft(tags=names * 3).tags == names
    assert a_draft(tags=("x" * 50,)).tags == ("x" * 50,)
    assert a_draft(tags=(" " + "x" * 50 + " ",)).tags == ("x" * 50,)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"title": ""}, "string_too_short"),
        ({"title": " \u3000"}, "string_too_short"),
        ({"title": "x" * 201}, "string_too_long"),
        ({"title": "a\x00b"}, "string_nul"),
        ({"title": "\ud800"}, "string_unicode"),
        ({"description": "x" * 10_001}, "string_too_long"),
        ({"description": "\x00"}, "string_nul"),
        ({"description": "\udfff"}, "string_unicode"),
        ({"tags": ("",)}, "string_too_short"),
        ({"tags": ("a", "  ")}, "string_too_short"),
        ({"tags": ("x" * 51,)}, "string_too_long"),
        ({"tags": ("\u0130" * 26,)}, "string_too_long"),  # two characters each in lower case
        ({"tags": ("a\x00",)}, "string_nul"),
        ({"tags": ("\ud800",)}, "string_unicode"),
        ({"tags": tuple(str(number) for number in range(21))}, "too_long"),
        ({"attributes": {"a": "\x00"}}, "string_nul"),
        ({"attributes": {"a": "x" * 16_384}}, "too_large"),
    ],
)
def test_a_part_beyond_its_limits_is_refused_by_its_name(
    part: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        a_draft(**part)
    assert (refused.value.field, refused.value.reason) == (next(iter(part)), reason)


@given(st.lists(st.text(st.sampled_from("aA\u0130\u00df\u03a3\u01c5 \t\u3000-"), max_size=4)))
def test_tags_once_accepted_are_accepted_as_they_are(texts: list[str]) -> None:
    try:
        accepted = tags(texts)
    except InvalidValue:
        return
    assert tags(accepted) == accepted
    assert len(set(accepted)) == len(accepted)
    assert tags([*accepted, *reversed(accepted)]) == accepted


def test_an_item_begins_with_version_one() -> None:
    draft = a_draft(
        title="A title", description="A description", tags=("one", "two"), attributes={"a": 1}
    )
    item = Item.create(id=ITEM, owner_id=ANNA, draft=draft, now=NOW)
    assert item == an_item()
    assert (item.version, item.created_at, item.updated_at) == (1, NOW, NOW)
    assert draft_of(item) == draft
