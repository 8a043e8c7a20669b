"""The machine keys in their table, found by their digests."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import MachineKeyRow, UserRow, table
from application.ports.accounts import MachineKeys
from domain.access import MachineKeyId, Role, UserId, names_of, scopes_named
from domain.machine_key import KeyStanding, MachineKey
from domain.user import Status

_KEYS = table(MachineKeyRow)
_USERS = table(UserRow)
_STANDING = Prepared(
    select(
        _KEYS.c.id,
        _KEYS.c.user_id,
        _USERS.c.role,
        _USERS.c.status,
        _KEYS.c.scope,
        _KEYS.c.expires_at,
        _KEYS.c.last_used_at,
    )
    .join_from(_KEYS, _USERS, _KEYS.c.user_id == _USERS.c.id)
    .where(_KEYS.c.digest == bindparam("digest"))
)
_OF_USER = Prepared(
    select(_KEYS)
    .where(_KEYS.c.user_id == bindparam("user_id"))
    .order_by(_KEYS.c.created_at.desc(), _KEYS.c.id.desc())
)
_LOCKED = Prepared(select(_KEYS).where(_KEYS.c.id == bindparam("id")).with_for_update())
_FOUND = Prepared(select(_KEYS).where(_KEYS.c.digest == bindparam("digest")).with_for_update())
_INSERT = Prepared(insert(_KEYS))
_UPDATE = Prepared(update(_KEYS).where(_KEYS.c.id == bindparam("key")))
_DELETE = Prepared(delete(_KEYS).where(_KEYS.c.id == bindparam("id")))
_DELETE_ALL = Prepared(delete(_KEYS).where(_KEYS.c.user_id == bindparam("user_id")))


class SqlMachineKeys(MachineKeys):
    """Machine keys on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def standing(self, digest: bytes) -> KeyStanding | None:
        row = self._sql.one(_STANDING, {"digest": digest})
        if row is None:
            return None
        return KeyStanding(
            id=row.id,
            user_id=row.user_id,
            role=Role(row.role),
            status=Status(row.status),
            scopes=scopes_named(row.scope.split()),
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )

    def of_user(self, user_id: UserId) -> Sequence[MachineKey]:
        return [_made(row) for row in self._sql.all(_OF_USER, {"user_id": user_id})]

    def lock(self, id: MachineKeyId) -> MachineKey | None:
        return _key(self._sql.one(_LOCKED, {"id": id}))

    def lock_known_by(self, digest: bytes) -> MachineKey | None:
        return _key(self._sql.one(_FOUND, {"digest": digest}))

    def add(self, key: MachineKey) -> None:
        self._sql.change(_INSERT, _values(key))

    def save(self, key: MachineKey) -> None:
        self._sql.change(_UPDATE, _values(key) | {"key": key.id})

    def remove(self, id: MachineKeyId) -> None:
        self._sql.change(_DELETE, {"id": id})

    def remove_all_of(self, user_id: UserId) -> None:
        self._sql.change(_DELETE_ALL, {"user_id": user_id})


def _key(row: Any) -> MachineKey | None:
    return None if row is None else _made(row)


def _made(row: Any) -> MachineKey:
    return MachineKey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        scopes=scopes_named(row.scope.split()),
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _values(key: MachineKey) -> dict[str, object]:
    values = asdict(key)
    values["scope"] = " ".join(names_of(values.pop("scopes")))
    return values
