"""Lists of items: every one walks an index in the order of the list, and never sorts a collection.

A list without filters is one statement. With filters there are two ways. If some word or tag is
on very few items, those are looked up by it and put in order. If all are common, the list is
walked in its order and what does not match is left out: matches are then rarely far apart.
Between the two, a few steps are walked, and if they do not suffice, the rest is looked up. Where
what is common is far from the page or never on one item, no walk passes more than some thousand
items: then all words and tags are looked up together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, literal, select, tuple_, union_all

from adapters.persistence.item_rows import ITEM_COLUMNS, item_of, tag_term
from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import GrantRow, ItemRow, ItemTermRow, table
from application.ports.places import Place
from domain.item import Access, Item, SeenItem
from domain.listing import ItemQuery, Sort, SortKey, Whose

VERY_FEW = 200
"""Items that a word or tag may be on for them to be looked up by it at once."""

FEW = 5000
"""Items that it may be on for them to be looked up when a few steps did not find enough."""

WALK_MAX = 10_000
"""Items that are walked past; if those were not enough, all words and tags are looked up."""

_STEP_MAX = 2000
_AFTER_EVERY_WORD = "\U0010ffff"
_ITEMS = table(ItemRow)
_GRANTS = table(GrantRow)
_TERMS = table(ItemTermRow)
_SORT_COLUMNS: dict[SortKey, Column[Any]] = {
    SortKey.CREATED_AT: _ITEMS.c.created_at,
    SortKey.UPDATED_AT: _ITEMS.c.updated_at,
    SortKey.TITLE: _ITEMS.c.title_key,
}
_ANY = select(*ITEM_COLUMNS, literal(None).label("role"))
Matches = Callable[[Item], bool]
Term = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of a list: its items, and how their ids are looked up by a word or a tag."""

    items: Select[Any]
    ids: Select[Any]
    is_searched: bool = True

    def lookup(self, number: int) -> Select[Any]:
        """Return the ids of what has the term of that number."""
        first, last = f"first{number}", f"last{number}"
        return self.ids.where(_TERMS.c.term.between(bindparam(first), bindparam(last)))


_ANYBODYS = _Part(_ANY, select(_TERMS.c.item_id))
_OWNED = _Part(
    _ANY.where(_ITEMS.c.owner_id == bindparam("listed_owner")),
    select(_TERMS.c.item_id).where(_TERMS.c.owner_id == bindparam("listed_owner")),
)
_SHARED = _Part(
    select(*ITEM_COLUMNS, _GRANTS.c.role)
    .join_from(_GRANTS, _ITEMS, _GRANTS.c.item_id == _ITEMS.c.id)
    .where(_GRANTS.c.user_id == bindparam("viewer_id")),
    _ANYBODYS.ids,
    is_searched=False,  # what is shared with somebody is not so much
)


class ItemLists:
    """Runs the statements of lists."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        """Return at most `limit` items as their viewer sees them, from behind that place."""
        parts = _parts(wanted)
        if wanted.is_narrowed:
            walks = [self._walk(part, wanted, after=after, limit=limit) for part in parts]
            found = list(chain.from_iterable(walks))
        else:
            rows = self._page(parts, wanted, after=after, limit=limit)
            found = [_seen(item_of(row), row.role, wanted) for row in rows]
        if len(parts) > 1:
            place_of = wanted.place_of
            found.sort(key=lambda seen: place_of(seen.item), reverse=wanted.sort.is_descending)
        return found[:limit]

    def _walk(
        self, part: _Part, wanted: ItemQuery, *, after: Place | None, limit: int
    ) -> Iterator[SeenItem]:
        """Go through one part of the list in its order, until enough of it matches."""
        terms, matches = _terms(wanted), _filter(wanted)
        looked_up = self._rarest(part, terms, wanted, VERY_FEW)
        step, left, walked = limit * 4, limit, 0
        while left > 0:
            is_all = len(looked_up) == len(terms)  # then whatever is found matches
            step = left if is_all else step
            rows = self._page((part,), wanted, looked_up, after=after, limit=step)
            for row in rows:
                item = item_of(row)
                if left > 0 and (is_all or matches(item)):
                    left -= 1
                    yield _seen(item, row.role, wanted)
            if len(rows) < step:
                return
            after = Place(*wanted.place_of(item_of(rows[-1])))
            if not looked_up and left > 0 and walked == 0:
                looked_up = self._rarest(part, terms, wanted, FEW)
            walked += step
            step = min(step * 4, _STEP_MAX)
            if walked > WALK_MAX and part.is_searched:
                looked_up = terms

    def _page(
        self,
        parts: tuple[_Part, ...],
        wanted: ItemQuery,
        looked_up: Sequence[Term] = (),
        *,
        after: Place | None,
        limit: int,
    ) -> Sequence[Any]:
        """Return the next rows of each part, only those with all the terms that are looked up."""
        if not parts:
            return []
        place = {} if after is None else {"behind": after.key, "behind_id": after.id}
        page = _page_of(parts, wanted.sort, is_first=after is None, terms=len(looked_up))
        return self._sql.all(page, _whose(wanted) | {"at_most": limit} | place | _bounds(looked_up))

    def _rarest(
        self, part: _Part, terms: Sequence[Term], wanted: ItemQuery, few: int
    ) -> Sequence[Term]:
        """Return the rarest word or tag of a search, if it is on few items."""
        if not part.is_searched or not terms:
            return []
        count, some = _count_of(part), _whose(wanted) | {"at_most": few + 1}
        counted = [(self._sql.value(count, some | _bounds([term])), term) for term in terms]
        fewest, rarest = min(counted)
        return [rarest] if fewest <= few else []


@lru_cache
def _page_of(parts: tuple[_Part, ...], sort: Sort, *, is_first: bool, terms: int) -> Prepared:
    """Return the statement for a page of each part: one trip to the database for all of them."""
    pages = [_one_page(part, sort, is_first=is_first, terms=terms) for part in parts]
    if len(pages) == 1:
        return Prepared(pages[0])
    return Prepared(union_all(*(select(page.subquery()) for page in pages)))


def _one_page(part: _Part, sort: Sort, *, is_first: bool, terms: int) -> Select[Any]:
    column = _SORT_COLUMNS[sort.key]
    query = part.items
    for number in range(terms):
        query = query.where(_ITEMS.c.id.in_(part.lookup(number)))
    if not is_first:
        place = tuple_(column, _ITEMS.c.id)
        behind = tuple_(
            bindparam("behind", type_=column.type), bindparam("behind_id", type_=_ITEMS.c.id.type)
        )
        query = query.where(place < behind if sort.is_descending else place > behind)
    down = (column.desc(), _ITEMS.c.id.desc())
    up = (column, _ITEMS.c.id)
    return query.order_by(*(down if sort.is_descending else up)).limit(bindparam("at_most"))


@lru_cache
def _count_of(part: _Part) -> Prepared:
    """Return the statement that counts what a lookup finds, up to so many."""
    some = part.lookup(0).limit(bindparam("at_most")).subquery()
    return Prepared(select(func.count()).select_from(some))


def _parts(wanted: ItemQuery) -> tuple[_Part, ...]:
    match wanted.whose:
        case Whose.OWNED:
            return (_OWNED,)
        case Whose.SHARED:
            return () if wanted.owner_id == wanted.viewer_id else (_SHARED,)
        case Whose.ALL:
            return (_OWNED,) if wanted.owner_id == wanted.viewer_id else (_OWNED, _SHARED)
        case Whose.ANY:
            return (_ANYBODYS,) if wanted.owner_id is None else (_OWNED,)


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
    """Return an item as its viewer sees it."""
    if item.owner_id == wanted.viewer_id:
        access = Access.OWNER
    else:
        access = Access.ADMIN if wanted.sees_all or role is None else Access(role)
    return SeenItem(item=item, access=access)
