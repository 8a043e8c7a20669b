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

from sqlalchemy import Connection

from adapters.persistence.commit_members import Committing, Group, Member, Part, PartAlone
from domain.errors import Conflicted, Unavailable

MEMBERS_MAX = 64
"""Units of work in one commit: nobody waits for many more than these."""


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
        self._group: Group | None = None
        self._together = threading.local()

    @contextmanager
    def begun(self) -> Iterator[Committing]:
        """Open a unit of work; it is undone unless it was committed. Raises Unavailable."""
        begin_part: Callable[[], Part] | None = getattr(self._together, "begin_part", None)
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
            self._together.begin_part = partial(PartAlone if each_alone else Part, member)
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

    def _entered(self) -> Member:
        self._take_turn()
        try:
            if self._group is not None and not self._group.is_whole:
                self._end_group()
            if self._group is None:
                self._group = Group(self._transaction())
            return Member(self._group, self._leave)
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
        with self._counting:  # whoever gives up is counted out before this, or finds the turn free
            if group is not None and self._waiting and 0 < group.members < MEMBERS_MAX:
                self._turn.release()
                return
        try:
            self._end_group()
        finally:
            self._turn.release()

    def _end_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.end()
