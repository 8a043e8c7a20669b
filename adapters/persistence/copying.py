"""Everything in a SQLite database, brought into PostgreSQL, table by table.

Tables go in the order of their references, rows in the order of their keys, some hundred at a
time. What is there and the same stays; so whatever interrupted it, it can be begun again.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Table, delete, func, insert, select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from adapters.persistence.database import Database
from adapters.persistence.failures import meaning
from adapters.persistence.schema import SqlSchema
from adapters.persistence.tables import AuditEntryRow, ItemRow, UserRow, VaultRow, table
from application.ports.moving import CopiedTable, Mover, Told
from domain.errors import StoreUnfit

AT_ONCE = 200
"""Rows in one step: with the largest items, some megabytes."""

_VAULT = table(VaultRow)
_FILLED = (table(UserRow), table(ItemRow), table(AuditEntryRow))

Row = tuple[Any, ...]


class SqlMover(Mover):
    """Copies one database into another."""

    def __init__(self, source: Database, target: Database) -> None:
        self._source = source
        self._target = target
        self.schema = SqlSchema(target)

    def check(self) -> None:
        if not self._source.is_sqlite or self._target.is_sqlite:
            raise StoreUnfit("Only SQLite is copied, and only to postgresql://…")
        with _seen(self._source) as here, _seen(self._target) as there:
            if _rows(there, select(_VAULT)) == _rows(here, select(_VAULT)):
                return  # begun before
            for each in (_VAULT, *_FILLED):
                if _rows(there, select(each).limit(1)):
                    raise StoreUnfit(
                        "The other database is in use already: name one that is empty."
                    )

    def transfer(self, told: Told) -> None:
        with _seen(self._source) as here, _seen(self._target) as there:
            # The vault first: by it, a copy that was begun is known as ours.
            for each in (_VAULT, *SQLModel.metadata.sorted_tables):
                count = 0
                total = _count(here, each)
                for rows in _steps(here, each):
                    self._write(there, each, rows)
                    count += len(rows)
                    told(f"copying {each.name}", count, total)
                if _count(there, each) != total:
                    self._remove_strays(here, there, each)

    def compare(self, told: Told) -> Sequence[CopiedTable]:
        copied: list[CopiedTable] = []
        with _seen(self._source) as here, _seen(self._target) as there:
            for each in SQLModel.metadata.sorted_tables:
                ours, theirs, count = hashlib.sha256(), hashlib.sha256(), 0
                total = _count(here, each)
                for rows in _steps(here, each):
                    found = _found(there, each, rows)
                    for key, row in _keyed(each, rows).items():
                        ours.update(_spelled(row))
                        theirs.update(_spelled(found.get(key)))
                    count += len(rows)
                    told(f"comparing {each.name}", count, total)
                if ours.digest() != theirs.digest() or _count(there, each) != total:
                    raise StoreUnfit(f"The tables {each.name} differ: run this once more.")
                copied.append(CopiedTable(each.name, total, ours.hexdigest()))
        return copied

    def close(self) -> None:
        self._target.close()

    def _write(self, there: Connection, each: Table, rows: Sequence[Row]) -> None:
        """Write the rows that are not there, or not as they are here, in one transaction."""
        found, names = _found(there, each, rows), [column.name for column in each.columns]
        changed = {key: row for key, row in _keyed(each, rows).items() if found.get(key) != row}
        if changed:
            new = [dict(zip(names, row, strict=True)) for row in changed.values()]
            self._change(delete(each).where(_key(each).in_(list(changed))), insert(each), new)

    def _remove_strays(self, here: Connection, there: Connection, each: Table) -> None:
        """Remove what an earlier run wrote and what is gone here since."""
        for rows in _steps(there, each):
            strays = set(_keyed(each, rows)) - set(_found(here, each, rows))
            if strays:
                self._change(delete(each).where(_key(each).in_(list(strays))))

    def _change(
        self, removal: Delete, insertion: Insert | None = None, new: Sequence[Any] = ()
    ) -> None:
        try:
            with self._target.transaction() as connection:
                connection.execute(removal)
                if insertion is not None:
                    connection.execute(insertion, new)
                connection.commit()
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure


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


def _steps(connection: Connection, each: Table) -> Iterator[Sequence[Row]]:
    """Go through a table in the order of its keys."""
    key = list(each.primary_key.columns)
    places = [list(each.columns).index(column) for column in key]
    query = select(each).order_by(*key).limit(AT_ONCE)
    rows = _rows(connection, query)
    while rows:
        yield rows
        last = tuple(rows[-1][place] for place in places)
        rows = _rows(connection, query.where(tuple_(*key) > last))


def _found(connection: Connection, each: Table, rows: Sequence[Row]) -> Mapping[Row, Row]:
    """Return the rows with the same keys, by their keys."""
    keys = list(_keyed(each, rows))
    return _keyed(each, _rows(connection, select(each).where(_key(each).in_(keys))))


def _keyed(each: Table, rows: Sequence[Row]) -> Mapping[Row, Row]:
    places = [list(each.columns).index(column) for column in each.primary_key.columns]
    return {tuple(row[place] for place in places): row for row in rows}


def _key(each: Table) -> Any:
    return tuple_(*each.primary_key.columns)


def _rows(connection: Connection, query: Any) -> Sequence[Row]:
    return [tuple(row) for row in connection.execute(query)]


def _count(connection: Connection, each: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(each)).scalar_one())


def _spelled(row: Row | None) -> bytes:
    """Return one spelling for one row, whichever database it comes from."""
    return repr(row).encode()
