"""A connection's own driver, with failures said in the domain's words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from adapters.persistence.failures import meaning


class Driver:
    """Runs text with values as the driver takes them; raises the domain's error if that fails."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.dialect = connection.dialect
        self.raw: Any = connection.connection.driver_connection
        self._error = connection.dialect.loaded_dbapi.Error

    def rows(self, text: str, values: Any = ()) -> Sequence[tuple[Any, ...]]:
        """Return every row."""
        try:
            found: Sequence[tuple[Any, ...]] = self.raw.execute(text, values).fetchall()
        except self._error as failure:
            raise self._meaning(failure, text) from failure
        return found

    def change(self, text: str, values: Any = ()) -> int:
        """Change rows; return how many."""
        try:
            count: int = self.raw.execute(text, values).rowcount
        except self._error as failure:
            raise self._meaning(failure, text) from failure
        return count

    def change_each(self, text: str, each: Sequence[Any]) -> None:
        """Change rows with each of these values."""
        try:
            cursor = self.raw.cursor()
            if len(each) == 1:
                cursor.execute(text, each[0])  # PostgreSQL's driver makes more of many
            else:
                cursor.executemany(text, each)
        except self._error as failure:
            raise self._meaning(failure, text) from failure

    def commit(self) -> None:
        """Return once everything is on disk. Raises Unavailable if that is not certain."""
        try:
            self.raw.commit()
        except self._error as failure:
            raise self._meaning(failure, "COMMIT") from failure

    def _meaning(self, error: Any, text: str) -> Exception:
        """Return the domain's error for the driver's, and give up a connection that is lost."""
        if self.dialect.is_disconnect(error, self.raw, None):
            self.connection.invalidate(error)
        failure: Any = DBAPIError.instance(text, None, error, self._error, hide_parameters=True)
        return meaning(failure)
