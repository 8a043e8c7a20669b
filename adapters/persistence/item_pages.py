"""The statements of lists of items: a page in its order, and how many items a lookup finds."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Column,
    CompoundSelect,
    Select,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from adapters.persistence.item_rows import ITEM_COLUMNS
from adapters.persistence.prepared import Prepared
from adapters.persistence.tables import GrantRow, ItemRow, ItemTermRow, table
from domain.listing import Sort, SortKey

Ordered = TypeVar("Ordered", Select[Any], CompoundSelect[Any])

_ITEMS = table(ItemRow)
_GRANTS = table(GrantRow)
_TERMS = table(ItemTermRow)
_SORT_COLUMNS: dict[SortKey, Column[Any]] = {
    SortKey.CREATED_AT: _ITEMS.c.created_at,
    SortKey.UPDATED_AT: _ITEMS.c.updated_at,
    SortKey.TITLE: _ITEMS.c.title_key,
}
_AT_MOST: BindParameter[int] = bindparam("at_most")
_ANY = select(*ITEM_COLUMNS, literal(None).label("role"))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a list: its items, and how their ids are looked up by a word or a tag."""

    items: Select[Any]
    ids: Select[Any]
    is_searched: bool = True

    def lookup(self, number: int) -> Select[Any]:
        """Return the ids of what has the term of that number."""
        first, last = f"first{number}", f"last{number}"
        return self.ids.where(_TERMS.c.term.between(bindparam(first), bindparam(last)))


ANYBODYS = Part(_ANY, select(_TERMS.c.item_id))
OWNED = Part(
    _ANY.where(_ITEMS.c.owner_id == bindparam("listed_owner")),
    select(_TERMS.c.item_id).where(_TERMS.c.owner_id == bindparam("listed_owner")),
)
SHARED = Part(
    select(*ITEM_COLUMNS, _GRANTS.c.role)
    .join_from(_GRANTS, _ITEMS, _GRANTS.c.item_id == _ITEMS.c.id)
    .where(_GRANTS.c.user_id == bindparam("viewer_id")),
    ANYBODYS.ids,
    is_searched=False,  # what is shared with somebody is not so much
)


@dataclass(frozen=True, slots=True)
class PageKind:
    """What tells one statement for a page from another; the rest is parameters."""

    parts: tuple[Part, ...]
    sort: Sort
    is_first: bool
    terms: int = 0
    """How many words and tags are looked up, for items that have all of them."""

    is_near: bool = False
    """Whether they are looked for among the next entries of the order's index alone."""


@lru_cache
def page_of(kind: PageKind) -> Prepared:
    """Return the statement for a page: one trip to the database for all of its parts."""
    if len(kind.parts) == 1:
        return Prepared(_one_page(kind.parts[0], kind))
    return Prepared(lambda words: _merged(words, kind))


def _merged(words: Any, kind: PageKind) -> CompoundSelect[Any]:
    """Return a page of several parts, in one order.

    SQLite takes from each part, in its order, what it needs. PostgreSQL has to be told how much.
    """
    key = _SORT_COLUMNS[kind.sort.key]
    if words.dialect.name == "sqlite":
        each = [_with(key, _entries(part, key, kind)) for part in kind.parts]
    else:
        pages = [_one_page(part, kind) for part in kind.parts]
        each = [select(_with(key, page).subquery()) for page in pages]
    whole = union_all(*each)
    column = whole.selected_columns
    return _in_order(whole, column[key.name], column.id, kind.sort).limit(_AT_MOST)


def _with(key: Column[Any], query: Select[Any]) -> Select[Any]:
    """Return a query that has what its list is in the order of among its columns."""
    return query if key.name in query.selected_columns else query.add_columns(key)


def _one_page(part: Part, kind: PageKind) -> Select[Any]:
    key = _SORT_COLUMNS[kind.sort.key]
    if not kind.is_near:
        return _in_order(_entries(part, key, kind), key, _ITEMS.c.id, kind.sort).limit(_AT_MOST)
    lookups = [part.lookup(number) for number in range(kind.terms)]
    entries = _behind(part.items.with_only_columns(key.label("key"), _ITEMS.c.id), key, kind)
    near = _in_order(entries, key, _ITEMS.c.id, kind.sort).limit(bindparam("near")).subquery()
    found = select(near.c.id).where(*(near.c.id.in_(ids) for ids in lookups))
    first = _in_order(found, near.c.key, near.c.id, kind.sort).limit(_AT_MOST)
    return _in_order(part.items.where(_ITEMS.c.id.in_(first)), key, _ITEMS.c.id, kind.sort)


def _entries(part: Part, key: Column[Any], kind: PageKind) -> Select[Any]:
    """Return all that a part has for a page and behind it."""
    lookups = [part.lookup(number) for number in range(kind.terms)]
    found = part.items.where(*(_ITEMS.c.id.in_(ids) for ids in lookups))
    return _behind(found, key, kind)


def _behind(query: Select[Any], key: Column[Any], kind: PageKind) -> Select[Any]:
    if kind.is_first:
        return query
    place = tuple_(key, _ITEMS.c.id)
    last = tuple_(
        bindparam("behind", type_=key.type), bindparam("behind_id", type_=_ITEMS.c.id.type)
    )
    return query.where(place < last if kind.sort.is_descending else place > last)


def _in_order(query: Ordered, key: Any, id: Any, sort: Sort) -> Ordered:
    return query.order_by(*((key.desc(), id.desc()) if sort.is_descending else (key, id)))


@lru_cache
def count_of(part: Part) -> Prepared:
    """Return the statement that counts what a lookup finds, up to so many."""
    some = part.lookup(0).limit(bindparam("at_most")).subquery()
    return Prepared(select(func.count()).select_from(some))
