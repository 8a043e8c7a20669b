"""Proves that whoever shares a commit is told the truth about it, and told at all."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Connection

from adapters.persistence.database import Database
from adapters.persistence.driver import Driver
from adapters.persistence.group_commit import GroupCommits
from domain.errors import Unavailable

PATIENCE = 0.05


@pytest.fixture
def database(sqlite_file: Database) -> Database:
    return sqlite_file


class SlowTurn:
    """A lock that is released only after whoever waits for it has lost patience."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, *, blocking: bool = True, timeout: float = -1) -> bool:
        return self._lock.acquire(blocking, timeout if blocking else -1)

    def release(self) -> None:
        time.sleep(4 * PATIENCE)
        self._lock.release()


def make_table(groups: GroupCommits) -> None:
    with groups.begun() as work:
        work.driver.change("CREATE TABLE probe (number INTEGER)")
        work.commit()


def write(groups: GroupCommits) -> None:
    with groups.begun() as work:
        work.driver.change("INSERT INTO probe VALUES (1)")
        work.commit()


def write_before_another(
    groups: GroupCommits,
    threads: Executor,
    second: list[Future[None]],
    work_of_another: Callable[[], None],
) -> None:
    """Write, and hand on to somebody who came meanwhile."""
    with groups.begun() as work:
        work.driver.change("CREATE TABLE probe (number INTEGER)")
        second.append(threads.submit(work_of_another))
        while not groups._waiting:  # noqa: SLF001  # nothing else shows it
            time.sleep(0.001)
        work.commit()


def test_whoever_gives_up_as_the_turn_is_handed_on_keeps_nobody_waiting(
    database: Database,
) -> None:
    groups = GroupCommits(database.transaction, patience=PATIENCE)
    groups._turn = SlowTurn()  # type: ignore[assignment]  # noqa: SLF001
    second: list[Future[None]] = []
    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(
                write_before_another, groups, threads, second, partial(write, groups)
            )
            first.result(timeout=5)
            with pytest.raises(Unavailable):
                second[0].result(timeout=5)
        finally:
            write(groups)  # which would end what is open


def test_a_commit_that_fails_in_a_way_of_its_own_is_told_to_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Connection) -> None:
        raise MemoryError

    groups = GroupCommits(database.transaction, patience=5)
    second: list[Future[None]] = []
    with monkeypatch.context() as patched, ThreadPoolExecutor(1) as threads:
        patched.setattr(Connection, "commit", fail)
        with pytest.raises(Unavailable):
            write_before_another(groups, threads, second, partial(write, groups))
        with pytest.raises(MemoryError):
            second[0].result(timeout=5)
    make_table(groups)  # for there is none


def fail_to_undo(driver: Driver, text: str) -> int:
    if text.startswith("ROLLBACK TO"):
        raise MemoryError
    return change(driver, text)


change = Driver.change


@pytest.mark.parametrize("each_alone", [False, True])
def test_what_could_not_be_undone_is_stored_for_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, each_alone: bool
) -> None:
    groups = GroupCommits(database.transaction, patience=5)
    monkeypatch.setattr(Driver, "change", fail_to_undo)

    def refused() -> None:
        with groups.begun() as work:
            work.driver.change("INSERT INTO probe VALUES (2)")

    def refused_together() -> None:
        with groups.together(each_alone=True):
            write(groups)
            with pytest.raises(MemoryError):
                refused()

    second: list[Future[None]] = []
    with ThreadPoolExecutor(1) as threads:
        with pytest.raises(Unavailable):
            write_before_another(
                groups, threads, second, refused_together if each_alone else refused
            )
        with pytest.raises((Unavailable, MemoryError)):
            second[0].result(timeout=5)
    make_table(groups)  # for there is none
