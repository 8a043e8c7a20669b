"""The signing keys in their table, sealed."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, delete, insert, select, text, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import SigningKeyRow, table
from application.ports.records import SigningKeys
from domain.key import KeyId, SigningKey

_KEYS = table(SigningKeyRow)
_ALL = Prepared(select(_KEYS).order_by(_KEYS.c.created_at, _KEYS.c.id))
_HOLD_TABLE = text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
_INSERT = Prepared(insert(_KEYS))
_UPDATE = Prepared(update(_KEYS).where(_KEYS.c.id == bindparam("key")))
_DELETE = Prepared(delete(_KEYS).where(_KEYS.c.id == bindparam("id")))


class SqlSigningKeys(SigningKeys):
    """Signing keys on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def all(self) -> Sequence[SigningKey]:
        return [SigningKey(**row._asdict()) for row in self._sql.all(_ALL)]

    def lock_all(self) -> Sequence[SigningKey]:
        if self._sql.dialect == "postgresql":  # a set that may be empty has no rows to lock
            self._sql.change(_HOLD_TABLE)
        return self.all()

    def add(self, key: SigningKey) -> None:
        self._sql.change(_INSERT, asdict(key))

    def save(self, key: SigningKey) -> None:
        self._sql.change(_UPDATE, asdict(key) | {"key": key.id})

    def remove(self, id: KeyId) -> None:
        self._sql.change(_DELETE, {"id": id})
