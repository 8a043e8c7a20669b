"""What the users keep, in its table, and the terms that it is found by."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, bindparam, delete, insert, select, update

from adapters.persistence.item_lists import ItemLists
from adapters.persistence.item_rows import ITEM_COLUMNS, item_of, terms_of, values_of
from adapters.persistence.prepared import Prepared, as_given, each_text, given
from adapters.persistence.statements import Statements
from adapters.persistence.tables import ItemRow, ItemTermRow, table
from application.ports.items import Items
from application.ports.places import Place
from domain.item import Item, ItemId, SeenItem
from domain.listing import ItemQuery

_ITEMS = table(ItemRow)
_TERMS = table(ItemTermRow)
_ONE = select(*ITEM_COLUMNS).where(_ITEMS.c.id == bindparam("id"))
_BY_ID = Prepared(_ONE)
_LOCKED = Prepared(_ONE.with_for_update())
_LOCKED_ALL = (
    select(*ITEM_COLUMNS)
    .where(_ITEMS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_ITEMS.c.id)
    .with_for_update()
)
_INSERT = Prepared(insert(_ITEMS).values(given(_ITEMS.c)))
_DELETE = Prepared(delete(_ITEMS).where(_ITEMS.c.id == bindparam("id")))
_OWNER = bindparam("owner", type_=_TERMS.c.owner_id.type)
_ITEM = bindparam("item", type_=_TERMS.c.item_id.type)
_INSERT_TERM = Prepared(insert(_TERMS))


def _insert_terms(words: Any) -> Insert:
    each = select(_OWNER, each_text(words, "terms"), _ITEM)
    return insert(_TERMS).from_select(["owner_id", "term", "item_id"], each)


_INSERT_TERMS = Prepared(_insert_terms)


@lru_cache(maxsize=256)
def _update(*names: str) -> Prepared:
    """Return what changes these columns of an item, and names no other: it costs as it would."""
    new = given(_ITEMS.c[name] for name in names)
    return Prepared(update(_ITEMS).where(_ITEMS.c.id == bindparam("saved")).values(new))


_DELETE_TERM = Prepared(
    delete(_TERMS).where(
        _TERMS.c.owner_id == _OWNER, _TERMS.c.term == bindparam("term"), _TERMS.c.item_id == _ITEM
    )
)
"""By its key: for many at once, PostgreSQL may prefer to read all that an index has of the owner,
as long as it does not know how much that is."""


class SqlItems(Items):
    """Items on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, id: ItemId) -> Item | None:
        row = self._sql.one(_BY_ID, {"id": id})
        return None if row is None else item_of(row)

    def lock(self, id: ItemId) -> Item | None:
        row = self._sql.one(_LOCKED, {"id": id})
        return None if row is None else item_of(row)

    def lock_all(self, ids: Collection[ItemId]) -> Mapping[ItemId, Item]:
        if not ids:
            return {}
        rows = self._sql.all(_LOCKED_ALL, {"ids": list(ids)})
        return {item.id: item for item in map(item_of, rows)}

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        return ItemLists(self._sql).matching(wanted, after=after, limit=limit)

    def add(self, item: Item) -> None:
        self._sql.change_later(_INSERT, as_given(values_of(item)))
        self._add_terms(item, terms_of(item))

    def save(self, item: Item, *, before: Item) -> None:
        was, now = values_of(before), values_of(item)
        changed = {name: value for name, value in now.items() if value != was[name]}
        if item.attributes is not before.attributes:  # to Python, true is 1 is 1.0
            changed["attributes"] = item.attributes
        old, new = terms_of(before), terms_of(item)
        self._remove_terms(item, old - new)
        self._sql.change_later(_update(*changed), as_given(changed) | {"saved": item.id})
        self._add_terms(item, new - old)

    def remove(self, item: Item) -> None:
        self._remove_terms(item, terms_of(item))
        self._sql.change(_DELETE, {"id": item.id})

    def _add_terms(self, item: Item, terms: Collection[str]) -> None:
        """Add terms: SQLite copies pages first for a statement of many rows."""
        if self._sql.dialect == "sqlite":
            row = {"owner_id": item.owner_id, "item_id": item.id}
            self._sql.change_each(_INSERT_TERM, [row | {"term": term} for term in terms])
        elif terms:
            told = {"owner": item.owner_id, "terms": list(terms), "item": item.id}
            self._sql.change_later(_INSERT_TERMS, told)

    def _remove_terms(self, item: Item, terms: Collection[str]) -> None:
        one = {"owner": item.owner_id, "item": item.id}
        self._sql.change_each(_DELETE_TERM, [one | {"term": term} for term in terms])
