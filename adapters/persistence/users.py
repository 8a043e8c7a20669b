"""The accounts in their table."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import UserRow, table
from application.ports.accounts import UserFilter, Users
from application.ports.places import Place
from domain.access import Role, UserId
from domain.user import Status, User

_USERS = table(UserRow)
_ONE = select(_USERS).where(_USERS.c.id == bindparam("id"))
_BY_ID = Prepared(_ONE)
_BY_EMAIL = Prepared(select(_USERS).where(_USERS.c.email == bindparam("email")))
_LOCKED = Prepared(_ONE.with_for_update())
_ACTIVE_ADMINS = Prepared(
    select(_USERS.c.id)
    .where(_USERS.c.role == Role.ADMIN.value, _USERS.c.status == Status.ACTIVE.value)
    .order_by(_USERS.c.id)
    .with_for_update()
)
_NEWEST_FIRST = select(_USERS).order_by(_USERS.c.created_at.desc(), _USERS.c.id.desc())
_INSERT = Prepared(insert(_USERS))
_UPDATE = Prepared(update(_USERS).where(_USERS.c.id == bindparam("key")))
_DELETE = Prepared(delete(_USERS).where(_USERS.c.id == bindparam("id")))


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
        return frozenset(self._sql.values(_ACTIVE_ADMINS))

    def matching(self, wanted: UserFilter, *, after: Place | None, limit: int) -> Sequence[User]:
        query = _NEWEST_FIRST.limit(limit)
        if wanted.words is not None:
            query = query.where(_USERS.c.search.contains(wanted.words.casefold(), autoescape=True))
        if wanted.role is not None:
            query = query.where(_USERS.c.role == wanted.role.value)
        if wanted.status is not None:
            query = query.where(_USERS.c.status == wanted.status.value)
        if after is not None:
            behind = tuple_(_USERS.c.created_at, _USERS.c.id)
            query = query.where(behind < (after.key, after.id))
        return [_made(row) for row in self._sql.all(query)]

    def add(self, user: User) -> None:
        self._sql.change(_INSERT, _values(user))

    def save(self, user: User) -> None:
        self._sql.change(_UPDATE, _values(user) | {"key": user.id})

    def remove(self, id: UserId) -> None:
        self._sql.change(_DELETE, {"id": id})


def _user(row: Any) -> User | None:
    return None if row is None else _made(row)


def _made(row: Any) -> User:
    return User(
        id=row.id,
        email=row.email,
        display_name=row.display_name,
        role=Role(row.role),
        status=Status(row.status),
        email_verified=row.email_verified,
        password_hash=row.password_hash,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _values(user: User) -> dict[str, object]:
    return asdict(user) | {
        "role": user.role.value,
        "status": user.status.value,
        "search": f"{user.email}\n{user.display_name or ''}".casefold(),
    }
