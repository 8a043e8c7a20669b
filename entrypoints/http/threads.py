"""Worker threads: use cases are plain synchronous code, and the event loop never waits on them."""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 3.0
"""Seconds after which whoever awaits a call is told to come again, whatever became of it."""

BEGUN_WITHIN = 2.5
"""Seconds that a call may wait for a thread: what is begun later would be done for nobody."""


async def in_time(awaited: Awaitable[T]) -> T:
    """Return what is awaited. Raises Unavailable after PATIENCE, though a thread may be stuck."""
    limit = asyncio.timeout(PATIENCE)
    try:
        async with limit:
            return await awaited
    except TimeoutError:
        if limit.expired():
            raise Unavailable from None
        raise


class WorkerThreads:
    """A bounded pool with a bounded queue: what does not fit is refused, not delayed for ever."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + queue
        self._counting = threading.Lock()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises Unavailable if there is no room or time for it.

        A call that was begun goes on to its end, also when nobody waits for it any more: it may
        have changed something, and who comes again finds that.
        """
        with self._counting:
            if self._room <= 0:
                raise Unavailable
            self._room -= 1
        deadline = time.monotonic() + BEGUN_WITHIN

        def begin() -> T:
            if time.monotonic() > deadline:
                raise Unavailable
            return call(*args, **kwargs)

        try:
            work = self._executor.submit(begin)
        except RuntimeError:  # closed, or no thread could be started: then it stands in line still
            deadline = -math.inf
            self._make_room(None)
            raise Unavailable from None
        work.add_done_callback(self._make_room)
        return await in_time(asyncio.wrap_future(work))

    def _make_room(self, _: object) -> None:
        with self._counting:
            self._room += 1

    def close(self) -> None:
        """Wait for what was begun, and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
