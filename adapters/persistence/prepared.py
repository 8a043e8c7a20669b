"""Statements that SQLAlchemy writes once, and that the driver runs from then on.

Running a statement through SQLAlchemy takes four to five times as long as running it: it looks
the statement up, and builds a context and a result around each execution. What is asked of every
request is therefore written by SQLAlchemy for each database, with its types, when it is first
needed, and handed to the driver as text and values.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from importlib import import_module
from json import JSONDecodeError, JSONDecoder
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Delete,
    Insert,
    Select,
    Text,
    Update,
    Uuid,
    bindparam,
    column,
    func,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from adapters.persistence.tables import CompactJson

Parameters = Mapping[str, object]
Converter = Callable[[Any], Any]
Plain = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete


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
            words = import_module(f"sqlalchemy.dialects.{dialect.name}")  # the other is not loaded
            written = self._written[key] = Written(self.plain(words), dialect, list(parameters))
        return written

    def plain(self, words: Any) -> Plain:
        """Return SQLAlchemy's statement, in a dialect's own words."""
        made = self._statement
        return made(words) if callable(made) else made


@lru_cache(maxsize=256)
def joined(*changes: Prepared) -> Prepared:
    """Return one statement that changes all that these change, where one may change many tables."""
    *others, last = changes

    def made(words: Any) -> Plain:
        whole: Any = last.plain(words)
        for number, other in enumerate(others):
            change: Any = other.plain(words)
            whole = whole.add_cte(change.cte(f"change_{number}"))
        plain: Plain = whole
        return plain

    return Prepared(made)


def given(columns: Iterable[Column[Any]], prefix: str = "new") -> dict[str, BindParameter[Any]]:
    """Return a parameter for each of these columns: `new_title` is for `title`."""
    return {
        column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in columns
    }


def as_given(values: Parameters, prefix: str = "new") -> dict[str, object]:
    """Return the values of columns under the names that `given` gave them."""
    return {f"{prefix}_{name}": value for name, value in values.items()}


def each_text(words: Any, name: str) -> ColumnElement[str]:
    """Return the texts that one parameter holds, each in a row, in a dialect's own words."""
    if hasattr(words, "ARRAY"):
        return func.unnest(bindparam(name, type_=words.ARRAY(Text)))
    listed = func.json_each(bindparam(name, type_=JSON)).table_valued(column("value", Text))
    texts: ColumnElement[str] = listed.c.value
    return texts


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

    def rows(self, found: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """Return what the driver gave as rows with their columns' names and types.

        A column is converted as a whole, so that no loop of ours goes through its values.
        """
        if not found:
            return []
        columns: list[Iterable[Any]] = list(zip(*found, strict=True))
        for index, convert in self._from_store:
            columns[index] = map(convert, columns[index])
        return list(map(self._row, zip(*columns, strict=True)))


def _row_of(names: list[str]) -> Converter:
    """Return what makes a row, with these names, of a sequence of values."""
    make: Any = namedtuple  # noqa: PYI024  # the names are a statement's
    return partial(tuple.__new__, make("Row", names, rename=True))


@lru_cache(maxsize=4096)
def _id_of(digits: str | None) -> UUID | None:
    """Return the id that 32 hexadecimal digits say."""
    return None if digits is None else UUID(int=int(digits, 16))


def _moment_of(written: str | None) -> datetime | None:
    """Return the moment in UTC that a text without an offset says."""
    return None if written is None else datetime.fromisoformat(f"{written}+00:00")


def _json_of(written: str | None) -> Any:
    """Return what JSON of ours says: it has no white space around it. Raises JSONDecodeError."""
    try:
        return None if written is None else _READ_JSON(written, 0)[0]
    except StopIteration as at:  # which would pass for the end of a column
        raise JSONDecodeError("Expecting value", str(written), at.value) from None


_DECODER: Any = JSONDecoder()
_READ_JSON: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once
_QUICK: Mapping[tuple[type[TypeEngine[Any]], str], Converter | None] = {
    (Uuid, "sqlite"): _id_of,
    (UTCDateTime, "sqlite"): _moment_of,
    (CompactJson, "sqlite"): _json_of,
    (CompactJson, "postgresql"): _json_of,
    (UTCDateTime, "postgresql"): None,  # its connections say every moment in UTC
}
"""What takes less than half the time of the general conversion from the store."""


def _implementation(
    type_: TypeEngine[Any], dialect: Dialect, kind: str, *details: object
) -> Converter | None:
    """Return the conversion that a type has on this database, if it needs one."""
    known = type(type_), dialect.name
    if kind == "result_processor" and known in _QUICK:
        return _QUICK[known]
    found: Converter | None = getattr(type_.dialect_impl(dialect), kind)(dialect, *details)
    return found
