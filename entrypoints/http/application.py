"""The application as the HTTP edge calls it: use cases of one container, in worker threads."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ParamSpec, TypeAlias, TypeVar

from application.flows import Providers
from domain.access import Caller, Machine, MachineKeyId, Origin
from domain.errors import BasaltError, Unavailable
from entrypoints.container import Container, Glances
from entrypoints.http.bodies import Bodies, room_for_bodies
from entrypoints.http.feeds import Feeds
from entrypoints.http.gathering import Gathering
from entrypoints.http.threads import WorkerThreads
from entrypoints.http.trying import persistent
from entrypoints.http.writer import Writer
from entrypoints.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

UseCase: TypeAlias = Callable[[Container], Callable[[], Callable[P, T]]]
"""Names a use case: `lambda use: use.read_item`."""

QUEUE = 1024
"""Calls that may wait for a thread of each kind; how long they may, the threads' own limit says."""

LOST_WITHIN = 0.25
"""Seconds within which a look that fails may be taken again: nobody waits twice."""


class Application:
    """The use cases. They are plain synchronous code, so the event loop only ever awaits them."""

    def __init__(self, container: Container, settings: Settings) -> None:
        self.container = container
        self.settings = settings
        self.feeds = Feeds()
        self.bodies = Bodies(room_for_bodies(settings.max_body_bytes))
        self.is_stopping = False
        self._noting: dict[MachineKeyId, asyncio.Task[None]] = {}
        self._glances: Any = None  # Glances, which pass for the container they are made from
        self._writer: Writer | None = None
        self._callers: Gathering[tuple[str, Origin], Caller] | None = None
        self._threads = WorkerThreads("worker", threads=settings.threads, queue=QUEUE)
        self._hashing_threads = WorkerThreads("hashing", threads=settings.hashers, queue=QUEUE)

    async def identify(self, token: str, origin: Origin) -> Caller:
        """Say who is calling. Raises NotAuthenticated, Unavailable."""
        use = self.container
        is_at_hand = use.access_tokens().is_at_hand(token)
        if is_at_hand and self._callers is not None:
            return await self._callers.answer((token, origin))
        if is_at_hand or use.machine_key_texts().is_one(token):
            caller = await self.look(lambda use: use.identify, token, origin)
        else:
            caller = await self.run(lambda use: use.identify, token, origin)
        self.note_use(caller)
        return caller

    async def _identify_many(
        self, calls: Sequence[tuple[str, Origin]]
    ) -> Sequence[Caller | BasaltError]:
        """Look anew if the look failed at once: one lost connection is not to fail all of them."""
        begun = time.monotonic()
        try:
            return await self.run(lambda use: use.identify_many, calls)
        except Unavailable:
            if time.monotonic() - begun > LOST_WITHIN:
                raise
        return await self.run(lambda use: use.identify_many, calls)

    def note_use(self, caller: Caller) -> None:
        """Note beside the request that a key is used, if that is news: nobody waits for it.

        What cannot be stored now is noted with a later use.
        """
        if not isinstance(caller, Machine) or not caller.is_news or caller.key_id in self._noting:
            return

        async def note() -> None:
            with suppress(BasaltError):
                await self.change(lambda use: use.note_key_use, caller)

        task = self._noting[caller.key_id] = asyncio.create_task(note())
        task.add_done_callback(lambda _: self._noting.pop(caller.key_id))

    async def settle(self) -> None:
        """Wait for what goes on beside the requests, and let go of identity providers."""
        if self._noting:
            await asyncio.wait(list(self._noting.values()))
        for provider in self.providers.by_name.values():
            await provider.close()

    @property
    def providers(self) -> Providers:
        """The identity providers. They are far away, so the event loop itself awaits them."""
        found: Providers = self.container.identity_providers()
        return found

    async def look(self, select: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case that looks at one thing, or a few in a row: at a glance where possible.

        On SQLite such a look takes hardly more than the hop to a thread. It never waits: where
        the file is locked, a thread does.
        """
        is_swapped = getattr(select(self.container), "overridden", ())
        if self._glances is None or is_swapped:
            return await self.run(select, *args, **kwargs)
        try:
            seen: T = select(self._glances)()(*args, **kwargs)
        except Unavailable:
            return await self.run(select, *args, **kwargs)
        return seen

    async def run(self, select: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case, anew if it lost to another. Raises what it raises, and Unavailable.

        Its story is one unit of work, so that nothing of it is stored when it lost; or it begins
        with a count, to which one too many does no harm.
        """
        return await self._threads.run(persistent(select(self.container)()), *args, **kwargs)

    async def change(self, select: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, for one that changes what is stored: with others who do, where that helps."""
        if self._writer is None:
            return await self.run(select, *args, **kwargs)
        return await self._writer.run(select(self.container)(), *args, **kwargs)

    async def run_hashing(self, select: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, for one that hashes passwords: a flood of those delays nobody else.

        It is not run anew: it counts an attempt first, and would count it twice, and hash twice.
        """
        return await self._hashing_threads.run(select(self.container)(), *args, **kwargs)

    def prepare(self) -> None:
        """Make ready for the first request. Raises StoreUnfit, Unavailable."""
        self.container.prepare_store()()
        self.container.prepare_keys()()
        store = self.container.store()
        if store.is_embedded:
            self._glances = Glances(self.container)
            self._writer = Writer(store.together, queue=QUEUE)
        else:
            self._callers = Gathering(self._identify_many)
        self.container.hasher()
        self.container.identity_providers()

    def stop(self) -> None:
        """Begin to stop: say that no more requests are wanted, and end streams politely."""
        self.is_stopping = True
        self.feeds.wake_all()

    async def is_ready(self) -> bool:
        """Whether requests can be served now."""
        return not self.is_stopping and await self._threads.run(self.container.schema().is_current)

    def close(self) -> None:
        """Finish what was begun, and close the database."""
        if self._writer is not None:
            self._writer.close()
        self._threads.close()
        self._hashing_threads.close()
        self.container.database().close()
