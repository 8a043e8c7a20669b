"""Connections: on one kind each statement is by itself, on the other a transaction is around all.

Reading is one statement a time, without a transaction around it, which saves PostgreSQL two
round trips; its units of work, too, have none until they begin one. Writing on SQLite goes through
one connection of the process and one lock file of the machine: its writers never fight, and a
write-ahead log is never written by two processes at once, which SQLite before 3.51.3 does not
survive (sqlite.org/wal.html#walresetbug).
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.commit_members import Committing
from adapters.persistence.driver import Driver
from adapters.persistence.failures import meaning
from adapters.persistence.group_commit import GroupCommits
from domain.errors import Unavailable

PATIENCE = 2.5
"""Seconds that anybody waits for a connection or for another writer, before Unavailable."""

_LOCK_LOOK = 0.002
"""Seconds between two looks at a lock that another process holds."""


class WriterLock:
    """Lets one writer in at a time: of this process's threads, then of the machine's processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.Lock()
        self._file: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises Unavailable after PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        if not self._thread_lock.acquire(timeout=PATIENCE):
            raise Unavailable
        try:
            file = self._locked_file(deadline)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._thread_lock.release()

    def _locked_file(self, deadline: float) -> int:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return self._file
                if time.monotonic() > deadline:
                    raise Unavailable
                time.sleep(_LOCK_LOOK)
        except OSError as failure:
            raise Unavailable from failure

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


@dataclass(frozen=True, slots=True)
class Alone:
    """A transaction of its own, if whoever runs its statements begins one."""

    driver: Driver

    def commit(self) -> None:
        """Return once everything is on disk. Raises Unavailable if that is not certain."""
        self.driver.commit()


class _Glancer:
    """One connection that stays open, for looks that are shorter than its way to a pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: Driver | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Driver:
        """Lend the connection, unless somebody else has it. Raises Unavailable."""
        if not self._lock.acquire(blocking=False):
            raise Unavailable
        try:
            if self._driver is None or self._driver.connection.invalidated:
                self._driver = Driver(self._engine.connect())
        except BaseException as failure:
            self._lock.release()
            if isinstance(failure, SQLAlchemyError):
                raise meaning(failure) from failure
            raise
        return self._driver

    def __exit__(self, *failure: object) -> None:
        """Take it back."""
        self._lock.release()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._driver is not None:
                self._driver.connection.close()
                self._driver = None
        self._engine.dispose()


class Database:
    """A SQLite file or a PostgreSQL database, with its pools of connections."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._writer_lock: WriterLock | None = None
        if self.is_sqlite:
            self.file = file = Path(parsed.database or "")
            with suppress(OSError):  # the first connection will say what is wrong
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._writer_lock = WriterLock(file.with_name(f"{file.name}.lock"))
            self.writer = _sqlite(parsed, pool_size=1, reads_only=False)
            self._engine = _sqlite(parsed, pool_size=pool_size, reads_only=True)  # for looks alone
            self._glancer = _Glancer(_sqlite(parsed, pool_size=1, reads_only=True, patience=0))
            self._groups = GroupCommits(self.transaction, patience=PATIENCE)
        else:
            from adapters.persistence.postgresql import (  # noqa: PLC0415  # SQLite needs no psycopg
                postgresql_engine,
            )

            self._engine = postgresql_engine(parsed, pool_size=pool_size, patience=PATIENCE)
            self.writer = self._engine.execution_options(isolation_level="READ COMMITTED")

    def connect(self) -> Connection:
        """Return a connection that reads what is committed. Raises Unavailable."""
        try:
            return self._engine.connect()
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure

    def glance(self) -> AbstractContextManager[Driver]:
        """Lend a connection for a look that never waits: raises Unavailable where it would.

        SQLite only: its looks by a key take less than the hop to a thread that may wait.
        """
        return self._glancer

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that may write; it is rolled back unless it was committed."""
        with self._admitted(), self._lent(self.writer) as connection:
            connection.begin()
            yield connection

    @contextmanager
    def unhurried(self) -> Iterator[Connection]:
        """Open a transaction that may take as long as it takes: the tables change shape."""
        with self.transaction() as connection:
            if not self.is_sqlite:
                raw: Any = connection.connection.driver_connection
                raw.be_unhurried()
            yield connection

    @contextmanager
    def unit_of_work(self) -> Iterator[Committing]:
        """Give one unit of work its connection.

        On SQLite a transaction is open on it, and those who wait share a commit. On PostgreSQL
        none is, until the unit's statements begin one.
        """
        if self.is_sqlite:
            with self._groups.begun() as member:
                yield member
        else:
            with self._lent(self._engine) as connection:
                yield Alone(Driver(connection))

    def together(self, *, each_alone: bool = False) -> AbstractContextManager[None]:
        """Let this thread's units of work share a commit, at the end. SQLite only."""
        return self._groups.together(each_alone=each_alone)

    def replace_by(self, source: sqlite3.Connection) -> None:
        """Put another database's contents in the place of this one's, in one transaction.

        SQLite only. Whoever reads meanwhile goes on with what was. Raises Unavailable.
        """
        with self._admitted():
            try:
                with self.writer.connect() as connection:
                    target: Any = connection.connection.driver_connection
                    source.backup(target, progress=_impatient(time.monotonic() + PATIENCE))
            except (SQLAlchemyError, sqlite3.Error) as failure:
                raise Unavailable from failure

    def close(self) -> None:
        """Close every connection that is not in use."""
        with suppress(Unavailable), self._admitted():  # SQLite's last one writes its log back
            if self.is_sqlite:
                self._glancer.close()
            self._engine.dispose()
            self.writer.dispose()
        if self._writer_lock:
            self._writer_lock.close()

    def _admitted(self) -> AbstractContextManager[None]:
        return self._writer_lock.held() if self._writer_lock else nullcontext()

    @contextmanager
    def _lent(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
            try:
                yield connection
            finally:
                connection.close()
        except SQLAlchemyError as failure:
            raise meaning(failure) from failure


def _impatient(deadline: float) -> Callable[[int, int, int], None]:
    """Return what ends a copy that has waited for another program's lock for too long."""

    def check(status: int, _: int, __: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > deadline:
            raise Unavailable("SQLITE_BUSY")

    return check


def _sqlite(url: URL, *, pool_size: int, reads_only: bool, patience: float = PATIENCE) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        connect_args={"timeout": patience, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def create(_: object, __: object, ___: object, ____: object) -> None:
        """Let a new file be its owner's alone; the write-ahead log takes after it."""
        with suppress(OSError):  # it is there, or connecting will say what is wrong
            os.close(os.open(url.database or "", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA mmap_size = 0")
        if reads_only:
            connection.execute("PRAGMA query_only = ON")

    if not reads_only:

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
