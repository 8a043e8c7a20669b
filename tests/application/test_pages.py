"""Proves how lists are cut into pages."""

import pytest

from application.pages import PAGE_DEFAULT, PAGE_MAX, Page, page_of


def test_the_limits_are_those_that_clients_were_told() -> None:
    assert (PAGE_MAX, PAGE_DEFAULT) == (100, 20)


@pytest.mark.parametrize(
    ("found", "page"),
    [
        ("", Page("", None)),
        ("a", Page("a", None)),
        ("ab", Page("ab", None)),
        ("abc", Page("ab", "behind b")),
    ],
)
def test_the_next_page_begins_behind_the_last_entry_of_this_one(
    found: str, page: Page[str]
) -> None:
    assert page_of(found, 2, lambda entry: f"behind {entry}") == page
