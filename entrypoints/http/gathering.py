"""Asking for many at once: those who ask in the same turn of the event loop go there together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from domain.errors import BasaltError

Q = TypeVar("Q")
A = TypeVar("A")

AT_ONCE = 64
"""Questions that go together: nobody waits for the answers of many more than these."""

Ask = Callable[[Sequence[Q]], Awaitable[Sequence[A | BasaltError]]]
"""Answers questions in their order; a refusal of one of them is its answer."""


class Gathering(Generic[Q, A]):
    """Gathers the questions of one turn of an event loop. Nobody waits longer for that."""

    def __init__(self, ask: Ask[Q, A]) -> None:
        self._ask = ask
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: list[tuple[Q, asyncio.Future[A]]] = []
        self._asking = set[asyncio.Task[None]]()

    async def answer(self, question: Q) -> A:
        """Return the answer. Raises what it is refused with, or what all of them are."""
        loop = asyncio.get_running_loop()
        if not self._open or len(self._open) >= AT_ONCE or loop is not self._loop:
            self._loop, self._open = loop, []
            loop.call_soon(self._go, self._open)
        awaited: asyncio.Future[A] = loop.create_future()
        self._open.append((question, awaited))
        return await awaited

    def _go(self, gathered: list[tuple[Q, asyncio.Future[A]]]) -> None:
        if gathered is self._open:
            self._open = []
        task = asyncio.create_task(self._tell(gathered))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _tell(self, gathered: list[tuple[Q, asyncio.Future[A]]]) -> None:
        answers: Sequence[A | BaseException]
        try:
            answers = await self._ask([question for question, _ in gathered])
        except Exception as failure:  # noqa: BLE001  # whoever asked is told
            answers = [failure] * len(gathered)
        for (_, awaited), answer in zip(gathered, answers, strict=True):
            if awaited.done():
                continue  # whoever asked has gone
            if isinstance(answer, BaseException):
                awaited.set_exception(answer)
            else:
                awaited.set_result(answer)
