"""With whom items are shared, in their table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import GrantRow, ItemRow, UserRow, table
from application.ports.items import Grantee, Grants
from application.ports.places import Place
from domain.access import UserId
from domain.item import ItemId
from domain.sharing import Grant, GrantRole

_GRANTS = table(GrantRow)
_ITEMS = table(ItemRow)
_USERS = table(UserRow)
_THIS_ONE = (_GRANTS.c.item_id == bindparam("item"), _GRANTS.c.user_id == bindparam("user"))
_ONE = Prepared(select(_GRANTS).where(*_THIS_ONE))
_OF_ITEM = (
    select(_GRANTS, _USERS.c.display_name)
    .join_from(_GRANTS, _USERS, _GRANTS.c.user_id == _USERS.c.id)
    .where(_GRANTS.c.item_id == bindparam("item"))
    .order_by(_GRANTS.c.created_at, _GRANTS.c.user_id)
)
_GIVEN = (
    select(_GRANTS, _USERS.c.display_name)
    .join_from(_GRANTS, _USERS, _GRANTS.c.user_id == _USERS.c.id)
    .where(_GRANTS.c.item_id.in_(select(_ITEMS.c.id).where(_ITEMS.c.owner_id == bindparam("by"))))
    .order_by(_GRANTS.c.item_id, _GRANTS.c.user_id)
)
_RECEIVED = (
    select(_GRANTS).where(_GRANTS.c.user_id == bindparam("user")).order_by(_GRANTS.c.item_id)
)
_GRANTEES = Prepared(select(_GRANTS.c.user_id).where(_GRANTS.c.item_id == bindparam("item")))
_INSERT = Prepared(insert(_GRANTS))
_UPDATE = Prepared(update(_GRANTS).where(*_THIS_ONE))
_DELETE = Prepared(delete(_GRANTS).where(*_THIS_ONE))


class SqlGrants(Grants):
    """Grants on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, item_id: ItemId, user_id: UserId) -> Grant | None:
        row = self._sql.one(_ONE, {"item": item_id, "user": user_id})
        return None if row is None else _grant(row)

    def of_item(self, item_id: ItemId, *, after: Place | None, limit: int) -> Sequence[Grantee]:
        query = _OF_ITEM.limit(limit)
        if after is not None:
            place = tuple_(_GRANTS.c.created_at, _GRANTS.c.user_id)
            query = query.where(place > (after.key, after.id))
        rows = self._sql.all(query, {"item": item_id})
        return [Grantee(_grant(row), row.display_name) for row in rows]

    def given_by(
        self, owner_id: UserId, *, after: tuple[ItemId, UserId] | None, limit: int
    ) -> Sequence[Grantee]:
        query = _GIVEN.limit(limit)
        if after is not None:
            query = query.where(tuple_(_GRANTS.c.item_id, _GRANTS.c.user_id) > after)
        rows = self._sql.all(query, {"by": owner_id})
        return [Grantee(_grant(row), row.display_name) for row in rows]

    def received_by(self, user_id: UserId, *, after: ItemId | None, limit: int) -> Sequence[Grant]:
        query = _RECEIVED.limit(limit)
        if after is not None:
            query = query.where(_GRANTS.c.item_id > after)
        return [_grant(row) for row in self._sql.all(query, {"user": user_id})]

    def grantees(self, item_id: ItemId) -> frozenset[UserId]:
        return frozenset(self._sql.values(_GRANTEES, {"item": item_id}))

    def add(self, grant: Grant) -> None:
        self._sql.change(
            _INSERT,
            {
                "item_id": grant.item_id,
                "user_id": grant.user_id,
                "role": grant.role.value,
                "created_at": grant.created_at,
            },
        )

    def save(self, grant: Grant) -> None:
        one = {"item": grant.item_id, "user": grant.user_id}
        self._sql.change(_UPDATE, one | {"role": grant.role.value})

    def remove(self, item_id: ItemId, user_id: UserId) -> None:
        self._sql.change(_DELETE, {"item": item_id, "user": user_id})


def _grant(row: Any) -> Grant:
    return Grant(
        item_id=row.item_id,
        user_id=row.user_id,
        role=GrantRole(row.role),
        created_at=row.created_at,
    )
