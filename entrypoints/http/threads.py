"""Worker threads: use cases are plain synchronous code, and the event loop never waits on them.

The standard library's pool would do, but for its locks and two futures a call, which take three
times as long as the way to a thread and back takes here; and most requests go it twice.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import ParamSpec, TypeVar

from domain.errors import Unavailable
from entrypoints.http.jobs import Job

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads:
    """A bounded pool with a bounded queue: what does not fit is refused, not delayed for ever."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        self._name = name
        self._most = threads
        self._threads: list[Thread] = []
        self._queue: SimpleQueue[tuple[asyncio.AbstractEventLoop, Job] | None] = SimpleQueue()
        self._room = threads + queue
        self._under_way = 0
        self._is_closed = False
        self._door = Lock()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises Unavailable if there is no room or time for it.

        A call that was begun goes on to its end, also when nobody waits for it any more: it may
        have changed something, and who comes again finds that.
        """
        job = Job.of(call, *args, **kwargs)
        with self._door:  # who came in while they close would stand behind the last that is done
            if self._is_closed or self._under_way >= self._room:
                raise Unavailable
            if len(self._threads) < min(self._under_way + 1, self._most):
                self._start_one()
            self._under_way += 1
            self._queue.put((job.awaited.get_loop(), job))
        result: T = await job.outcome()
        return result

    def _start_one(self) -> None:
        thread = Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._threads:
                raise Unavailable from None
        else:
            self._threads.append(thread)

    def _work(self) -> None:
        while self._is_called():
            pass

    def _is_called(self) -> bool:
        """Do the next job; return False if there will be none."""
        called = self._queue.get()
        if called is None:
            return False
        loop, job = called
        try:
            if self._is_closed:
                job.refuse()
            elif job.is_wanted():
                job.do()
        except BaseException as failure:  # noqa: BLE001  # the thread stays, whoever awaits is told
            job.failure = failure
        with self._door:
            self._under_way -= 1
        with suppress(RuntimeError):  # the loop was closed: nobody is there to be told
            loop.call_soon_threadsafe(job.tell)
        return True

    def close(self) -> None:
        """Wait for what was begun, and end the threads; who waits still is told to come again."""
        with self._door:
            self._is_closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()
