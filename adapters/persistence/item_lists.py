"""Lists of items: every one walks an index in the order of the list, and never sorts a collection.

A list without filters is one statement. With filters there are two ways. If some word or tag is
on very few items, those are looked up by it and put in order. If all are common, the list is
walked in its order and what does not match is left out: matches are then rarely far apart.
Between the two, a step or two are walked, and if they find little, the rest is looked up: first
among the next entries of the order's index, whose walk costs a fiftieth of one through items.
Where what is common is far from the page or never on one item, no walk passes more than some
thousand items: then all words and tags are looked up together.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from adapters.persistence.item_pages import (
    ANYBODYS,
    OWNED,
    SHARED,
    PageKind,
    Part,
    count_of,
    page_of,
)
from adapters.persistence.item_rows import item_of, tag_term
from adapters.persistence.statements import Statements
from application.ports.places import Place
from domain.item import Access, Item, SeenItem
from domain.listing import ItemQuery, Whose

VERY_FEW = 200
"""Items that a word or tag may be on for them to be looked up by it at once."""

SCARCE = 0.8
"""The share of a page that is missing after one step, if going on would take many more; after two,
whatever is missing is far."""

FEW = 20_000
"""Items that it may be on for them to be looked up where matches are scarce."""

WALK_MAX = 10_000
"""Items that are walked past; if those were not enough, all words and tags are looked up."""

NEAR = 10_000
"""Entries of the order's index among which they are looked for first."""

_STEP_MAX = 2000
_AFTER_EVERY_WORD = "\U0010ffff"
Matches = Callable[[Item], bool]
Term = tuple[str, str]


class ItemLists:
    """Runs the statements of lists."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        """Return at most `limit` items as their viewer sees them, from behind that place."""
        parts = _parts(wanted)
        if not wanted.is_narrowed:
            rows = self._page(parts, wanted, after=after, limit=limit)
            return [_seen(item_of(row), row.role, wanted) for row in rows]
        walks = [self._walk(part, wanted, after=after, limit=limit) for part in parts]
        found = list(chain.from_iterable(walks))
        if len(parts) > 1:
            place_of = wanted.place_of
            found.sort(key=lambda seen: place_of(seen.item), reverse=wanted.sort.is_descending)
        return found[:limit]

    def _walk(
        self, part: Part, wanted: ItemQuery, *, after: Place | None, limit: int
    ) -> Iterator[SeenItem]:
        """Go through one part of the list in its order, until enough of it matches."""
        terms, matches = _terms(wanted), _filter(wanted)
        looked_up, is_near = self._rarest(part, terms, wanted, VERY_FEW), False
        step, left, walked = limit * 4, limit, 0
        while left > 0:
            is_all = len(looked_up) == len(terms)  # then whatever is found matches
            step = left if is_all else step
            rows = self._page((part,), wanted, looked_up, after=after, limit=step, is_near=is_near)
            for row in rows:
                item = item_of(row)
                if left > 0 and (is_all or matches(item)):
                    left -= 1
                    yield _seen(item, row.role, wanted)
            if rows:
                after = Place(*wanted.place_of(item_of(rows[-1])))
            if len(rows) < step:
                if not is_near:
                    return
                is_near = False  # others may be anywhere behind
                continue
            is_scarce = left > (limit * SCARCE if walked == 0 else 0)
            if not looked_up and is_scarce and walked <= limit * 4:
                looked_up = self._rarest(part, terms, wanted, FEW)
                is_near = bool(looked_up)
            walked += step
            step = min(step * 4, _STEP_MAX)
            if walked > WALK_MAX and part.is_searched:
                looked_up = terms

    def _page(
        self,
        parts: tuple[Part, ...],
        wanted: ItemQuery,
        looked_up: Sequence[Term] = (),
        *,
        after: Place | None,
        limit: int,
        is_near: bool = False,
    ) -> Sequence[Any]:
        """Return the next rows of these parts, only those with all the terms that are looked up."""
        if not parts:
            return []
        kind = PageKind(
            parts, wanted.sort, is_first=after is None, terms=len(looked_up), is_near=is_near
        )
        place = {} if after is None else {"behind": after.key, "behind_id": after.id}
        near = {"near": NEAR} if is_near else {}
        told = _whose(wanted) | {"at_most": limit} | place | near | _bounds(looked_up)
        return self._sql.all(page_of(kind), told)

    def _rarest(
        self, part: Part, terms: Sequence[Term], wanted: ItemQuery, few: int
    ) -> Sequence[Term]:
        """Return the rarest word or tag of a search, if it is on few items."""
        if not part.is_searched or not terms:
            return []
        count, some = count_of(part), _whose(wanted) | {"at_most": few + 1}
        counted = [(self._sql.value(count, some | _bounds([term])), term) for term in terms]
        fewest, rarest = min(counted)
        return [rarest] if fewest <= few else []


def _parts(wanted: ItemQuery) -> tuple[Part, ...]:
    match wanted.whose:
        case Whose.OWNED:
            return (OWNED,)
        case Whose.SHARED:
            return () if wanted.owner_id == wanted.viewer_id else (SHARED,)
        case Whose.ALL:
            return (OWNED,) if wanted.owner_id == wanted.viewer_id else (OWNED, SHARED)
        case Whose.ANY:
            return (ANYBODYS,) if wanted.owner_id is None else (OWNED,)


def _whose(wanted: ItemQuery) -> dict[str, object]:
    owner = wanted.owner_id if wanted.whose is Whose.ANY else wanted.viewer_id
    return {"viewer_id": wanted.viewer_id, "listed_owner": owner}


def _terms(wanted: ItemQuery) -> list[Term]:
    """Return the bounds of each term: a tag is itself, a word is all that begin with it."""
    tags = [(tag_term(tag), tag_term(tag)) for tag in wanted.tags]
    return tags + [(word, word + _AFTER_EVERY_WORD) for word in wanted.words]


def _bounds(terms: Sequence[Term]) -> dict[str, object]:
    """Return the parameters of lookups."""
    return {
        f"{name}{number}": bound
        for number, term in enumerate(terms)
        for name, bound in zip(("first", "last"), term, strict=True)
    }


def _filter(wanted: ItemQuery) -> Matches:
    tags, sought = frozenset(wanted.tags), wanted.words

    def matches(item: Item) -> bool:
        if not tags.issubset(item.tags):
            return False
        words = item.words if sought else ()
        return all(any(word.startswith(start) for word in words) for start in sought)

    return matches


def _seen(item: Item, role: str | None, wanted: ItemQuery) -> SeenItem:
    """Return an item as its viewer sees it; what they need no role for is theirs."""
    if wanted.sees_all or wanted.whose is Whose.ANY:
        access = Access.OWNER if item.owner_id == wanted.viewer_id else Access.ADMIN
    else:
        access = Access.OWNER if role is None else Access(role)
    return SeenItem(item=item, access=access)
