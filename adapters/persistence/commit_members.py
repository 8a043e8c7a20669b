"""Who shares a commit: a group, its members, and the parts of a member that is many at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from threading import Event
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence.driver import Driver
from adapters.persistence.failures import meaning
from domain.errors import Unavailable

_BEGIN = "SAVEPOINT unit_of_work"
_KEEP = "RELEASE unit_of_work"
_UNDO = "ROLLBACK TO unit_of_work"
_BEGIN_PART = "SAVEPOINT part"
_KEEP_PART = "RELEASE part"
_UNDO_PART = "ROLLBACK TO part"


class Committing(Protocol):
    """What a unit of work runs in: a transaction that is open, or that its statements begin."""

    @property
    def driver(self) -> Driver:
        """Where its statements run."""

    def commit(self) -> None:
        """Return once everything is on disk. Raises Unavailable if that is not certain."""


class Group:
    """Units of work that are stored together."""

    def __init__(self, transaction: AbstractContextManager[Connection]) -> None:
        self._transaction = transaction
        self.driver = Driver(transaction.__enter__())
        self.members = 0
        self._is_tainted = False
        """Whether it holds what could not be undone: then nothing of it may be stored."""
        self.is_over = Event()
        self.failure: Exception | None = Unavailable()
        """What every member is told; nothing once it is certain that their work is stored."""

    @property
    def is_whole(self) -> bool:
        """Whether it may be stored: SQLite has kept it open, which some failures undo."""
        return not self._is_tainted and bool(self.driver.raw.in_transaction)

    @property
    def changes(self) -> int:
        """How many rows were changed, also in vain."""
        return int(self.driver.raw.total_changes)

    def undo_to(self, undo: str, keep: str) -> None:
        """Undo what was done since a savepoint, if all of it was not undone already."""
        if not self.is_whole:
            return
        try:
            self.driver.change(undo)
            self.driver.change(keep)
        except BaseException:
            self._is_tainted = True
            raise

    def end(self) -> None:
        """Commit what was kept, if anything was, and tell every member."""
        with ExitStack() as afterwards:
            afterwards.callback(self.is_over.set)
            afterwards.callback(self._transaction.__exit__, None, None, None)
            afterwards.callback(self._let_go_if_it_failed)
            try:
                if not self.members or self._is_committed():
                    self.failure = None
            except SQLAlchemyError as failure:
                self.failure = meaning(failure)

    def _is_committed(self) -> bool:
        """Commit, if there is all of it and nothing else."""
        if self.is_whole:
            self.driver.connection.commit()
            return True
        return False

    def _let_go_if_it_failed(self) -> None:
        if self.failure:
            self.driver.connection.invalidate()  # else what was not committed may hold the lock


class Member:
    """One unit of work in a group."""

    def __init__(self, group: Group, leave: Callable[[], None]) -> None:
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
            raise self.group.failure from None  # it is raised in many threads: no story is its own

    def undo(self) -> None:
        """Forget the work of this unit alone.

        What it has seen of others is not stored yet: whatever it is about to answer waits for
        their commit, and is not answered if that fails.
        """
        self.is_inside = False
        try:
            if self._has_seen_others:
                self.group.undo_to(_UNDO, _KEEP)
        finally:
            self._leave()
        if self._has_seen_others:
            self._wait()


class Part:
    """One unit of work of a member that stores several together."""

    def __init__(self, member: Member) -> None:
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


class PartAlone(Part):
    """One of those that are each undone alone."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        self.driver.change(_BEGIN_PART)

    def commit(self) -> None:
        self.driver.change(_KEEP_PART)
        super().commit()

    def leave(self) -> None:
        if self._is_open:
            self._member.group.undo_to(_UNDO_PART, _KEEP_PART)
