"""The schema in the database against the one that this code was written for."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.database import Database
from adapters.persistence.failures import meaning
from application.ports.store import Schema, SchemaState
from domain.errors import Unavailable

NEWEST = "0008"
"""The last step in migrations/versions, known here so that a start need not load Alembic."""

_VERSION_TABLE = "alembic_version"
_OLDEST_TABLES = frozenset({"users", "sessions", "items", "signing_keys"})
_MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7205759403792793600)")


class SqlSchema(Schema):
    """The schema of a SQLite file or a PostgreSQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def migrates_by_itself(self) -> bool:
        return self._database.is_sqlite

    def state(self) -> SchemaState:
        try:
            with self._database.connect() as connection:
                return _state(connection)
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure

    def is_current(self) -> bool:
        try:
            return self.state() is SchemaState.CURRENT
        except Unavailable:
            return False

    def migrate(self) -> None:
        try:
            with self._database.unhurried() as connection:
                if not self._database.is_sqlite:
                    connection.execute(_ONE_AT_A_TIME)
                if _state(connection) in {SchemaState.EMPTY, SchemaState.OUTDATED}:
                    _upgrade(connection)
                    connection.commit()
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  # a start that finds all current pays nothing
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _state(connection: Connection) -> SchemaState:
    tables = set(inspect(connection).get_table_names())
    if not tables - {_VERSION_TABLE}:
        return SchemaState.EMPTY
    if not tables.issuperset({_VERSION_TABLE, *_OLDEST_TABLES}):
        return SchemaState.FOREIGN
    revision = _revision(connection)
    if revision == NEWEST:
        return SchemaState.CURRENT
    return SchemaState.OUTDATED if revision and _is_known(revision) else SchemaState.NEWER


def _revision(connection: Connection) -> str | None:
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _is_known(revision: str) -> bool:
    return any(_MIGRATIONS.glob(f"versions/{revision}_*.py"))
