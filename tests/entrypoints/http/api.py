"""The API as the tests call it: an app of its own, a clock to set, and people who sign in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx
import pytest
from fastapi import FastAPI

from domain.access import Role
from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.route import StrictRoute
from entrypoints.settings import Settings
from tests.entrypoints.http.promises import check

PASSWORD = "an orchard of quiet lamps"
JSON = {"Content-Type": "application/json"}
NOWHERE = "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5d"
"""The id of nothing."""

EVERY_DATABASE = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
"""Runs a test on every database; without it, it runs on SQLite."""


class ByFramework(StrictRoute):
    """A route that is left to the framework, whatever it asks for."""

    _planned = None


@dataclass(slots=True)
class Clock:
    """The time, as much later as a test likes."""

    now: Callable[[], datetime]
    later: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.now() + self.later

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.later += timedelta(seconds=seconds)

    def stop_at(self, moment: datetime) -> None:
        """Let no time pass from that moment on."""
        self.now, self.later = lambda: moment, timedelta()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, signed in."""

    email: str
    tokens: dict[str, Any]
    http: httpx.AsyncClient

    async def id(self) -> str:
        """Return the id of the account."""
        found: str = (await self.http.get("/v1/users/me")).json()["id"]
        return found

    async def item(self, title: str = "Lamp oil", **contents: Any) -> dict[str, Any]:
        """Create an item."""
        answer = await self.http.post("/v1/items", json={"title": title, **contents})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


@dataclass(frozen=True, slots=True)
class Api:
    """An app that runs, and clients for it whose every answer is checked."""

    app: FastAPI
    container: Container
    clock: Clock
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def client(self, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """Return a client that sends these headers with each request."""
        transport = httpx.ASGITransport(self.app, client=(peer, 50000))
        opened = httpx.AsyncClient(
            transport=transport,
            base_url="http://basalt.test",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            event_hooks={"response": [check]},
        )
        return await self.stack.enter_async_context(opened)

    async def join(self, name: str, role: Role = Role.MEMBER, **form: str) -> Person:
        """Open an account, whose address is proved only where it must be, and sign in."""
        email = f"{name}@example.com"
        await asyncio.to_thread(self._open, email, name.title(), role)
        return await self.sign_in(email, **form)

    def _open(self, email: str, name: str, role: Role) -> None:
        user = self.container.register()(email, PASSWORD, name, role)
        if not self.container.settings().require_verified_email:
            with self.container.store().unit_of_work() as work:
                work.users.save(replace(user, email_verified=False))
                work.commit()

    async def sign_in(self, email: str, **form: str) -> Person:
        """Start a session of an account."""
        nobody = await self.client()
        answer = await nobody.post("/v1/auth/token", data=sign_in_form(email) | form)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        return Person(email, tokens, await self.bearer(tokens["access_token"]))

    async def bearer(self, token: str) -> httpx.AsyncClient:
        """Return a client that sends this access token."""
        return await self.client(Authorization=f"Bearer {token}")


class Start(Protocol):
    """Starts an app on the test's database, with these settings."""

    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[Api]: ...


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Api]:
    """Run an app of its own, with a clock that can be set."""
    container = Container(settings=settings)
    clock = Clock(container.clock())
    container.clock.override(clock)
    app = create_app(settings, container)
    api = Api(app, container, clock)
    async with app.router.lifespan_context(app), api.stack:
        yield api


def sign_in_form(email: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the form with which somebody signs in."""
    return {"grant_type": "password", "username": email, "password": password}


def refresh_form(token: str) -> dict[str, str]:
    """Return the form with which a session is refreshed."""
    return {"grant_type": "refresh_token", "refresh_token": token}


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return answer.status_code, answer.json()["error"]["code"]


def violations(answer: httpx.Response) -> set[tuple[str, str]]:
    """Return which fields break which rules."""
    assert told(answer) == (422, "VALIDATION_ERROR"), answer.text
    found = answer.json()["error"]["details"]["errors"]
    return {(violation["field"], violation["code"]) for violation in found}
