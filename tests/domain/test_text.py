"""What every piece of text from outside must be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.text import composed, line, storable, within

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)


@pytest.mark.parametrize(
    "text", ["", "plain", " \t\r\n", "\x01\x1f\x7f", "\u00fc\U0001f512", "\ud7ff\ue000\uffff"]
)
def test_text_that_every_database_holds_is_left_as_it_is(text: str) -> None:
    assert storable(text, field="title") is text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\x00", "string_nul"),
        ("a\x00b", "string_nul"),
        ("\u00fc\x00", "string_nul"),
        ("\ud800", "string_unicode"),
        ("a\udbff", "string_unicode"),
        ("\udc00b", "string_unicode"),
        ("a\udfffb", "string_unicode"),
        ("\ud83d\udd12", "string_unicode"),  # a pair of surrogates is no character in Python
    ],
)
def test_nul_and_lone_surrogates_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        storable(text, field="title")
    assert (refused.value.field, refused.value.reason) == ("title", reason)
    with pytest.raises(InvalidValue):
        line(text, field="title", longest=10)


@pytest.mark.parametrize("text", ["x" * 10, " \t" + "x" * 10 + "\r\n", "\U0001f512" * 10, "x"])
def test_a_line_is_trimmed_and_counted_in_characters(text: str) -> None:
    assert line(text, field="title", longest=10) == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "string_too_short"),
        (" \t\n\u3000", "string_too_short"),
        ("x" * 11, "string_too_long"),
        ("\U0001f512" * 11, "string_too_long"),
    ],
)
def test_a_line_that_is_empty_or_too_long_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        line(text, field="title", longest=10)
    assert (refused.value.field, refused.value.reason) == ("title", reason)


def test_text_without_a_line_may_be_empty_and_keeps_its_margins() -> None:
    assert within("", field="description", longest=3) == ""
    assert within(" x ", field="description", longest=3) == " x "
    with pytest.raises(InvalidValue):
        within(" x  ", field="description", longest=3)


@given(ANY_TEXT)
def test_a_line_once_accepted_is_accepted_as_it_is(text: str) -> None:
    try:
        accepted = line(text, field="title", longest=20)
    except InvalidValue:
        return
    assert line(accepted, field="title", longest=20) == accepted
    assert accepted.encode()
    assert 1 <= len(accepted) <= 20


@given(ANY_TEXT)
def test_composed_text_is_equal_where_it_looks_equal(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert composed(decomposed) == composed(text) == composed(composed(text))
