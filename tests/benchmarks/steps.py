"""Where the time of reading an item goes, step by step, inside the process and without a socket.

A step's share is what a request takes less when the step is left out; processor time of the
thread, the least of many short runs, so that whoever else is busy on the machine counts little.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvloop
from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.access import Origin
from domain.item import ItemId
from entrypoints.http.app import create_app
from entrypoints.http.application import Application
from entrypoints.http.items import ItemAnswer, item_answer
from entrypoints.http.middleware import Edge, Guard
from entrypoints.http.route import StrictRoute
from entrypoints.settings import Settings
from tests.benchmarks.apps import bare_fastapi
from tests.black_box.server import PASSWORD

RUNS, TIMES = 100, 100
ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
ENTER = {"grant_type": "password", "username": ACCOUNT["email"], "password": PASSWORD}


class _Ready(Application):
    """An application that has the answers of some steps at hand already."""

    def __init__(self, other: Application, **ready: Any) -> None:
        vars(self).update(vars(other))
        self._ready = ready

    async def identify(self, *args: Any) -> Any:
        """Say who is calling."""
        return self._ready.get("caller") or await super().identify(*args)

    async def look(self, *args: Any) -> Any:  # type: ignore[override]  # of whatever is asked
        """Return the item."""
        return self._ready.get("seen") or await super().look(*args)


def measured(folder: Path, say: Callable[[str], None]) -> Mapping[str, float]:
    """Return microseconds by step."""
    folder.mkdir(parents=True)
    found = uvloop.run(_measure(folder))
    say(f"reading an item takes {found['whole']:.0f} µs inside the process")
    return found


async def _measure(folder: Path) -> Mapping[str, float]:
    settings = Settings(data_dir=folder / "data", log_format="json", argon2_memory_kib=19456)
    app = create_app(settings)
    with (folder / "log").open("w") as log:
        handler = logging.getLogger().handlers[-1]
        handler.setStream(log)  # type: ignore[attr-defined]  # ours writes to a stream
        async with app.router.lifespan_context(app):
            return await _by_step(app)


async def _by_step(app: FastAPI) -> Mapping[str, float]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://basalt") as client:
        await client.post("/v1/users", json=ACCOUNT)
        token = (await client.post("/v1/auth/token", data=ENTER)).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        made = await client.post("/v1/items", json={"title": "Lamp oil"}, headers=bearer)
    path = str(made.headers["Location"])
    headers = [(b"host", b"basalt"), (b"authorization", f"Bearer {token}".encode())]

    def ask(served: Any, at: str) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            await served(_scope(at, headers), _nothing, _away)

        return once

    whole_app: Application = app.state.application
    read = ask(app, path)
    whole = await _least(read)
    logging.getLogger("basalt.access").setLevel(logging.WARNING)
    quiet = await _least(read)
    middleware = await _least(ask(_layered(whole_app.settings), path)) - await _least(
        ask(_answering, path)
    )
    logging.getLogger("basalt.access").setLevel(logging.NOTSET)
    caller = (await whole_app.identify(token, Origin())).in_person()
    item_id = ItemId(UUID(made.json()["id"]))
    seen = await whole_app.look(lambda use: use.read_item, caller, item_id)
    app.state.application = _Ready(whole_app, caller=caller)
    known = await _least(read)
    app.state.application = _Ready(whole_app, caller=caller, seen=seen)
    neither = await _least(read)
    app.state.application = whole_app
    answers = TypeAdapter(ItemAnswer)
    store = whole_app.container.store()
    with store.glancing() as see:
        session = await _least(_done(lambda: see.sessions.standing(caller.session_id)))
        query = await _least(_done(lambda: see.items.get(item_id)))
    shape = await _least(_done(lambda: answers.dump_json(item_answer(seen))))
    framework = await _least(ask(_planned(), "/items/one"))
    return {
        "whole": whole,
        "framework": framework,
        "authentication": whole - known - session,
        "session": session,
        "query": query,
        "access": known - neither - query,
        "answer": shape,
        "middleware": middleware,
        "log": whole - quiet,
        "rest": neither - framework - shape - middleware - (whole - quiet),
    }


def _planned() -> FastAPI:
    """Return the bare app with its route as ours are."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.router.routes.append(StrictRoute("/items/{id}", bare_fastapi.read))
    return app


def _layered(settings: Settings) -> ASGIApp:
    """Return an app that answers at once, behind the layers that every request goes through."""
    guard = Guard(_answering, max_body_bytes=settings.max_body_bytes, request_limit=0)
    return Edge(guard, trusted=settings.trusted_proxies)


async def _answering(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _done(call: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def once() -> None:
        call()

    return once


async def _least(once: Callable[[], Awaitable[None]]) -> float:
    """Return the microseconds that it takes when nothing disturbs it."""
    least = float("inf")
    for _ in range(RUNS):
        began = time.thread_time()
        for _ in range(TIMES):
            await once()
        least = min(least, time.thread_time() - began)
    return least / TIMES * 1e6


def _scope(path: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _away(_: Message) -> None:
    return
