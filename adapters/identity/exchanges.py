"""Talking with a provider within bounds: of time, of size, of number, and of where to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from adapters.identity.connections import GuardedTransport, TooMuch
from adapters.identity.network import Reach
from domain.errors import InvalidIdentity, ProviderUnavailable

PATIENCE = 5.0
"""Seconds for all that one sign-in asks of a provider."""

CONNECT_WITHIN = 2.0
ANSWER_MAX = 131_072
"""Bytes of a body, which is read in one turn: the largest lists of keys have a fifth of that."""

PIECES_MAX = 4096
AT_ONCE = 32
"""Exchanges with one provider at one time: a slow one takes no more room than this."""

FAILURES = (
    httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpx.HTTPError,
    httpx.InvalidURL, OSError, ValueError, OverflowError,
)  # fmt: skip
"""What goes wrong with a provider that is broken or not there; a TimeoutError is among them."""

OK = 200
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "basalt"}


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider answered: the status, and the JSON of the body or None if it is none."""

    status: int
    json: Any


class Exchanges:
    """The way to one provider. Whatever goes wrong on it is ProviderUnavailable, and soon.

    The cause, also that of an InvalidIdentity, is for the operator's log: it names the provider
    and the kind of failure, and repeats nothing that was sent or received.
    """

    def __init__(
        self, name: str, reach: Reach, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._name = name
        self._reach = reach
        self._under_way = 0
        self._client = httpx.AsyncClient(
            transport=transport or GuardedTransport(reach, connections=AT_ONCE),
            timeout=httpx.Timeout(PATIENCE, connect=CONNECT_WITHIN),
            headers=_HEADERS,
            follow_redirects=False,
            trust_env=False,
        )
        no_cookies = DefaultCookiePolicy(
            allowed_domains=()
        )  # nothing goes from one visit to another
        self._client.cookies.jar.set_policy(no_cookies)

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Bound what is asked within, all of it together."""
        if self._under_way >= AT_ONCE:
            raise self.failed("too many at once")
        self._under_way += 1
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError:
            raise self.failed("too slow") from None
        except FAILURES as failure:
            raise self.failed(type(failure).__name__) from failure
        except InvalidIdentity as refusal:
            raise InvalidIdentity(f"provider {self._name}: {refusal.cause}") from None
        finally:
            self._under_way -= 1

    def failed(self, cause: str) -> ProviderUnavailable:
        """Return the error for what the provider did wrong."""
        return ProviderUnavailable(f"provider {self._name}: {cause}")

    def checked(self, url: str) -> str:
        """Return a URL if a provider may be there. Raises ProviderUnavailable."""
        try:
            is_allowed = self._reach.allows_url(httpx.URL(url))
        except httpx.InvalidURL:
            is_allowed = False
        if not is_allowed:
            raise self.failed("an address that may not be asked")
        return url

    async def get(self, url: str, token: str | None = None) -> Said:
        """Ask for something, with an access token if it takes one."""
        return await self._said("GET", url, None, _bearer(token))

    async def post(self, url: str, form: str, headers: Mapping[str, str]) -> Said:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._said("POST", url, form.encode(), {**headers, **kind})

    async def needed(self, url: str, token: str | None = None) -> Any:
        """Return what is at a place where there has to be JSON. Raises ProviderUnavailable."""
        said = await self.get(url, token)
        if said.status != OK or said.json is None:
            raise self.failed(f"status {said.status}" if said.status != OK else "no JSON")
        return said.json

    async def _said(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Said:
        asked = self._client.stream(
            method, self.checked(url), content=content, headers=dict(headers)
        )
        async with asked as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise self.failed("an encoding that was not asked for")
            body, pieces = bytearray(), 0
            async for piece in answer.aiter_raw():
                body += piece
                pieces += 1
                if len(body) > ANSWER_MAX or pieces > PIECES_MAX:
                    raise TooMuch
        return Said(answer.status_code, _json(bytes(body)))

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _bearer(token: str | None) -> Mapping[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
