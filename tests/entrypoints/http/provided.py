"""An app with a provider beside it, and people who come by it."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.entrypoints.http.api import Api, Person, Start
from tests.provider import CLIENT_ID, CLIENT_SECRET, PlayedProvider, returned

BACK = "https://app.example.com/back"
ADA: dict[str, Any] = {"sub": "1234", "email": "ada@example.com", "email_verified": True}
MALLORY = ADA | {"sub": "666"}
PATH = "/v1/auth/providers/played"
IDENTITIES = "/v1/users/me/identities"

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here, and every client would read all authorities."""


def settings_for(played: PlayedProvider, **changes: Any) -> dict[str, Any]:
    """Return the settings of a service that knows the provider, under two names."""
    own = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return {
        "redirect_uris": f"{BACK},https://app.example.com/",
        "providers": {
            "played": own | {"issuer": played.issuer, "trust_email": "on"},
            "hub": own
            | {"kind": "github", "issuer": played.issuer.replace("127.0.0.1", "localhost")},
        },
    } | changes


@dataclass(frozen=True, slots=True)
class Provided:
    """The app, the provider, and a browser between them."""

    api: Api
    played: PlayedProvider
    nobody: httpx.AsyncClient
    browser: httpx.Client

    async def begun(self, path: str = PATH) -> dict[str, str]:
        """Begin a flow."""
        answer = await self.nobody.post(f"{path}/flows", json={"redirect_uri": BACK})
        assert answer.status_code == 201, answer.text
        flow: dict[str, str] = answer.json()
        return flow

    async def back(self, person: dict[str, Any] = ADA, path: str = PATH) -> dict[str, str]:
        """Go to the provider and come back; return what is to be sent then."""
        flow = await self.begun(path)
        return {"flow": flow["flow"]} | returned(self.browser, flow["authorization_url"], person)

    async def come(self, person: dict[str, Any] = ADA, path: str = PATH) -> httpx.Response:
        """Sign in by the provider."""
        return await self.nobody.post(f"{path}/token", json=await self.back(person, path))

    async def arrive(self, person: dict[str, Any] = ADA, path: str = PATH) -> Person:
        """Sign in by the provider; return who that is here."""
        answer = await self.come(person, path)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        return Person(person["email"], tokens, await self.api.bearer(tokens["access_token"]))

    async def link(self, someone: Person, person: dict[str, Any] = ADA) -> httpx.Response:
        """Link an identity to somebody's account."""
        return await someone.http.post(IDENTITIES, json=await self.back(person))


@asynccontextmanager
async def provided(
    start: Start, played: PlayedProvider, **settings: Any
) -> AsyncIterator[Provided]:
    """Run an app that knows a provider."""
    async with start(**settings_for(played, **settings)) as api:
        played.now = lambda: api.clock().timestamp()
        with httpx.Client(verify=NO_TLS) as browser:
            yield Provided(api, played, await api.client(), browser)


def named(data: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the providers and subjects of identities."""
    for each in data:
        yield each["provider"], each["subject"]
