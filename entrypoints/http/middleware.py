"""What is true of every request and every answer, whatever its route, in pure ASGI layers.

From outside in: `Edge` gives a request its id and its origin, turns HEAD into GET, adds the
headers of every answer, and writes the access log. `Cors` says which pages may read answers.
`Guard` refuses what is not looked at, and answers what nobody caught.
"""

import logging
import re
import time
from secrets import token_hex

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.access import USER_AGENT_MAX, Origin
from domain.errors import BasaltError, TooManyAttempts
from entrypoints.http.addresses import Networks, client_address
from entrypoints.http.errors import InternalError, PayloadTooLarge, answer
from entrypoints.http.exchange import KEY, Exchange
from entrypoints.http.request_limit import RequestLimit
from entrypoints.logs import Event, safe

access_log = logging.getLogger("basalt.access")
error_log = logging.getLogger("basalt.http")

_USUAL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PATH_SHOWN = 500
"""Characters of a path that the access log shows."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Edge:
    """The outermost layer: what a request is known by, and what every answer has."""

    def __init__(self, app: ASGIApp, *, trusted: Networks) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = scope["method"]
        exchange = self._exchange(scope, asked)
        scope[KEY] = exchange
        if asked == "HEAD":
            scope = {**scope, "method": "GET"}  # the server's own says what was asked
        answered = _Answered(send, exchange.origin.request_id or "", without_body=asked == "HEAD")
        try:
            await self._app(scope, receive, answered.send)
        finally:
            _log(scope, exchange, asked, answered.status, time.perf_counter() - started)

    def _exchange(self, scope: Scope, method: str) -> Exchange:
        seen = _Seen(scope["headers"])
        client = scope.get("client")
        origin = Origin(
            address=client_address(client[0] if client else None, seen.forwarded, self._trusted),
            user_agent=seen.user_agent,
            request_id=seen.request_id or token_hex(16),
        )
        return Exchange(origin, method, seen.content_length)


class Guard:
    """The layer that refuses what is not even looked at, and answers what nobody caught."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, request_limit: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._request_limit = RequestLimit(request_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange: Exchange = scope[KEY]
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            refusal = self._refusal(scope, exchange)
            await (answer(refusal) if refusal else self._app)(scope, receive, noting)
        except Exception:
            request_id = exchange.origin.request_id or ""
            error_log.exception(
                "unhandled error", extra={"request_id": request_id, "path": scope["path"]}
            )
            if begun:
                raise  # half an answer is out: all that is left is to break the connection
            await answer(InternalError(request_id))(scope, receive, send)

    def _refusal(self, scope: Scope, exchange: Exchange) -> BasaltError | None:
        if exchange.content_length > self._max_body_bytes:
            return PayloadTooLarge()
        if scope["path"].startswith("/health/"):
            return None
        wait = self._request_limit.wait_for(exchange.origin.address)
        return TooManyAttempts(wait) if wait else None


def last_words(error: BasaltError) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return the answer to what never became a request: complete, and the connection's last."""
    response = answer(error)
    ending = (b"x-request-id", token_hex(16).encode()), (b"connection", b"close")
    return response.status_code, [*response.raw_headers, *_ALWAYS, *ending], bytes(response.body)


class _Seen:
    """The few request headers that the edge looks at."""

    __slots__ = ("content_length", "forwarded", "request_id", "user_agent")

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.content_length = 0
        self.forwarded = ""
        self.request_id: str | None = None
        self.user_agent: str | None = None
        for name, value in headers:
            if name == b"user-agent":
                self.user_agent = value.decode("latin-1")[:USER_AGENT_MAX]
            elif name == b"content-length":
                self.content_length = int(value) if value.isdigit() else 0
            elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                self.request_id = value.decode("ascii")
            elif name == b"x-forwarded-for":
                lines = value.decode("latin-1")
                self.forwarded = f"{self.forwarded},{lines}" if self.forwarded else lines


class _Answered:
    """Sends an answer with the headers that every answer has, and remembers its status."""

    __slots__ = ("_request_id", "_send", "_without_body", "status")

    def __init__(self, send: Send, request_id: str, *, without_body: bool) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self._without_body = without_body
        self.status = 0

    async def send(self, message: Message) -> None:
        """Send one message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            headers.extend(pair for pair in _ALWAYS if pair[0] not in present)
            headers.append((b"x-request-id", self._request_id))
            message = {**message, "headers": headers}
        elif self._without_body and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _log(scope: Scope, exchange: Exchange, method: str, status: int, seconds: float) -> None:
    if not access_log.isEnabledFor(logging.INFO):
        return
    caller = exchange.caller
    fields = {
        "request_id": exchange.origin.request_id,
        "method": method if method in _USUAL_METHODS else safe(method),
        "route": getattr(scope.get("route"), "path", None),
        "path": safe(scope["path"][:_PATH_SHOWN]),
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "user_id": None if caller is None else str(caller.user_id),
        "address": exchange.origin.address,
    }
    access_log.handle(Event(access_log.name, "request", fields))


class Cors(CORSMiddleware):
    """Cross-origin requests from exactly the origins that are listed (Fetch standard §3.2)."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a preflight: 204, and without any permission where it is refused."""
        decided = super().preflight_response(request_headers)
        granted = decided.status_code < 400  # noqa: PLR2004  # what the library answers refusals with
        kept = {
            name: value
            for name, value in decided.headers.items()
            if name == "vary" or (granted and name.startswith("access-control-"))
        }
        return Response(status_code=204, headers=kept)
