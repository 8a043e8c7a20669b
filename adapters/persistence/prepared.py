"""Statements that SQLAlchemy writes once, and that the driver runs from then on.

Running a statement through SQLAlchemy takes four to five times as long as running it: it looks
the statement up, and builds a context and a result around each execution. What is asked of every
request is therefore written by SQLAlchemy for each database, with its types, when it is first
needed, and handed to the driver as text and values.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Insert, Select, Update, Uuid
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

Parameters = Mapping[str, object]
Converter = Callable[[Any], Any]
Plain = Select[Any] | Insert | Update | Delete

_DIALECTS: Mapping[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}


class Prepared:
    """A statement with its parameters named, ready for either database.

    Where the databases differ, as in upserts, a function makes it with a dialect's own words.
    """

    def __init__(self, statement: Plain | Callable[[Any], Plain]) -> None:
        self._statement = statement
        self._written: dict[tuple[object, ...], Written] = {}

    def on(self, dialect: Dialect, parameters: Parameters) -> "Written":
        """Return the statement as this database's driver takes it, with these parameters."""
        key = (dialect.name, *parameters)
        written = self._written.get(key)
        if written is None:
            made = self._statement
            plain = made(_DIALECTS[dialect.name]) if callable(made) else made
            written = self._written[key] = Written(plain, dialect, list(parameters))
        return written


class Written:
    """A statement in one database's words, with the conversions of its values."""

    def __init__(self, statement: Plain, dialect: Dialect, names: list[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        if compiled.post_compile_params:
            raise TypeError("a statement whose text depends on its values cannot be prepared")
        missing = [
            name
            for name in compiled.params
            if name not in set(names) and compiled.binds[name].required
        ]
        if missing:
            raise TypeError(f"a statement needs {', '.join(missing)}")
        self.text = compiled.string
        self._is_positional = compiled.positional
        order = compiled.positiontup if compiled.positional else list(compiled.params)
        self._fixed = {
            name: compiled.params[name] for name in order or () if name not in set(names)
        }
        self._order = tuple(order or ())
        self._to_store = tuple(
            (name, convert)
            for name in dict.fromkeys(self._order)
            if (convert := _implementation(compiled.binds[name].type, dialect, "bind_processor"))
        )
        columns = list(statement.exported_columns)
        self._from_store = tuple(
            (index, convert)
            for index, column in enumerate(columns)
            if (convert := _implementation(column.type, dialect, "result_processor", None))
        )
        self._row = _row_of([str(column.key) for column in columns])

    def values(self, parameters: Parameters) -> Any:
        """Return the parameters as the driver takes them."""
        values = {**self._fixed, **parameters}
        for name, convert in self._to_store:
            values[name] = convert(values[name])
        return [values[name] for name in self._order] if self._is_positional else values

    def row(self, values: tuple[Any, ...]) -> Any:
        """Return what the driver gave as a row with its columns' names and types."""
        row = list(values)
        for index, convert in self._from_store:
            row[index] = convert(row[index])
        return self._row(row)


def _row_of(names: list[str]) -> Converter:
    """Return what makes a row, with these names, of a sequence of values."""
    make: Any = namedtuple  # noqa: PYI024  # the names are a statement's
    row: Converter = make("Row", names, rename=True)._make
    return row


def _id_of(digits: str | None) -> UUID | None:
    """Return the id that 32 hexadecimal digits say."""
    return None if digits is None else UUID(int=int(digits, 16))


def _implementation(
    type_: TypeEngine[Any], dialect: Dialect, kind: str, *details: object
) -> Converter | None:
    """Return the conversion that a type has on this database, if it needs one."""
    if isinstance(type_, Uuid) and kind == "result_processor" and dialect.name == "sqlite":
        return _id_of  # takes half the time of the general one
    found: Converter | None = getattr(type_.dialect_impl(dialect), kind)(dialect, *details)
    return found
