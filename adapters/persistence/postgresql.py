"""Connections to PostgreSQL that neither wait for ever nor are used once their server has gone."""

import select
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

_SLACK = 0.5
"""Seconds that a server has to say that a statement took too long, before we say so ourselves."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up when nothing comes: its server may stand still, or be cut off.

    The server's own limits cannot help there, nor can those of TCP while its machine is up.
    """

    patience: float | None = None
    """Seconds that an answer may take; None for as long as it takes."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer. A connection that failed, or was given up, is closed."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            self.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open, nor a statement under way."""
        return bool(self.pgconn.transaction_status == TransactionStatus.IDLE)

    def is_lost(self) -> bool:
        """Whether the server has ended it: it says so before it is asked, which costs no trip."""
        news = select.poll()
        try:
            news.register(self.pgconn.socket, select.POLLIN)
            while news.poll(0):
                self.pgconn.consume_input()
        except psycopg.Error:
            return True
        return False

    def commit(self) -> None:
        """End the transaction. Raises psycopg.Error if it cannot be stored: it failed before."""
        if self.pgconn.transaction_status == TransactionStatus.INERROR:
            raise psycopg.errors.InFailedSqlTransaction
        if not self.is_idle:
            super().commit()

    def be_unhurried(self) -> None:
        """Let the transaction that is open take as long as it takes."""
        self.patience = None
        for limit in ("statement_timeout", "lock_timeout"):
            self.execute(f"SET LOCAL {limit} = 0")


def postgresql_engine(url: URL, *, pool_size: int, patience: float) -> Engine:
    """Return an engine whose every wait ends: for a connection, a lock, or an answer.

    Its connections read without a transaction, unless they are told otherwise: whoever reads asks
    most often, and one that is told is told again on its way back.
    """
    milliseconds = int(patience * 1000)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience,
        pool_reset_on_return=None,  # by `forget`
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": max(2, int(patience)),  # libpq knows nothing shorter
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": "-c timezone=UTC -c default_transaction_isolation=read\\ committed "
            f"-c lock_timeout={milliseconds} "
            f"-c statement_timeout={milliseconds} "
            f"-c idle_in_transaction_session_timeout={4 * milliseconds}",
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, words: Any, settings: Any) -> PatientConnection:
        try:
            return PatientConnection.connect(*words, **settings)
        except psycopg.Error as failure:
            # Its trace would hold the attempt, whose socket a server that comes back later answers.
            raise failure.with_traceback(None)  # noqa: B904  # it is the same one

    @event.listens_for(engine, "checkout")
    def check(connection: PatientConnection, _: Any, __: Any) -> None:
        if connection.is_lost():
            raise InvalidatePoolError  # the others in the pool are as old
        connection.patience = patience + _SLACK

    @event.listens_for(engine, "reset")
    def forget(connection: PatientConnection, _: Any, __: Any) -> None:
        if not connection.is_idle:
            try:
                connection.rollback()
            except psycopg.Error:
                connection.close()  # and is not lent again

    return engine
