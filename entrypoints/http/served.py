"""The application as `basalt serve` runs it: with a polite end."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

from fastapi import FastAPI

from entrypoints.http.app import create_app
from entrypoints.http.application import Application

_COLLECTOR_THRESHOLDS = (10_000, 20, 50)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def served_app() -> FastAPI:
    """Return the application as each worker serves it: with a polite end."""
    app = create_app()
    begin_and_end = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[None]:
        async with begin_and_end(served):
            _spare_the_collector()
            with _polite_end(app.state.application):
                yield

    app.router.lifespan_context = lifespan
    return app


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what was made at the start, and look less often.

    That is hundreds of thousands of objects that stay; looking at them took a tenth of the time
    of a request that creates something.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


@contextmanager
def _polite_end(application: Application) -> Iterator[None]:
    """Say first that the service is not ready any more, and only then let the server stop.

    That gives load balancers BASALT_DRAIN_DELAY to send no more. A second signal does not wait.
    """
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in _SIGNALS}

    def end(number: int, frame: FrameType | None) -> None:
        servers_handler = servers[signal.Signals(number)]
        if not callable(servers_handler):
            return
        if application.is_stopping:
            servers_handler(number, frame)
            return
        loop.call_soon_threadsafe(application.stop)
        loop.call_soon_threadsafe(
            loop.call_later, application.settings.drain_delay, servers_handler, number, None
        )

    for number in _SIGNALS:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in servers.items():
            signal.signal(number, handler)
