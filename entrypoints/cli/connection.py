"""How connections live and end: bounded in number and time, and never in another's answer.

uvicorn leaves the number of connections and the time of a head to the reverse proxy, tells a
request that its client has gone only if no other came in since, and says what it thinks of bytes
that are no request also in the middle of an answer.
"""

import asyncio
import resource
from typing import Any, Literal, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from domain.errors import BasaltError, Unavailable
from entrypoints.cli.saying import Saying
from entrypoints.cli.taking import Taking
from entrypoints.http.errors import MalformedRequest
from entrypoints.http.middleware import last_words

SPARE_FILES = 256
"""Open files that are for the database, logs and what else a worker opens."""

CONNECTIONS_MAX = 10_000
"""Connections that a worker keeps, however many files it may open."""


def room_for_connections() -> int:
    """Return how many connections a worker keeps: as the limit on open files allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return min(max(files - SPARE_FILES, files // 2), CONNECTIONS_MAX)


Part = Literal["", "head", "body"]
"""What of a request is being heard, if anything is."""


class Connection(HttpToolsProtocol):
    """One connection.

    Whoever takes longer than `patience` seconds over a head is cut off; an idle connection between
    two requests has uvicorn's own, longer time. A connection beyond `room` is told to come again.
    What was heard to its end is answered, whatever follows it.
    """

    def __init__(self, *args: Any, patience: float, room: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = patience
        self._room = room
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: Taking
        self._at_work: RequestResponseCycle | None = None
        self._part: Part = ""
        self._is_deaf = False

    # ------------------------------------------------------------------------- beginning and end
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, if there is room: even an idle connection takes a file."""
        super().connection_made(cast("asyncio.Transport", Saying(self.loop, transport)))
        self._taking = Taking(self.loop, transport)
        if len(self.connections) > self._room:
            self._refuse(Unavailable())
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and tell who is at work for it, though another came in since."""
        self._drop_deadline()
        self._taking.rest()
        if self._at_work is not None and not self._at_work.response_complete:
            _tell_gone(self._at_work)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stay for an answer that has not begun: the peer says no more, and may listen still.

        One that has begun may be a stream, whose reader has gone; nothing else tells.
        """
        self._is_deaf = True
        if not self._part and self._answering is not None:
            self._answering.keep_alive = False
            if self._at_work is not None and not self._at_work.response_started:
                return True
        self._close()
        return False

    def _break_off(self) -> None:
        """Hear no more; answer what was heard to its end, then end the connection."""
        self._is_deaf = True
        if self._part == "body" and not self.pipeline:
            self._give_up(self.cycle)
            return
        if self._part == "body":
            self.pipeline.popleft()  # nobody has seen it yet
            before = self.pipeline[0][0] if self.pipeline else self._at_work
            self.cycle = cast("RequestResponseCycle", before)
        if self._answering is None:
            self._refuse(MalformedRequest())
        else:
            self._answering.keep_alive = False

    def _give_up(self, cycle: RequestResponseCycle) -> None:
        """End a request that is at work, and that nobody will ever hear to its end."""
        if cycle.response_started:
            self._close()
        else:
            _tell_gone(cycle)
            self._refuse(MalformedRequest())

    def _refuse(self, error: BasaltError) -> None:
        """Say why, and end the connection."""
        self._is_deaf = True
        self.logger.info("refused what is no request: %s", error.code)
        if not self.transport.is_closing():
            self.transport.write(self._last_words(error))
            self._close()

    def _last_words(self, error: BasaltError) -> bytes:
        status, headers, body = last_words(error)
        lines = (b"%b: %b\r\n" % line for line in (*self.server_state.default_headers, *headers))
        return STATUS_LINE[status] + b"".join(lines) + b"\r\n" + body

    def _close(self) -> None:
        """End the connection when the peer has taken what was said, if it takes it at all."""
        self.transport.close()
        self._taking.watch()

    # ------------------------------------------------------------------------------------ clocks
    def _watch(self) -> None:
        """Let the right clock run: for what must come in time, or for the next request."""
        is_answered = self._answering is None
        if self._is_deaf:
            self._drop_deadline()
        elif self._part == "head" or (is_answered and self._part == "body"):
            self._set_deadline()
        elif self.cycle is not None:  # else the first request is awaited, and the clock runs
            self._drop_deadline()
            if is_answered and self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._patience, self._cut_off)

    def _drop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        self._deadline = None
        if not self._part:
            self._close()
        else:
            self._break_off()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that was idle for too long."""
        self._close()

    def pause_writing(self) -> None:
        """Look whether the peer takes anything, while there is too much for it to go on."""
        super().pause_writing()
        self._taking.watch()

    def resume_writing(self) -> None:
        """Go on, for the peer has taken enough; after the end it has to take all of it."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._taking.rest()

    # ----------------------------------------------------------------------------------- answers
    @property
    def _answering(self) -> RequestResponseCycle | None:
        """The last request, if its answer is not complete."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # there is none at first
        return None if cycle is None or cycle.response_complete else cycle

    def on_response_complete(self) -> None:
        """Answer the next request, or wait for it; or see that the last answer is taken."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._taking.watch()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._at_work = cycle
        super()._start_asgi_task(cycle, self._seen_out(cycle, app))

    def _seen_out(self, cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
        """Return the application with the connection ended where its answer breaks off.

        Whoever breaks one off has said why. uvicorn would call that an error, and wait for ever
        for a peer that does not take what there is of it.
        """

        async def seen_out(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            if cycle.response_started and not cycle.response_complete and not cycle.disconnected:
                _tell_gone(cycle)
                self._close()

        return seen_out


def _tell_gone(cycle: RequestResponseCycle) -> None:
    """Tell who is at work that the client has gone: what is sent from now on goes nowhere."""
    cycle.disconnected = True
    cycle.message_event.set()
