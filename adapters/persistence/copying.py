"""Everything in a SQLite database, brought into PostgreSQL, table by table.

Both sides are read in the order of their keys, side by side; so what is missing, what differs and
what is there too much shows in one pass, however large a table is, and what is the same stays.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, String, Table, collate, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from adapters.persistence.database import Database
from adapters.persistence.failures import meaning
from adapters.persistence.schema import SqlSchema
from adapters.persistence.tables import AuditEntryRow, ItemRow, UserRow, VaultRow, table
from application.ports.moving import CopiedTable, Mover, Told
from application.ports.store import SchemaState
from application.starting import PLACE
from domain.errors import StoreUnfit, Unavailable

AT_ONCE = 500
"""Rows in one step: with the largest items, some megabytes."""

_ONE_AT_A_TIME = 7205759403792793601
_USERS, _VAULT = table(UserRow), table(VaultRow)
_FILLED = (_VAULT, _USERS, table(ItemRow), table(AuditEntryRow))

Row = tuple[Any, ...]


@dataclass(frozen=True)
class _Copied:
    """A table as it is copied: all of it but what tells where a database was worked on."""

    table: Table

    @cached_property
    def key(self) -> list[Column[Any]]:
        return list(self.table.primary_key.columns)

    @cached_property
    def _places(self) -> list[int]:
        return [list(self.table.columns).index(column) for column in self.key]

    def key_of(self, row: Row) -> Row:
        return tuple(row[place] for place in self._places)

    def order(self, connection: Connection) -> list[Any]:
        """Return the key in an order that both databases have: of code points."""
        if connection.dialect.name == "sqlite":
            return list(self.key)
        return [
            collate(column, "C") if isinstance(column.type, String) else column
            for column in self.key
        ]

    def query(self) -> Any:
        query = select(self.table)
        return query.where(_VAULT.c.name != PLACE) if self.table is _VAULT else query

    def count(self, connection: Connection) -> int:
        counted = select(func.count()).select_from(self.query().subquery())
        return int(connection.execute(counted).scalar_one())

    def rows(self, connection: Connection) -> Iterator[Row]:
        """Go through the table in the order of its keys, some rows at a time."""
        order = self.order(connection)
        query = self.query().order_by(*order).limit(AT_ONCE)
        found = _rows(connection, query)
        while found:
            yield from found
            found = _rows(connection, query.where(tuple_(*order) > self.key_of(found[-1])))


_TABLES = [_Copied(each) for each in SQLModel.metadata.sorted_tables]


class SqlMover(Mover):
    """Copies one database into another."""

    def __init__(self, source: Database, target: Database) -> None:
        self._source = source
        self._target = target
        self.schema = SqlSchema(target)

    def check(self) -> None:
        if not self._source.is_sqlite or self._target.is_sqlite:
            raise StoreUnfit("Only SQLite is copied, and only to postgresql://…")
        if not self._source.file.exists():
            raise StoreUnfit("There is nothing to copy: is BASALT_DATA_DIR right?")
        if SqlSchema(self._source).state() is not SchemaState.CURRENT:
            raise StoreUnfit("Bring the schema up to date first: run 'basalt migrate'.")
        with _answering():
            state = self.schema.state()
            if state in {SchemaState.CURRENT, SchemaState.OUTDATED}:
                self._check_content()

    def _check_content(self) -> None:
        with _seen(self._source) as here, _seen(self._target) as there:
            theirs = _secrets(there, select(_VAULT))
            if PLACE in theirs:
                raise StoreUnfit("The other database was worked on already: name an empty one.")
            if theirs and theirs == _secrets(here, _Copied(_VAULT).query()):
                return  # begun before
            if any(_rows(there, select(each).limit(1)) for each in _FILLED):
                raise StoreUnfit("The other database is in use already: name one that is empty.")

    def copy(self, told: Told) -> Sequence[CopiedTable]:
        with _answering(), _seen(self._source) as here, _alone(self._target) as there:
            # The vault first: by it, a copy that was begun is known as ours.
            for each in (_Copied(_VAULT), *_TABLES):
                self._make_room(here, there, each)
                self._bring(here, there, each, told)
            return [self._compared(here, there, each, told) for each in _TABLES]

    def _make_room(self, here: Connection, there: Connection, each: _Copied) -> None:
        """Remove what is gone here, and take back addresses that may be another's by now."""
        strays, moved = [], []
        for ours, theirs in _side_by_side(each, here, there):
            if ours is None and theirs is not None:
                strays.append(each.key_of(theirs))
            elif each.table is _USERS and ours and theirs and ours != theirs:
                moved.append(each.key_of(theirs)[0])
        for some in _steps(strays):
            self._change(delete(each.table).where(tuple_(*each.key).in_(some)))
        for some in _steps(moved):
            nobodys = func.concat(_USERS.c.id, "@moving.invalid")
            self._change(_USERS.update().where(_USERS.c.id.in_(some)).values(email=nobodys))

    def _bring(self, here: Connection, there: Connection, each: _Copied, told: Told) -> None:
        """Write what is not there, or not as it is here."""
        total, seen = each.count(here), 0
        new: list[Row] = []
        for ours, theirs in _side_by_side(each, here, there):
            seen += ours is not None
            if ours is not None and ours != theirs:
                new.append(ours)
            if len(new) == AT_ONCE:
                self._upsert(each, new)
                new.clear()
            if seen % AT_ONCE == 0 or seen == total:
                told(f"copying {each.table.name}", seen, total)
        self._upsert(each, new)

    def _upsert(self, each: _Copied, rows: Sequence[Row]) -> None:
        if not rows:
            return
        names = [column.name for column in each.table.columns]
        key = [column.name for column in each.key]
        made = insert(each.table)
        known = {name: made.excluded[name] for name in names if name not in key}
        made = (
            made.on_conflict_do_update(index_elements=key, set_=known)
            if known
            else made.on_conflict_do_nothing(index_elements=key)
        )
        self._change(made, [dict(zip(names, row, strict=True)) for row in rows])

    def _compared(
        self, here: Connection, there: Connection, each: _Copied, told: Told
    ) -> CopiedTable:
        ours, theirs, total = hashlib.sha256(), hashlib.sha256(), each.count(here)
        for count, row in enumerate(each.rows(here), 1):
            ours.update(_spelled(row))
            if count % AT_ONCE == 0 or count == total:
                told(f"comparing {each.table.name}", count, total)
        for row in each.rows(there):
            theirs.update(_spelled(row))
        if ours.digest() != theirs.digest():
            raise StoreUnfit(f"The tables {each.table.name} differ: run this once more.")
        return CopiedTable(each.table.name, total, ours.hexdigest())

    def close(self) -> None:
        self._target.close()

    def _change(self, statement: Any, rows: Sequence[Any] | None = None) -> None:
        try:
            with self._target.transaction() as connection:
                connection.execute(statement, rows)
                connection.commit()
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure


def _side_by_side(
    each: _Copied, here: Connection, there: Connection
) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield the rows of both sides with equal keys together, and each other one alone."""
    ours, theirs = each.rows(here), each.rows(there)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        mine = None if one is None else each.key_of(one)
        its = None if other is None else each.key_of(other)
        is_mine = its is None or (mine is not None and mine <= its)
        is_its = mine is None or (its is not None and its <= mine)
        yield (one if is_mine else None), (other if is_its else None)
        one = next(ours, None) if is_mine else one
        other = next(theirs, None) if is_its else other


@contextmanager
def _seen(database: Database) -> Iterator[Connection]:
    """Look at a database; on SQLite, at one moment for as long as it takes."""
    try:
        with database.connect() as connection:
            if database.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            if database.is_sqlite:
                connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError as failure:
        raise meaning(failure) from failure


@contextmanager
def _alone(target: Database) -> Iterator[Connection]:
    """Look at the other database while no other copy writes into it."""
    with _seen(target) as connection:
        held = select(func.pg_try_advisory_lock(_ONE_AT_A_TIME))
        if not connection.execute(held).scalar_one():
            raise StoreUnfit("Another copy into this database is at work.")
        try:
            yield connection
        finally:
            connection.execute(select(func.pg_advisory_unlock(_ONE_AT_A_TIME)))


@contextmanager
def _answering() -> Iterator[None]:
    """Say which of the two databases it is that does not answer, if one does not."""
    try:
        yield
    except StoreUnfit:
        raise
    except Unavailable as failure:
        cause = f" ({failure.cause})" if failure.cause else ""
        raise StoreUnfit(f"The other database does not answer{cause}: is --to right?") from failure


def _steps(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(rows), AT_ONCE):
        yield rows[first : first + AT_ONCE]


def _rows(connection: Connection, query: Any) -> Sequence[Row]:
    return [tuple(row) for row in connection.execute(query)]


def _secrets(connection: Connection, query: Any) -> dict[str, bytes]:
    return {str(row[0]): row[1] for row in _rows(connection, query)}


def _spelled(row: Row) -> bytes:
    """Return one spelling for one row, whichever database it comes from."""
    return repr(row).encode()
