"""One commit for many writers: those who wait for SQLite's single writer share one fsync.

Each unit of work runs alone, inside a savepoint. When it is done and others wait, it hands the
transaction on instead of committing it; the last one commits for all. Nobody is told that their
work is stored before that commit has returned, and if it fails, all of them are told.

A thread that does the work of many may store it together: it waits once, at the end.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.driver import Driver
from adapters.persistence.failures import meaning
from domain.errors import Unavailable

MEMBERS_MAX = 64
"""Units of work in one commit: nobody waits for many more than these."""

_BEGIN = "SAVEPOINT unit_of_work"
_KEEP = "RELEASE unit_of_work"
_UNDO = "ROLLBACK TO unit_of_work"
_BEGIN_PART = "SAVEPOINT part"
_KEEP_PART = "RELEASE part"
_UNDO_PART = "ROLLBACK TO part"


class Committing(Protocol):
    """A transaction that is open."""

    @property
    def driver(self) -> Driver:
        """Where its statements run."""

    def commit(self) -> None:
        """Return once everything is on disk. Raises Unavailable if that is not certain."""


class _Group:
    """Units of work that are stored together."""

    def __init__(self, transaction: AbstractContextManager[Connection]) -> None:
        self._transaction = transaction
        self.driver = Driver(transaction.__enter__())
        self.members = 0
        self.is_over = threading.Event()
        self.failure: Exception | None = None

    @property
    def is_whole(self) -> bool:
        """Whether SQLite has kept the transaction open: some failures undo all of it."""
        return bool(self.driver.raw.in_transaction)

    def end(self) -> None:
        """Commit what was kept, if anything was, and tell every member."""
        try:
            if self.members and not self.is_whole:
                raise Unavailable
            if self.members:
                self.driver.connection.commit()
        except (SQLAlchemyError, Unavailable) as failure:
            self.failure = meaning(failure) if isinstance(failure, SQLAlchemyError) else failure
        finally:
            try:
                self._transaction.__exit__(None, None, None)
            finally:
                self.is_over.set()


class _Member:
    """One unit of work in a group."""

    def __init__(self, group: _Group, leave: Callable[[], None]) -> None:
        self._group = group
        self._leave = leave
        self.driver = group.driver
        self.is_inside = True
        self._has_seen_others = group.members > 0

    def commit(self) -> None:
        """Keep the work, hand the transaction on, and wait until it is on disk."""
        self.driver.change(_KEEP)
        self._group.members += 1
        self.is_inside = False
        self._leave()
        self._wait()

    def _wait(self) -> None:
        self._group.is_over.wait()
        if self._group.failure:
            raise self._group.failure

    def undo(self) -> None:
        """Forget the work of this unit alone.

        What it has seen of others is not stored yet: whatever it is about to answer waits for
        their commit, and is not answered if that fails.
        """
        self.is_inside = False
        try:
            if self._group.is_whole:
                self.driver.change(_UNDO)
                self.driver.change(_KEEP)
        finally:
            self._leave()
        if self._has_seen_others:
            self._wait()


class _Part:
    """One unit of work of a thread that stores several together."""

    def __init__(self, group: _Group) -> None:
        if not group.is_whole:
            raise Unavailable
        self._group = group
        self.driver = group.driver
        self.driver.change(_BEGIN_PART)
        self._is_open = True

    def commit(self) -> None:
        """Keep the work; whoever does several together waits for the disk at their end."""
        self.driver.change(_KEEP_PART)
        self._is_open = False

    def leave(self) -> None:
        """Forget the work of this unit alone, unless it was kept."""
        if self._is_open and self._group.is_whole:
            self.driver.change(_UNDO_PART)
            self.driver.change(_KEEP_PART)


class GroupCommits:
    """Runs units of work one after another, and commits for all who came meanwhile."""

    def __init__(
        self, transaction: Callable[[], AbstractContextManager[Connection]], *, patience: float
    ) -> None:
        self._transaction = transaction
        self._patience = patience
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._together = threading.local()

    @contextmanager
    def begun(self) -> Iterator[Committing]:
        """Open a unit of work; it is undone unless it was committed. Raises Unavailable."""
        if getattr(self._together, "group", None) is not None:
            part = _Part(self._together.group)
            try:
                yield part
            finally:
                part.leave()
            return
        member = self._entered()
        try:
            yield member
        finally:
            if member.is_inside:
                member.undo()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Store what this thread's units of work commit meanwhile at the end, all at once.

        Raises Unavailable if that is not certain.
        """
        member = self._entered()
        try:
            self._together.group = self._group
            try:
                yield
            finally:
                self._together.group = None
            member.commit()
        finally:
            if member.is_inside:
                member.undo()

    def _entered(self) -> _Member:
        self._take_turn()
        try:
            if self._group is not None and not self._group.is_whole:
                self._end_group()
            if self._group is None:
                self._group = _Group(self._transaction())
            self._group.driver.change(_BEGIN)
            return _Member(self._group, self._leave)
        except BaseException:
            self._leave()
            raise

    def _take_turn(self) -> None:
        with self._counting:
            self._waiting += 1
        has_turn = self._turn.acquire(timeout=self._patience)
        with self._counting:
            self._waiting -= 1
        if has_turn:
            return
        if self._turn.acquire(blocking=False):
            self._leave()  # it was handed to us as we gave up: somebody may wait for its commit
        raise Unavailable

    def _leave(self) -> None:
        """Hand the turn on, or end the group if nobody else is waiting or it is full."""
        group = self._group
        with self._counting:
            is_wanted = self._waiting > 0
        try:
            if group is not None and not (is_wanted and group.members < MEMBERS_MAX):
                self._end_group()
        finally:
            self._turn.release()

    def _end_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.end()
