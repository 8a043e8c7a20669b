"""One commit for many writers: those who wait for SQLite's single writer share one fsync.

Each unit of work runs alone. When it is done and others wait, it hands the transaction on instead
of committing it; the last one commits for all. Nobody is told that their work is stored before
that commit has returned, and if it fails, all of them are told. Whoever comes second works inside
a savepoint: what they undo is theirs alone.

A thread that does the work of many may store it together: it waits once, at the end. It does so
without savepoints at first, for inside one SQLite copies each page before it changes it, into a
file once they are many; that is a fifth of the time of a change.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.driver import Driver
from adapters.persistence.failures import meaning
from domain.errors import Conflicted, Unavailable

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

    @property
    def changes(self) -> int:
        """How many rows were changed, also in vain."""
        return int(self.driver.raw.total_changes)

    def end(self) -> None:
        """Commit what was kept, if anything was, and tell every member."""
        try:
            if self.members and not self.is_whole:
                raise Unavailable
            if self.members:
                self.driver.connection.commit()
        except (SQLAlchemyError, Unavailable) as failure:
            self.failure = meaning(failure) if isinstance(failure, SQLAlchemyError) else failure
            self.driver.connection.invalidate()  # else what was not committed may hold the lock
        finally:
            try:
                self._transaction.__exit__(None, None, None)
            finally:
                self.is_over.set()


class _Member:
    """One unit of work in a group."""

    def __init__(self, group: _Group, leave: Callable[[], None]) -> None:
        self.group = group
        self._leave = leave
        self.driver = group.driver
        self.is_inside = True
        self.is_spoilt = False
        self._has_seen_others = group.members > 0
        if self._has_seen_others:
            self.driver.change(_BEGIN)

    def commit(self) -> None:
        """Keep the work, hand the transaction on, and wait until it is on disk."""
        if self._has_seen_others:
            self.driver.change(_KEEP)
        self.group.members += 1
        self.is_inside = False
        self._leave()
        self._wait()

    def _wait(self) -> None:
        self.group.is_over.wait()
        if self.group.failure:
            raise self.group.failure

    def undo(self) -> None:
        """Forget the work of this unit alone.

        What it has seen of others is not stored yet: whatever it is about to answer waits for
        their commit, and is not answered if that fails.
        """
        self.is_inside = False
        try:
            if self._has_seen_others and self.group.is_whole:
                self.driver.change(_UNDO)
                self.driver.change(_KEEP)
        finally:
            self._leave()
        if self._has_seen_others:
            self._wait()


class _Part:
    """One unit of work of a member that stores several together."""

    def __init__(self, member: _Member) -> None:
        if member.is_spoilt or not member.group.is_whole:
            raise Unavailable
        self._member = member
        self.driver = member.driver
        self._is_open = True
        self._changes_before = member.group.changes

    def commit(self) -> None:
        """Keep the work; whoever does several together waits for the disk at their end."""
        self._is_open = False

    def leave(self) -> None:
        """Forget the work unless it was kept; if it changed anything, that of all of them."""
        if self._is_open and self._member.group.changes != self._changes_before:
            self._member.is_spoilt = True


class _PartAlone(_Part):
    """One of those that are each undone alone."""

    def __init__(self, member: _Member) -> None:
        super().__init__(member)
        self.driver.change(_BEGIN_PART)

    def commit(self) -> None:
        self.driver.change(_KEEP_PART)
        super().commit()

    def leave(self) -> None:
        if self._is_open and self._member.group.is_whole:
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
        begin_part: Callable[[], _Part] | None = getattr(self._together, "begin_part", None)
        if begin_part is not None:
            part = begin_part()
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
    def together(self, *, each_alone: bool) -> Iterator[None]:
        """Store what this thread's units of work commit meanwhile at the end, all at once.

        Raises Unavailable if that is not certain, and Conflicted if none is stored because one
        was not committed, though it had changed something: they are to be done anew, `each_alone`.
        """
        member = self._entered()
        try:
            self._together.begin_part = partial(_PartAlone if each_alone else _Part, member)
            try:
                yield
            finally:
                self._together.begin_part = None
            if member.is_spoilt:
                raise Conflicted
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
        """Hand the turn on, or end the group if it is full or empty, or nobody is waiting."""
        group = self._group
        with self._counting:
            is_wanted = self._waiting > 0
        try:
            if group is not None and not (is_wanted and 0 < group.members < MEMBERS_MAX):
                self._end_group()
        finally:
            self._turn.release()

    def _end_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.end()
