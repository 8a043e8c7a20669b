"""A call that a thread does for somebody who awaits it on the event loop."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 3.0
"""Seconds after which whoever awaits a call is told to come again, whatever became of it."""

BEGUN_WITHIN = 2.5
"""Seconds that a call may wait for a thread: what is begun later would be done for nobody."""


@dataclass(slots=True)
class Job:
    """A call, who awaits what comes of it, and until when it may begin."""

    call: Callable[[], Any]
    awaited: "asyncio.Future[Any]"
    deadline: float
    result: Any = None
    failure: BaseException | None = None

    @classmethod
    def of(cls, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Return a call that is awaited on this event loop."""
        awaited = asyncio.get_running_loop().create_future()
        return cls(partial(call, *args, **kwargs), awaited, time.monotonic() + BEGUN_WITHIN)

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; whoever waited too long is told to come again."""
        if time.monotonic() > self.deadline:
            self.failure = Unavailable()
        return self.failure is None and self.is_awaited

    @property
    def is_awaited(self) -> bool:
        """Whether nobody was told yet, nor has gone."""
        return not self.awaited.done()

    def do(self) -> None:
        """Do it, perhaps anew, and keep what came of it."""
        self.failure = None
        try:
            self.result = self.call()
        except StopIteration as failure:
            self.failure = RuntimeError(f"{failure!r} cannot be told to whoever awaits")
        except Exception as failure:  # noqa: BLE001  # whoever awaits it is told
            self.failure = failure

    def refuse(self, cause: str | None = None) -> None:
        """Let whoever awaits it be told to come again."""
        self.failure = Unavailable(cause)

    async def outcome(self) -> Any:
        """Return what came of it. Raises Unavailable after PATIENCE, though a thread is stuck."""
        loop = self.awaited.get_loop()
        limit = loop.call_later(PATIENCE, self._give_up)
        try:
            return await self.awaited
        finally:
            limit.cancel()

    def _give_up(self) -> None:
        if not self.awaited.done():
            self.awaited.set_exception(Unavailable())

    def tell(self) -> None:
        """Tell whoever awaits it, if they still do."""
        if self.awaited.done():
            return
        if self.failure is None:
            self.awaited.set_result(self.result)
        else:
            self.awaited.set_exception(self.failure)
