"""How the server hears requests: their heads are bounded in size, and they end where they end.

uvicorn leaves the size of a head to the reverse proxy, takes any number of hosts, takes what
follows a body in chunks for headers (RFC 9110 §6.5.1 forbids that), and loses the body of a
request that offers an upgrade: its bytes could even pass for another request.
"""

from types import SimpleNamespace
from typing import Any

import httptools

from entrypoints.cli.connection import Connection

HEAD_BYTES_MAX = 32_768
"""Bytes of a target and its headers together, and of what is no body where one should be."""

HEADERS_MAX = 100
"""Headers of a request, and lines behind its body."""

_FRAMING = (b"content-length", b"transfer-encoding")


class _NoRequest(Exception):
    """A head, or what stands behind a body, is too large; or a head names no host, or two."""


class Hearing(Connection):
    """One connection, and the requests that come on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_offer = False
        self._unfinished = 0

    def data_received(self, data: bytes) -> None:
        """Hear bytes: the rest of a head, of a body, or the next request."""
        self._unset_keepalive_if_required()
        if self._is_deaf:
            return
        self._unfinished += len(data)
        try:
            self.parser.feed_data(data)
            if self._unfinished > HEAD_BYTES_MAX:  # bytes of which nothing has come yet
                raise _NoRequest
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except (httptools.HttpParserError, _NoRequest):
            self._break_off()
        self._watch()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._part = "head"
        self._unfinished = 0

    def on_headers_complete(self) -> None:
        """Begin to answer, and take no headers any more."""
        self._unfinished = 0
        self._check_head()
        super().on_headers_complete()
        self._part = "body"
        self.headers = []  # what stands behind the body ends up here, and is not looked at
        if self.parser.should_upgrade():
            self._has_offer = True
            self.cycle.keep_alive = False

    def _check_head(self) -> None:
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value)
            hosts += name == b"host"
        if size > HEAD_BYTES_MAX or len(self.headers) > HEADERS_MAX:
            raise _NoRequest
        if hosts != 1 and (hosts or self.parser.get_http_version() != "1.0"):  # RFC 9112 §3.2
            raise _NoRequest

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body; where an upgrade was offered, the parser has not looked at it yet."""
        self._unfinished = 0
        if len(self.headers) > HEADERS_MAX:
            raise _NoRequest
        if not self._has_offer:
            self._part = ""
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
