"""Statements on PostgreSQL, where each is a trip: what nobody waits for goes with what comes next.

Changes that may wait become one statement together. Where nothing else was asked, it is the whole
transaction: PostgreSQL stores a statement as a whole or not at all, so that there is neither a
BEGIN nor a COMMIT to send, and nothing that it locks is held for another trip.
"""

from typing import Any

from adapters.persistence.driver import Driver
from adapters.persistence.prepared import Parameters, Prepared, joined
from adapters.persistence.statements import Statements
from domain.errors import Unavailable


class DeferredStatements(Statements):
    """Runs the statements of one unit of work in a transaction, which begins when it has to."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._has_begun = False
        self._waiting: list[Prepared] = []
        self._values: dict[str, Any] = {}

    def change_later(self, statement: Prepared, parameters: Parameters) -> None:
        """Change rows before anything else is asked, at the latest with the commit."""
        self.check()
        if not self._values.keys().isdisjoint(parameters):
            self.ready()  # one statement has one value for a name, and changes a row but once
        self._waiting.append(statement)
        self._values.update(parameters)

    def ready(self) -> None:
        """Begin, and run what has waited. Raises Unavailable once the connection is lost."""
        self.check()
        if self._driver.connection.invalidated:  # SQLAlchemy would go on with another one
            raise Unavailable
        if not self._has_begun:
            self._driver.change("BEGIN")
            self._has_begun = True
        self._change_what_waits()

    def end(self) -> None:
        """Run what has waited, which is stored by that if nothing was begun; and nothing more.

        Raises Unavailable if what was begun is gone, and with it what was done.
        """
        super().end()
        self._change_what_waits()
        if self._has_begun and self._driver.raw.is_idle:
            raise Unavailable

    def _change_what_waits(self) -> None:
        if not self._waiting:
            return
        changes, values = self._waiting, self._values
        self._waiting, self._values = [], {}
        written = joined(*changes).on(self._driver.dialect, values)
        self._driver.change(written.text, written.values(values))
