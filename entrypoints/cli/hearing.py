"""How the server hears requests: their heads are bounded in size and time, and end where they end.

uvicorn leaves the size of a head, its time and the number of connections to the reverse proxy,
takes what follows a body in chunks for headers (RFC 9110 §6.5.1 forbids that), and loses the body
of a request that offers an upgrade: its bytes could even pass for another request.
"""

import asyncio
import resource
from types import SimpleNamespace
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from domain.errors import BasaltError, Unavailable
from entrypoints.http.errors import MalformedRequest
from entrypoints.http.middleware import last_words

HEAD_BYTES_MAX = 32_768
"""Bytes of a target and its headers together, and of what is no body where one should be."""

HEADERS_MAX = 100
"""Headers of a request, and lines behind its body."""

_FRAMING = (b"content-length", b"transfer-encoding")
_SPARE_FILES = 256  # for the database, logs and what else a worker opens
_CONNECTIONS_MAX = 10_000


def room_for_connections() -> int:
    """Return how many connections a worker keeps: as the limit on open files allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _CONNECTIONS_MAX
    return min(max(files - _SPARE_FILES, files // 2), _CONNECTIONS_MAX)


class _TooMuch(Exception):
    """A head, or what stands behind a body, is too large."""


class Hearing(HttpToolsProtocol):
    """One connection.

    Whoever takes longer than `patience` seconds over a head is cut off; an idle connection between
    two requests has uvicorn's own, longer time. A connection beyond `room` is told to come again.
    """

    def __init__(self, *args: Any, patience: float, room: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = patience
        self._room = room
        self._deadline: asyncio.TimerHandle | None = None
        self._is_deaf = False
        self._is_in_head = False
        self._has_offer = False
        self._unfinished = 0

    # ------------------------------------------------------------------------------ a connection
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, if there is room: even an idle connection takes a file."""
        super().connection_made(transport)
        if len(self.connections) > self._room:
            self._refuse(Unavailable())
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._drop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hear bytes: the rest of a head, of a body, or the next request."""
        self._unset_keepalive_if_required()
        if self._is_deaf:
            return
        self._unfinished += len(data)
        try:
            self.parser.feed_data(data)
            if self._unfinished > HEAD_BYTES_MAX:  # bytes of which nothing has come yet
                raise _TooMuch
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except (httptools.HttpParserError, _TooMuch):
            self._refuse(MalformedRequest())
        self._watch()

    def _watch(self) -> None:
        """Let the clock run while a head is awaited, or for the end of the connection."""
        if self._is_deaf or self._is_in_head or self._answering is None:
            self._set_deadline()
        else:
            self._drop_deadline()

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._patience, self._cut_off)

    def _drop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            self.transport.abort()  # nobody takes the last words
        elif self._answering is not None:
            self._set_deadline()  # the request before is answered first
        elif self._is_in_head:
            self._refuse(MalformedRequest())
        else:
            self.transport.close()

    def _refuse(self, error: BasaltError) -> None:
        """Say why, unless half an answer is out already, and end the connection."""
        self._is_deaf = True
        self.logger.info("refused what is no request: %s", error.code)
        if not self.transport.is_closing():
            if self._answering is None or not self._answering.response_started:
                self.transport.write(self._last_words(error))
            self.transport.close()
            self._set_deadline()

    @property
    def _answering(self) -> RequestResponseCycle | None:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # there is none at first
        return None if cycle is None or cycle.response_complete else cycle

    def _last_words(self, error: BasaltError) -> bytes:
        status, headers, body = last_words(error)
        lines = (b"%b: %b\r\n" % line for line in (*self.server_state.default_headers, *headers))
        return STATUS_LINE[status] + b"".join(lines) + b"\r\n" + body

    # --------------------------------------------------------------------------------- a request
    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._unfinished = 0

    def on_headers_complete(self) -> None:
        """Begin to answer, and take no headers any more."""
        self._is_in_head = False
        self._unfinished = 0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES_MAX or len(self.headers) > HEADERS_MAX:
            raise _TooMuch
        super().on_headers_complete()
        self.headers = []  # what stands behind the body ends up here, and is not looked at
        if self.parser.should_upgrade():
            self._has_offer = True
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body; where an upgrade was offered, the parser has not looked at it yet."""
        self._unfinished = 0
        if len(self.headers) > HEADERS_MAX:
            raise _TooMuch
        if not self._has_offer:
            super().on_message_complete()

    def _decline(self, rest: bytes) -> None:
        """Stay with HTTP/1.1 (RFC 9110 §7.8): another parser reads the body, then nothing more."""
        self._has_offer = False
        listener = SimpleNamespace(on_body=self.on_body, on_message_complete=self._end)
        self.parser = httptools.HttpRequestParser(listener)
        framing = (line for line in self.scope["headers"] if line[0] in _FRAMING)
        head = b"".join(b"%b: %b\r\n" % line for line in framing)
        self.data_received(b"POST / HTTP/1.1\r\n%b\r\n" % head + rest)

    def _end(self) -> None:
        self.on_message_complete()
        self._is_deaf = True
