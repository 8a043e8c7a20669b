"""The accounts in their table."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from adapters.persistence.statements import Statements
from adapters.persistence.tables import UserRow, table
from application.ports import Users
from domain.access import Role, UserId
from domain.user import Status, User

_USERS = table(UserRow)
_BY_ID = select(_USERS).where(_USERS.c.id == bindparam("id"))
_BY_EMAIL = select(_USERS).where(_USERS.c.email == bindparam("email"))
_LOCKED = _BY_ID.with_for_update()
_ACTIVE_ADMINS = (
    select(_USERS.c.id)
    .where(_USERS.c.role == Role.ADMIN.value, _USERS.c.status == Status.ACTIVE.value)
    .order_by(_USERS.c.id)
    .with_for_update()
)
_INSERT = insert(_USERS)
_UPDATE = update(_USERS).where(_USERS.c.id == bindparam("key"))
_DELETE = delete(_USERS).where(_USERS.c.id == bindparam("id"))


class SqlUsers(Users):
    """Users on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, id: UserId) -> User | None:
        return _user(self._sql.one(_BY_ID, {"id": id}))

    def by_email(self, email: str) -> User | None:
        return _user(self._sql.one(_BY_EMAIL, {"email": email}))

    def lock(self, id: UserId) -> User | None:
        return _user(self._sql.one(_LOCKED, {"id": id}))

    def lock_active_admins(self) -> frozenset[UserId]:
        return frozenset(self._sql.run(_ACTIVE_ADMINS).scalars())

    def add(self, user: User) -> None:
        self._sql.run(_INSERT, _values(user))

    def save(self, user: User) -> None:
        self._sql.run(_UPDATE, _values(user) | {"key": user.id})

    def remove(self, id: UserId) -> None:
        self._sql.run(_DELETE, {"id": id})


def _user(row: Any) -> User | None:
    if row is None:
        return None
    return User(**dict(row._mapping) | {"role": Role(row.role), "status": Status(row.status)})


def _values(user: User) -> dict[str, object]:
    return asdict(user) | {"role": user.role.value, "status": user.status.value}
