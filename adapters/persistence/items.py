"""What the users keep, in its table, and the terms that it is found by."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, insert, select, update

from adapters.persistence.item_lists import ItemLists
from adapters.persistence.item_rows import ITEM_COLUMNS, item_of, terms_of, values_of
from adapters.persistence.prepared import Prepared
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
_INSERT = Prepared(insert(_ITEMS))
_UPDATE = Prepared(update(_ITEMS).where(_ITEMS.c.id == bindparam("item")))
_DELETE = Prepared(delete(_ITEMS).where(_ITEMS.c.id == bindparam("id")))
_INSERT_TERMS = Prepared(insert(_TERMS))
_DELETE_TERM = Prepared(
    delete(_TERMS).where(
        _TERMS.c.owner_id == bindparam("owner"),
        _TERMS.c.term == bindparam("word"),
        _TERMS.c.item_id == bindparam("item"),
    )
)


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
        self._sql.change(_INSERT, values_of(item))
        self._add_terms(item, terms_of(item))

    def save(self, item: Item, *, before: Item) -> None:
        self._sql.change(_UPDATE, values_of(item) | {"item": item.id})
        old, new = terms_of(before), terms_of(item)
        self._remove_terms(item, old - new)
        self._add_terms(item, new - old)

    def remove(self, item: Item) -> None:
        self._remove_terms(item, terms_of(item))
        self._sql.change(_DELETE, {"id": item.id})

    def _add_terms(self, item: Item, terms: Iterable[str]) -> None:
        rows = [{"owner_id": item.owner_id, "term": term, "item_id": item.id} for term in terms]
        self._sql.change_each(_INSERT_TERMS, rows)

    def _remove_terms(self, item: Item, terms: Iterable[str]) -> None:
        rows = [{"owner": item.owner_id, "word": term, "item": item.id} for term in terms]
        self._sql.change_each(_DELETE_TERM, rows)
