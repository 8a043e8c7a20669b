"""The service's own secrets in their table, sealed."""

from sqlalchemy import bindparam, delete, insert, select

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import VaultRow, table
from application.ports.records import Vault

_VAULT = table(VaultRow)
_BY_NAME = Prepared(select(_VAULT.c.sealed).where(_VAULT.c.name == bindparam("name")))
_INSERT = Prepared(insert(_VAULT))
_DELETE = Prepared(delete(_VAULT).where(_VAULT.c.name == bindparam("name")))


class SqlVault(Vault):
    """A vault on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, name: str) -> bytes | None:
        row = self._sql.one(_BY_NAME, {"name": name})
        return None if row is None else row.sealed

    def put(self, name: str, sealed: bytes) -> None:
        self._sql.change(_DELETE, {"name": name})
        self._sql.change(_INSERT, {"name": name, "sealed": sealed})
