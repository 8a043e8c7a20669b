"""Lists of items: every one walks an index in the order of the list, and never sorts a collection.

A list without filters is one statement. With filters there are two ways. If some word or tag is
on very few items, those are looked up by it and put in order. If all are common, the list is
walked in its order and what does not match is left out: matches are then never far apart. Between
the two, a few steps are walked, and if they do not suffice, the rest is looked up.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, literal, select, tuple_

from adapters.persistence.item_rows import item_of, tag_term
from adapters.persistence.statements import Statements
from adapters.persistence.tables import GrantRow, ItemRow, ItemTermRow, table
from application.ports.places import Place
from domain.access import UserId
from domain.item import Access, Item, SeenItem
from domain.listing import ItemQuery, SortKey, Whose

VERY_FEW = 50
"""Items that a word or tag may be on for them to be looked up by it at once."""

FEW = 2000
"""Items that it may be on for them to be looked up when a few steps did not find enough."""

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
_SHARED = (
    select(_ITEMS, _GRANTS.c.role)
    .join_from(_GRANTS, _ITEMS, _GRANTS.c.item_id == _ITEMS.c.id)
    .where(_GRANTS.c.user_id == bindparam("viewer_id"))
)
_ANYBODYS = select(_ITEMS, literal(None).label("role"))
_OWNED = _ANYBODYS.where(_ITEMS.c.owner_id == bindparam("listed_owner"))

Matches = Callable[[Item], bool]


class ItemLists:
    """Runs the statements of lists."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        """Return at most `limit` items as their viewer sees them, from behind that place."""
        found = [
            seen
            for part in _parts(wanted)
            for seen in self._walk(part, wanted, after=after, limit=limit)
        ]
        found.sort(key=lambda seen: _key(seen.item, wanted), reverse=wanted.sort.is_descending)
        return found[:limit]

    def _walk(
        self, part: Select[Any], wanted: ItemQuery, *, after: Place | None, limit: int
    ) -> Iterator[SeenItem]:
        """Go through one part of the list in its order, until enough of it matches."""
        matches = _filter(wanted)
        narrow = self._narrowed(part, wanted, VERY_FEW) if matches else part
        step, left = (limit * 4, limit) if matches else (limit, limit)
        while left > 0:
            rows = self._page(narrow, wanted, after=after, limit=step)
            for row in rows:
                item = item_of(row)
                if left > 0 and (matches is None or matches(item)):
                    left -= 1
                    yield SeenItem(item=item, access=_access(item, row.role, wanted))
            if len(rows) < step:
                return
            after = Place(_key(item_of(rows[-1]), wanted)[0], rows[-1].id)
            step = min(step * 4, _STEP_MAX)
            if narrow is part and left > 0:
                narrow = self._narrowed(part, wanted, FEW)

    def _page(
        self, part: Select[Any], wanted: ItemQuery, *, after: Place | None, limit: int
    ) -> Sequence[Any]:
        column = _SORT_COLUMNS[wanted.sort.key]
        place = tuple_(column, _ITEMS.c.id)
        down = wanted.sort.is_descending
        order = (column.desc(), _ITEMS.c.id.desc()) if down else (column, _ITEMS.c.id)
        query = part.order_by(*order).limit(limit)
        if after is not None:
            behind = (after.key, after.id)
            query = query.where(place < behind if down else place > behind)
        return self._sql.run(query, _parameters(wanted)).all()

    def _narrowed(self, part: Select[Any], wanted: ItemQuery, few: int) -> Select[Any]:
        """Narrow a part to the items of the rarest word or tag, if they are few."""
        if part is not _OWNED and part is not _ANYBODYS:
            return part  # what is shared with somebody is not so much
        lookups = [_by_term(term, _listed_owner(wanted)) for term in _terms(wanted)]
        counted = ((self._count(lookup, few), lookup) for lookup in lookups)
        count, rarest = min(counted, key=lambda pair: pair[0])
        return part.where(_ITEMS.c.id.in_(rarest)) if count <= few else part

    def _count(self, lookup: Select[Any], few: int) -> int:
        """Count what a lookup finds, up to one more than few."""
        some = lookup.limit(few + 1).subquery()
        counted: int = self._sql.run(select(func.count()).select_from(some)).scalar_one()
        return counted


def _parts(wanted: ItemQuery) -> list[Select[Any]]:
    match wanted.whose:
        case Whose.OWNED:
            return [_OWNED]
        case Whose.SHARED:
            return [] if wanted.owner_id == wanted.viewer_id else [_SHARED]
        case Whose.ALL:
            return [_OWNED] if wanted.owner_id == wanted.viewer_id else [_OWNED, _SHARED]
        case Whose.ANY:
            return [_ANYBODYS] if wanted.owner_id is None else [_OWNED]


def _listed_owner(wanted: ItemQuery) -> UserId | None:
    return wanted.owner_id if wanted.whose is Whose.ANY else wanted.viewer_id


def _parameters(wanted: ItemQuery) -> dict[str, object]:
    return {"viewer_id": wanted.viewer_id, "listed_owner": _listed_owner(wanted)}


def _terms(wanted: ItemQuery) -> list[tuple[str, str]]:
    """Return the bounds of each term: a tag is itself, a word is all that begin with it."""
    tags = [(tag_term(tag), tag_term(tag)) for tag in wanted.tags]
    return tags + [(word, word + _AFTER_EVERY_WORD) for word in wanted.words]


def _by_term(bounds: tuple[str, str], owner: UserId | None) -> Select[Any]:
    query = select(_TERMS.c.item_id).where(_TERMS.c.term.between(*bounds))
    return query if owner is None else query.where(_TERMS.c.owner_id == owner)


def _filter(wanted: ItemQuery) -> Matches | None:
    if not wanted.tags and not wanted.words:
        return None
    tags, sought = frozenset(wanted.tags), wanted.words

    def matches(item: Item) -> bool:
        if not tags.issubset(item.tags):
            return False
        words = item.words if sought else ()
        return all(any(word.startswith(start) for word in words) for start in sought)

    return matches


def _key(item: Item, wanted: ItemQuery) -> tuple[Any, Any]:
    match wanted.sort.key:
        case SortKey.CREATED_AT:
            return item.created_at, item.id
        case SortKey.UPDATED_AT:
            return item.updated_at, item.id
        case SortKey.TITLE:
            return item.title_key, item.id


def _access(item: Item, role: str | None, wanted: ItemQuery) -> Access:
    if item.owner_id == wanted.viewer_id:
        return Access.OWNER
    return Access.ADMIN if wanted.sees_all or role is None else Access(role)
