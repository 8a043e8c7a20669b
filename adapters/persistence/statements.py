"""Running statements on one connection, with failures said in the domain's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.engine.row import Row
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.failures import meaning

Parameters = Mapping[str, object]


class Statements:
    """Runs prepared statements; the repositories of one unit of work share one of these."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_over = False

    def end(self) -> None:
        """Run nothing any more: the connection is somebody else's now."""
        self._check()
        self._is_over = True

    def _check(self) -> None:
        if self._is_over:
            raise RuntimeError("a unit of work ends with its commit")

    @property
    def dialect(self) -> str:
        """The name of the database's dialect of SQL."""
        return self._connection.dialect.name

    def run(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> CursorResult[Any]:
        """Run a statement. Raises the domain's error for what went wrong."""
        self._check()
        try:
            return self._connection.execute(statement, parameters)
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure

    def one(self, statement: Executable, parameters: Parameters) -> Row[Any] | None:
        """Return the only row, or None."""
        return self.run(statement, parameters).one_or_none()
