"""What the users keep, in its table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from adapters.persistence.statements import Statements
from adapters.persistence.tables import ItemRow, table
from application.ports import Items, Place
from domain.access import UserId
from domain.item import Item, ItemId

_ITEMS = table(ItemRow)
_BY_ID = select(_ITEMS).where(_ITEMS.c.id == bindparam("id"))
_LOCKED = _BY_ID.with_for_update()
_PAGE = (
    select(_ITEMS)
    .where(_ITEMS.c.owner_id == bindparam("owner_id"))
    .order_by(_ITEMS.c.created_at.desc(), _ITEMS.c.id.desc())
    .limit(bindparam("limit"))
)
_NEXT_PAGE = _PAGE.where(
    tuple_(_ITEMS.c.created_at, _ITEMS.c.id)
    < tuple_(
        bindparam("created_at", type_=_ITEMS.c.created_at.type),
        bindparam("last_id", type_=_ITEMS.c.id.type),
    )
)
_INSERT = insert(_ITEMS)
_UPDATE = update(_ITEMS).where(_ITEMS.c.id == bindparam("key"))
_DELETE = delete(_ITEMS).where(_ITEMS.c.id == bindparam("id"))


class SqlItems(Items):
    """Items on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, id: ItemId) -> Item | None:
        return _item(self._sql.one(_BY_ID, {"id": id}))

    def lock(self, id: ItemId) -> Item | None:
        return _item(self._sql.one(_LOCKED, {"id": id}))

    def owned_by(self, owner_id: UserId, *, after: Place | None, limit: int) -> Sequence[Item]:
        wanted: dict[str, object] = {"owner_id": owner_id, "limit": limit}
        if after is None:
            rows = self._sql.run(_PAGE, wanted)
        else:
            behind = {"created_at": after.created_at, "last_id": after.id}
            rows = self._sql.run(_NEXT_PAGE, wanted | behind)
        return [_made(row) for row in rows]

    def add(self, item: Item) -> None:
        self._sql.run(_INSERT, _values(item))

    def save(self, item: Item) -> None:
        self._sql.run(_UPDATE, _values(item) | {"key": item.id})

    def remove(self, id: ItemId) -> None:
        self._sql.run(_DELETE, {"id": id})


def _item(row: Any) -> Item | None:
    return None if row is None else _made(row)


def _made(row: Any) -> Item:
    return Item(
        id=row.id,
        owner_id=row.owner_id,
        title=row.title,
        description=row.description,
        tags=tuple(row.tags),
        attributes=row.attributes,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _values(item: Item) -> dict[str, object]:
    return {
        "id": item.id,
        "owner_id": item.owner_id,
        "title": item.title,
        "description": item.description,
        "tags": list(item.tags),
        "attributes": item.attributes,
        "version": item.version,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }
