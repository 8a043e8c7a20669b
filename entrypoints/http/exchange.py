"""What is known of one request and its answer, from the first byte to the access log."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from domain.access import Caller, Origin

KEY = "basalt.exchange"
"""Where an exchange stands in the ASGI scope."""


@dataclass(slots=True)
class Exchange:
    """One request: where it came from, and who is calling once that is known."""

    origin: Origin
    method: str = "GET"
    content_length: int = 0
    caller: Caller | None = None


def exchange_of(request: HTTPConnection) -> Exchange:
    """Return the exchange of a request."""
    found: Exchange = request.scope[KEY]
    return found
