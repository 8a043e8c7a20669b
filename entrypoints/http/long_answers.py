"""Answers that are written while they are sent, of which nobody may take a part for the whole."""

import logging

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from domain.errors import BasaltError, Unavailable
from entrypoints.http.exchange import exchange_of

log = logging.getLogger("basalt.http")


class LongAnswer(StreamingResponse):
    """An answer that breaks off when a rule is broken on the way.

    What was begun with 200 cannot become an error. Without its last chunk (RFC 9112 §8) the server
    closes the connection, and every client sees that something is missing.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or what there is of it."""
        try:
            await super().__call__(scope, receive, send)
        except BasaltError as error:
            cause = (error.cause if isinstance(error, Unavailable) else None) or error.code
            known_by = exchange_of(Request(scope)).origin.request_id
            log.warning("answer broken off", extra={"cause": cause, "request_id": known_by})
