"""Running the statements of one unit of work, or of one look, on its connection."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.driver import Driver
from adapters.persistence.failures import meaning
from adapters.persistence.prepared import Parameters, Prepared

_NONE: Parameters = MappingProxyType({})


class Statements:
    """Runs statements; the repositories of one unit of work share one of these.

    What is prepared goes straight to the driver, anything else through SQLAlchemy. Each method
    raises the domain's error for what went wrong, there or in a change that has waited.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._is_over = False

    def end(self) -> None:
        """Run nothing any more: the connection is somebody else's now."""
        self.check()
        self._is_over = True

    def check(self) -> None:
        """Raise RuntimeError if it was ended."""
        if self._is_over:
            raise RuntimeError("a unit of work ends with its commit")

    def ready(self) -> None:
        """Be ready for what runs next. Raises RuntimeError if they were ended."""
        self.check()

    @property
    def dialect(self) -> str:
        """The name of the database's dialect of SQL."""
        return self._driver.dialect.name

    def all(
        self, statement: Prepared | Executable, parameters: Parameters = _NONE
    ) -> Sequence[Any]:
        """Return every row."""
        self.ready()
        if not isinstance(statement, Prepared):
            return list(self._execute(statement, parameters))
        written = statement.on(self._driver.dialect, parameters)
        return written.rows(self._driver.rows(written.text, written.values(parameters)))

    def one(self, statement: Prepared, parameters: Parameters = _NONE) -> Any:
        """Return the first row, or None."""
        rows = self.all(statement, parameters)
        return rows[0] if rows else None

    def values(self, statement: Prepared, parameters: Parameters = _NONE) -> Sequence[Any]:
        """Return the first column of every row."""
        return [row[0] for row in self.all(statement, parameters)]

    def value(self, statement: Prepared, parameters: Parameters = _NONE) -> Any:
        """Return the first column of the first row, or None."""
        row = self.one(statement, parameters)
        return None if row is None else row[0]

    def change(self, statement: Prepared | Executable, parameters: Parameters = _NONE) -> int:
        """Change rows; return how many."""
        self.ready()
        if not isinstance(statement, Prepared):
            count: int = self._execute(statement, parameters).rowcount
            return count
        written = statement.on(self._driver.dialect, parameters)
        return self._driver.change(written.text, written.values(parameters))

    def change_later(self, statement: Prepared, parameters: Parameters) -> None:
        """Change rows before anything else is asked, at the latest with the commit.

        For changes whose count nobody needs: where a statement is a trip, several become one. Two
        that may be about the same row share the name of a parameter, which keeps them apart; no
        parameter is named like a column (`prepared.given`).
        """
        self.change(statement, parameters)

    def change_each(self, statement: Prepared, each: Sequence[Parameters]) -> None:
        """Run a statement that changes rows with each of these parameters, all named alike."""
        if each:
            self.ready()
            written = statement.on(self._driver.dialect, each[0])
            self._driver.change_each(written.text, list(map(written.values, each)))

    def _execute(self, statement: Executable, parameters: Parameters) -> Any:
        try:
            return self._driver.connection.execute(statement, dict(parameters))
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure
