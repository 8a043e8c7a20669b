"""Lists of items: in which order, and which of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias

from domain.access import Caller, Scope, UserId
from domain.errors import Forbidden, InsufficientScope
from domain.item import Item, ItemId
from domain.words import needed_words, words_of

SEARCH_MAX = 100
"""Characters in a search."""

SEARCH_TAGS_MAX = 20
"""Tags that one list can ask for at once: as many as an item can have."""


class SortKey(StrEnum):
    """What a list is ordered by; the id decides between equals."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    TITLE = "title"


class Sort(StrEnum):
    """An order of a list: by a key, or by it the other way round."""

    OLDEST = "created_at"
    NEWEST = "-created_at"
    CHANGED_FIRST = "updated_at"
    CHANGED_LAST = "-updated_at"
    TITLE = "title"
    TITLE_BACKWARDS = "-title"

    @property
    def key(self) -> SortKey:
        """What it orders by."""
        return SortKey(self.value.removeprefix("-"))

    @property
    def is_descending(self) -> bool:
        """Whether the largest comes first."""
        return self.value.startswith("-")


PlaceOf: TypeAlias = Callable[[Item], tuple[datetime | str, ItemId]]
"""Tells where an item stands in an order: its key, and its id among equals."""

_PLACES: Mapping[SortKey, PlaceOf] = {
    SortKey.CREATED_AT: attrgetter("created_at", "id"),
    SortKey.UPDATED_AT: attrgetter("updated_at", "id"),
    SortKey.TITLE: attrgetter("title_key", "id"),
}


class Whose(StrEnum):
    """Whose items a list shows: one's own, those shared with one, both, or everybody's."""

    OWNED = "owned"
    SHARED = "shared"
    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemQuery:
    """Which items a list shows, in which order. Every word must begin a word of the item."""

    viewer_id: UserId
    sees_all: bool = False
    whose: Whose = Whose.ALL
    owner_id: UserId | None = None
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    sort: Sort = Sort.NEWEST

    @classmethod
    def of(
        cls,
        caller: Caller,
        *,
        whose: Whose = Whose.ALL,
        owner_id: UserId | None = None,
        tags: tuple[str, ...] = (),
        search: str = "",
        sort: Sort = Sort.NEWEST,
    ) -> "ItemQuery":
        """Return what a caller may ask for.

        Everybody's items need the scope items:admin, and so do another owner's, which must be
        asked for with `any`. Raises InsufficientScope, Forbidden.
        """
        if whose is Whose.ANY or owner_id not in {None, caller.user_id}:
            if Scope.ITEMS_ADMIN not in caller.scopes:
                raise InsufficientScope((Scope.ITEMS_ADMIN.value,))
            if whose is not Whose.ANY:
                raise Forbidden
        return cls(
            viewer_id=caller.user_id,
            sees_all=Scope.ITEMS_ADMIN in caller.scopes,
            whose=whose,
            owner_id=owner_id,
            tags=tuple(sorted(set(tags))),
            words=tuple(needed_words(words_of(search))),
            sort=sort,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether items are looked for by their words or tags."""
        return bool(self.tags or self.words)

    @property
    def place_of(self) -> PlaceOf:
        """What tells where an item stands in this list."""
        return _PLACES[self.sort.key]

    @property
    def name(self) -> str:
        """What tells this list from every other, for cursors."""
        parts = (self.viewer_id, self.whose, self.owner_id, self.tags, self.words, self.sort)
        return f"items {[str(part) for part in parts]}"
