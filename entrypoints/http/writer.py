"""One thread for all that change an embedded database: whoever waits for it shares a commit."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from domain.errors import Unavailable
from entrypoints.http.threads import BEGUN_WITHIN, in_time

P = ParamSpec("P")
T = TypeVar("T")

TOGETHER_MAX = 64
"""Calls that are done in one go: nobody waits for many more than these."""

QUIET_TURNS = 3
"""Turns of the event loop without another call, after which those that wait are done.

Whoever is served next would wait for the disk anyway; together they wait for it once.
"""


@dataclass(slots=True)
class _Job:
    """A call, who awaits what comes of it, and until when it may begin."""

    call: Callable[[], Any]
    awaited: "asyncio.Future[Any]"
    deadline: float
    result: Any = None
    failure: BaseException | None = None

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; whoever waited too long is told to come again."""
        if time.monotonic() > self.deadline:
            self.failure = Unavailable()
        return self.failure is None and not self.awaited.done()

    def do(self) -> None:
        """Do it, and keep what came of it."""
        try:
            self.result = self.call()
        except StopIteration as failure:
            self.failure = RuntimeError(f"{failure!r} cannot be told to whoever awaits")
        except Exception as failure:  # noqa: BLE001  # whoever awaits it is told
            self.failure = failure

    def tell(self) -> None:
        """Tell whoever awaits it, if they still do."""
        if self.awaited.done():
            return
        if self.failure is None:
            self.awaited.set_result(self.result)
        else:
            self.awaited.set_exception(self.failure)


class Writer:
    """Runs the calls of one event loop in a thread, as many together as come at about one time.

    Nobody is told what came of their call before `together` has ended well, so nothing is
    acknowledged that is not stored.
    """

    def __init__(self, together: Callable[[], AbstractContextManager[None]], *, queue: int) -> None:
        self._together = together
        self._room = queue
        self._jobs: deque[_Job] = deque()
        self._is_busy = False
        self._is_closed = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises Unavailable if there is no room or time for it."""
        if self._is_closed or len(self._jobs) >= self._room:
            raise Unavailable
        loop = asyncio.get_running_loop()
        awaited: asyncio.Future[T] = loop.create_future()
        self._jobs.append(
            _Job(partial(call, *args, **kwargs), awaited, time.monotonic() + BEGUN_WITHIN)
        )
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._gather, loop, 0, 0)
        return await in_time(awaited)

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

    def _do(self, jobs: list[_Job]) -> None:
        wanted = [job for job in jobs if job.is_wanted()]
        if not wanted:
            return
        try:
            with self._together():
                for job in wanted:
                    job.do()
        except Unavailable as failure:
            _refuse(wanted, failure.cause)
        except Exception as failure:  # noqa: BLE001  # nothing of it is certain to be stored
            for job in wanted:
                job.failure = failure
        except BaseException:
            _refuse(wanted)
            raise

    def _tell(self, loop: asyncio.AbstractEventLoop, jobs: list[_Job]) -> None:
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


def _refuse(jobs: list[_Job], cause: str | None = None) -> None:
    for job in jobs:
        job.failure = Unavailable(cause)
