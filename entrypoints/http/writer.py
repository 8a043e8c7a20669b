"""One thread for all that change an embedded database: whoever waits for it shares a commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from typing import ParamSpec, Protocol, TypeVar

from domain.errors import Conflicted, Unavailable
from entrypoints.http.jobs import Job

P = ParamSpec("P")
T = TypeVar("T")

TOGETHER_MAX = 64
"""Calls that are done in one go: nobody waits for many more than these."""

QUIET_TURNS = 3
"""Turns of the event loop without another call, after which those that wait are done.

Whoever is served next would wait for the disk anyway; together they wait for it once.
"""

CAREFUL_FOR = 8
"""Times that calls are each undone alone at once, after one of them had spoilt it for all.

Whoever gives up again and again would else have the work of all others done twice, each time.
"""


class Together(Protocol):
    """Stores what the units of work of a thread commit meanwhile at the end, all at once."""

    def __call__(self, *, each_alone: bool = False) -> AbstractContextManager[None]:
        """Begin. Raises Unavailable, and Conflicted if all are to be done anew, `each_alone`."""


class Writer:
    """Runs the calls of one event loop in a thread, as many together as come at about one time.

    Nobody is told what came of their call before `together` has ended well, so nothing is
    acknowledged that is not stored.
    """

    def __init__(self, together: Together, *, queue: int) -> None:
        self._together = together
        self._room = queue
        self._jobs: deque[Job] = deque()
        self._is_busy = False
        self._is_closed = False
        self._careful_for = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises Unavailable if there is no room or time for it."""
        if self._is_closed or len(self._jobs) >= self._room:
            raise Unavailable
        job = Job.of(call, *args, **kwargs)
        self._jobs.append(job)
        if not self._is_busy:
            self._is_busy = True
            loop = job.awaited.get_loop()
            loop.call_soon(self._gather, loop, 0, 0)
        result: T = await job.outcome()
        return result

    def _gather(self, loop: asyncio.AbstractEventLoop, seen: int, quiet: int) -> None:
        """Wait while more come, for a few turns of the loop; then let the thread do them."""
        waiting = len(self._jobs)
        quiet = 0 if waiting > seen else quiet + 1
        if quiet < QUIET_TURNS and waiting < TOGETHER_MAX:
            loop.call_soon(self._gather, loop, waiting, quiet)
            return
        jobs = [self._jobs.popleft() for _ in range(min(waiting, TOGETHER_MAX))]

        def done(_: object) -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody is there to be told
                loop.call_soon_threadsafe(self._tell, loop, jobs)

        try:
            self._executor.submit(self._do, jobs).add_done_callback(done)
        except RuntimeError:  # closed, or no thread could be started
            _refuse(jobs)
            loop.call_soon(self._tell, loop, jobs)

    def _do(self, jobs: list[Job]) -> None:
        wanted = [job for job in jobs if job.is_wanted()]
        if not wanted:
            return
        try:
            try:
                self._store(wanted, each_alone=self._careful_for > 0)
                self._careful_for = max(0, self._careful_for - 1)
            except Conflicted:
                self._careful_for = CAREFUL_FOR
                self._store(wanted, each_alone=True)
        except Unavailable as failure:
            _refuse(wanted, failure.cause)
        except Exception as failure:  # noqa: BLE001  # nothing of it is certain to be stored
            for job in wanted:
                job.failure = failure
        except BaseException:
            _refuse(wanted)
            raise

    def _store(self, jobs: list[Job], *, each_alone: bool = False) -> None:
        with self._together(each_alone=each_alone):
            for job in jobs:
                if job.is_awaited:  # still: whoever else writes may have held us up
                    job.do()

    def _tell(self, loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
        try:
            for job in jobs:
                job.tell()
        finally:
            self._is_busy = bool(self._jobs)
            if self._is_busy:
                loop.call_soon(self._gather, loop, 0, 0)

    def close(self) -> None:
        """Wait for what was begun, and end the thread; who waits still is told to come again."""
        self._is_closed = True
        self._executor.shutdown(wait=True)


def _refuse(jobs: list[Job], cause: str | None = None) -> None:
    for job in jobs:
        job.refuse(cause)
