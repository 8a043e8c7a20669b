"""Visits to a provider that is played within the test."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.identity.exchanges import Exchanges
from adapters.identity.github import GitHubProvider
from adapters.identity.grants import Client
from adapters.identity.network import Reach
from adapters.identity.oidc import OidcProvider
from application.ports.identities import Handshake, IdentityProvider, Reply, Visit
from domain.identity import ProvenIdentity, ProviderName
from tests.provider import CLIENT_ID, CLIENT_SECRET, Answer, PlayedProvider, returned

MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
"""When all of it happens."""

ISSUER = "https://login.example.net"
BACK = "https://app.example.com/back"
ADA = {"sub": "1234", "email": "ada@example.com", "email_verified": True, "name": "Ada"}


@dataclass(slots=True)
class Ticks:
    """Seconds that pass when they are told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Stage:
    """A played provider, and ours that asks it."""

    played: PlayedProvider = field(
        default_factory=lambda: PlayedProvider(ISSUER, now=MOMENT.timestamp)
    )
    ticks: Ticks = field(default_factory=Ticks)
    visit: Visit = field(
        default_factory=lambda: Visit(
            provider=ProviderName("played"),
            redirect_uri=BACK,
            handshake=Handshake(state="a state", nonce="a nonce", verifier="v" * 43),
        )
    )
    headers: list[httpx.Headers] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """Paths at which it never answers."""
    instead: dict[str, Answer] = field(default_factory=dict)
    """Paths with another answer than the provider's."""

    def way(self) -> Exchanges:
        async def answer(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(3600 if request.url.path in self.silent else 0)
            return self._answer(request)

        return Exchanges("played", Reach(), transport=httpx.MockTransport(answer))

    def client(self, secret: str | None = CLIENT_SECRET, **changes: Any) -> Client:
        return Client(id=CLIENT_ID, secret=secret, scopes=("openid", "email"), **changes)

    def oidc(self, secret: str | None = CLIENT_SECRET) -> OidcProvider:
        name, client = ProviderName("played"), self.client(secret)
        return OidcProvider(name, ISSUER, client, self.way(), lambda: MOMENT, self.ticks)

    def github(self, issuer: str = ISSUER) -> GitHubProvider:
        return GitHubProvider(ProviderName("hub"), issuer, self.client(), self.way())

    async def come_back(
        self, provider: IdentityProvider, person: dict[str, Any] = ADA, **changes: Any
    ) -> ProvenIdentity:
        """Go to the provider as this person, and return who it says that was."""
        url = await provider.authorization_url(self.visit)
        with httpx.Client(transport=httpx.MockTransport(self._answer)) as browser:
            back = returned(browser, url, person) | changes
        return await provider.identify(Reply(code=back["code"], issuer=back.get("iss")), self.visit)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.headers.append(request.headers)
        path = request.url.path
        answer = self.instead.get(path) or self.played.answer(
            request.method,
            request.url.raw_path.decode(),
            dict(request.headers),
            request.read(),
        )
        headers = {"Location": answer.location} if answer.location else {}
        return httpx.Response(answer.status, headers=headers, stream=_Stream(answer.body))


class _Stream(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A body in pieces, as it comes over the network."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Any:
        yield self._body

    async def __aiter__(self) -> Any:
        for start in range(0, len(self._body), 65536):
            yield self._body[start : start + 65536]
