"""One writer at a time: of this process's threads, and of the machine's processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from adapters.persistence.database import WriterLock
from domain.errors import Unavailable

ROOT = Path(__file__).parents[3]

# Holds the lock until its standard input ends.
HOLDER = """
import sys
from pathlib import Path
from adapters.persistence.database import WriterLock
with WriterLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "basalt.db.lock"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.persistence.database.PATIENCE", 0.1)


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def tries(lock: WriterLock) -> bool:
    """Whether the lock can be had."""
    try:
        with lock.held():
            return True
    except Unavailable:
        return False


def test_threads_hold_it_one_after_the_other(path: Path) -> None:
    lock, inside, most = WriterLock(path), 0, 0

    def enter(_: int) -> None:
        nonlocal inside, most
        with lock.held():
            inside += 1
            most = max(most, inside)
            time.sleep(0.001)
            inside -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enter, range(40)))
    lock.close()
    assert most == 1


@pytest.mark.usefixtures("impatient")
def test_a_thread_that_waits_too_long_gives_up(path: Path) -> None:
    lock, entered, leave = WriterLock(path), Event(), Event()

    def hold() -> None:
        with lock.held():
            entered.set()
            leave.wait(10)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert entered.wait(10)
        began = time.monotonic()
        assert not tries(lock)
        assert 0.1 <= time.monotonic() - began < 2
        leave.set()
        holding.result(10)
        assert tries(lock)
    lock.close()


@pytest.mark.usefixtures("impatient")
def test_another_process_holds_it_against_this_one(path: Path) -> None:
    lock = WriterLock(path)
    with held_by_another_process(path):
        began = time.monotonic()
        assert not tries(lock)
        assert 0.1 <= time.monotonic() - began < 2
    assert tries(lock)
    lock.close()


def test_a_writer_waits_for_another_process_to_end_as_long_as_it_has_patience(path: Path) -> None:
    lock = WriterLock(path)
    with held_by_another_process(path) as holder, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(tries, lock)
        assert holder.stdin
        holder.stdin.close()  # it leaves in order
        assert waiting.result(10)
    lock.close()


def test_a_process_that_is_killed_lets_go(path: Path) -> None:
    lock = WriterLock(path)
    with held_by_another_process(path) as holder:
        holder.kill()
        holder.wait(10)
        assert tries(lock)
    lock.close()


@pytest.mark.usefixtures("impatient")
def test_two_locks_on_one_file_are_one_lock(path: Path) -> None:
    one, other = WriterLock(path), WriterLock(path)
    with one.held():
        assert not tries(other)
    assert tries(other)
    one.close()
    other.close()


def test_it_is_free_again_after_an_error_inside(path: Path) -> None:
    lock = WriterLock(path)
    with pytest.raises(ZeroDivisionError), lock.held():
        raise ZeroDivisionError
    assert tries(lock)
    lock.close()


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    assert not tries(WriterLock(tmp_path / "no such folder" / "lock"))


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    lock = WriterLock(path)
    assert tries(lock)
    assert path.stat().st_mode & 0o777 == 0o600
    lock.close()


def test_a_lock_that_was_closed_can_be_held_again(path: Path) -> None:
    lock = WriterLock(path)
    assert tries(lock)
    lock.close()
    lock.close()
    assert tries(lock)
    lock.close()
