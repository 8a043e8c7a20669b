"""Proves that worker threads are bounded: what does not fit is refused at once."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from domain.errors import Unavailable
from entrypoints.http import jobs as module
from entrypoints.http.threads import WorkerThreads

PATIENCE = 10


class Gate:
    """Work that lasts until it is let go, and counts how much of it goes on at once."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.running = self.most = self.done = 0

    def __call__(self, answer: int = 0) -> int:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self._open.wait(PATIENCE)
        with self._lock:
            self.running -= 1
            self.done += 1
        return answer

    def let_go(self) -> None:
        self._open.set()

    async def has(self, *, running: int = 0, done: int = 0) -> None:
        async with asyncio.timeout(PATIENCE):
            while (self.running, self.done) != (running, done):  # noqa: ASYNC110 (threads do it)
                await asyncio.sleep(0.001)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def threads(gate: Gate) -> Iterator[WorkerThreads]:
    """Return two threads, for which three calls may wait."""
    threads = WorkerThreads("test", threads=2, queue=3)
    yield threads
    gate.let_go()
    threads.close()


async def test_a_call_runs_in_a_thread_of_that_name_and_its_answer_comes_back(
    threads: WorkerThreads,
) -> None:
    name = await threads.run(lambda: threading.current_thread().name)
    assert name.startswith("test")
    assert await threads.run(divmod, 7, 2) == (3, 1)


async def test_what_a_call_raises_is_raised(threads: WorkerThreads) -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    assert await threads.run(divmod, 1, 1) == (1, 0)


async def test_no_more_run_at_once_than_there_are_threads(
    threads: WorkerThreads, gate: Gate
) -> None:
    calls = [asyncio.ensure_future(threads.run(gate, number)) for number in range(5)]
    await gate.has(running=2)
    gate.let_go()
    assert await asyncio.gather(*calls) == list(range(5))
    assert gate.most == 2


async def test_what_does_not_fit_is_refused_at_once_and_fits_again_later(
    threads: WorkerThreads, gate: Gate
) -> None:
    calls = [asyncio.ensure_future(threads.run(gate)) for _ in range(5)]
    await gate.has(running=2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(threads.run(gate), 1)
    gate.let_go()
    await asyncio.gather(*calls)
    assert gate.done == 5
    assert await asyncio.gather(*(threads.run(gate, 1) for _ in range(5))) == [1] * 5


async def test_a_waiter_who_leaves_makes_room_only_when_the_work_ends(
    threads: WorkerThreads, gate: Gate
) -> None:
    calls = [asyncio.ensure_future(threads.run(gate)) for _ in range(2)]
    await gate.has(running=2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    waiting = [asyncio.ensure_future(threads.run(gate)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(threads.run(gate), 1)
    gate.let_go()
    await asyncio.gather(*waiting)
    await gate.has(done=5)
    assert await threads.run(divmod, 1, 1) == (1, 0)


async def test_what_nobody_waits_for_any_more_is_not_begun(
    threads: WorkerThreads, gate: Gate
) -> None:
    calls = [asyncio.ensure_future(threads.run(gate)) for _ in range(5)]
    await gate.has(running=2)
    calls[-1].cancel()
    await asyncio.gather(calls[-1], return_exceptions=True)
    gate.let_go()
    await asyncio.gather(*calls[:-1])
    assert await asyncio.gather(*(threads.run(gate, 1) for _ in range(5))) == [1] * 5
    assert gate.done == 9


class Odd(BaseException):
    """What no use case raises."""


@pytest.mark.parametrize(("odd", "told"), [(Odd, Odd), (StopIteration, RuntimeError)])
async def test_whatever_a_call_raises_nobody_hangs_and_no_thread_is_lost(
    threads: WorkerThreads, odd: type[BaseException], told: type[BaseException]
) -> None:
    def raise_it() -> None:
        raise odd

    for _ in range(3):
        with pytest.raises(told):
            await asyncio.wait_for(threads.run(raise_it), PATIENCE)
    assert await threads.run(divmod, 7, 2) == (3, 1)


async def test_closing_waits_for_what_was_begun(threads: WorkerThreads, gate: Gate) -> None:
    call = asyncio.ensure_future(threads.run(gate, 7))
    await gate.has(running=1)
    closing = asyncio.ensure_future(asyncio.to_thread(threads.close))
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.let_go()
    await closing
    assert await call == 7


async def test_who_waits_when_they_close_is_told_to_come_again(
    threads: WorkerThreads, gate: Gate
) -> None:
    begun = [asyncio.ensure_future(threads.run(gate)) for _ in range(2)]
    await gate.has(running=2)
    waiting = asyncio.ensure_future(threads.run(gate))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(asyncio.to_thread(threads.close))
    await asyncio.sleep(0.01)
    gate.let_go()
    await asyncio.gather(closing, *begun)
    with pytest.raises(Unavailable):
        await waiting
    assert gate.done == 2


async def test_whoever_awaits_a_thread_that_is_stuck_is_told_to_come_again(
    threads: WorkerThreads, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(threads.run(gate), PATIENCE)
    assert gate.running == 2
    waiting = asyncio.ensure_future(threads.run(gate))
    with pytest.raises(Unavailable):
        await asyncio.wait_for(waiting, PATIENCE)
    gate.let_go()
    await gate.has(done=2)
    assert await threads.run(divmod, 7, 2) == (3, 1)
    assert gate.done == 2, "what nobody awaits any more was begun"


async def test_a_call_that_is_too_late_is_not_begun(
    threads: WorkerThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEGUN_WITHIN", -1)
    done: list[str] = []
    with pytest.raises(Unavailable):
        await threads.run(done.append, "late")
    assert done == []


async def test_a_calls_own_timeout_is_its_own(threads: WorkerThreads) -> None:
    def fail() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await threads.run(fail)


async def test_a_thread_that_cannot_start_costs_no_room(
    threads: WorkerThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def no_memory(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", no_memory)
        for _ in range(10):
            with pytest.raises(Unavailable):
                await threads.run(done.append, "refused")
    assert await asyncio.gather(*(threads.run(divmod, 7, 2) for _ in range(5))) == [(3, 1)] * 5
    assert done == [], "what was refused was done all the same"


async def test_threads_that_are_closed_refuse(threads: WorkerThreads) -> None:
    threads.close()
    with pytest.raises(Unavailable):
        await threads.run(divmod, 7, 2)


async def test_who_comes_while_they_close_is_told_and_leaves_no_thread_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = WorkerThreads("late", threads=1, queue=0)
    closing = threading.Thread(target=threads.close)

    def start_while_they_close(thread: threading.Thread) -> None:
        monkeypatch.undo()
        closing.start()
        closing.join(0.05)
        thread.start()

    monkeypatch.setattr(threading.Thread, "start", start_while_they_close)
    with suppress(Unavailable):
        assert await asyncio.wait_for(threads.run(divmod, 7, 2), 1) == (3, 1)
    await asyncio.to_thread(closing.join, PATIENCE)
    assert not closing.is_alive()
    assert not [one for one in threading.enumerate() if one.name.startswith("late")]


def test_a_call_whose_event_loop_is_gone_gives_its_room_back(gate: Gate) -> None:
    threads = WorkerThreads("test", threads=1, queue=0)

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.run(gate), 0.05)

    asyncio.run(leave())
    gate.let_go()

    async def come() -> tuple[int, int]:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(Unavailable):  # until the thread has seen to its end
                    return await threads.run(divmod, 7, 2)
                await asyncio.sleep(0.001)

    assert asyncio.run(come()) == (3, 1)
    threads.close()
