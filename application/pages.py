"""Pages of lists: as many entries as were asked for, and where the next page begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE_MAX = 100
"""Entries in one page of a list."""

PAGE_DEFAULT = 20
"""Entries in a page when the client does not say."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries of a list, with the cursor of those behind them, if there are any."""

    entries: Sequence[T]
    next_cursor: str | None


def page_of(found: Sequence[T], limit: int, cursor_behind: Callable[[T], str]) -> Page[T]:
    """Return a page of at most `limit` of what was found: one more, where there are more."""
    entries = found[:limit]
    return Page(entries, cursor_behind(entries[-1]) if len(found) > limit else None)
