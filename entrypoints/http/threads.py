"""Worker threads: use cases are plain synchronous code, and the event loop never waits on them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads:
    """A bounded pool with a bounded queue: what does not fit is refused at once, not delayed."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + queue

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises Unavailable if there is no room for it.

        A call that was begun goes on to its end, also when nobody waits for it any more.
        """
        if self._room <= 0:
            raise Unavailable
        self._room -= 1
        work = asyncio.get_running_loop().run_in_executor(
            self._executor, partial(call, *args, **kwargs)
        )
        work.add_done_callback(self._make_room)
        return await work

    def _make_room(self, _: object) -> None:
        self._room += 1

    def close(self) -> None:
        """Wait for what was begun, and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
