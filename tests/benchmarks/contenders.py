"""Who is compared: each a server with the same items in it, and the loads that it can take.

All serve from one core, with the settings that they come with; notes say what those are.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.benchmarks.load import SERVER_CORE, Load, lua, pinned_to, to_each
from tests.black_box.server import (
    PASSWORD,
    PATIENCE,
    Server,
    Tokens,
    environment,
    sign_in,
    sign_up,
)

HERE = Path(__file__).resolve().parents[2]
POCKETBASE = Path(sys.executable).with_name("pocketbase")
WORDS = tuple(f"{first}{second}" for first in "bdfgklmnrs" for second in (
    "amber", "oil", "wick", "lamp", "flint", "spark", "glow", "dusk", "dawn", "night",
))  # fmt: skip
TOUCHED = 500
"""Items that are read and changed in turn, so that no single row is the hot one."""

OPERATIONS = ("get", "patch", "list", "search", "create", "refresh", "sign-in")
"""In this order: what is created would stand in front of what lists and searches look for."""

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NEW = '{"title": "Lamp oil", "tags": ["winter"]}'
CHANGE = '{"title": "Lamp oil, %d"}'


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that is up, and how each operation is asked of it, for so many connections."""

    name: str
    note: str
    loads: Mapping[str, Callable[[int], Load]]
    most: int = 256
    """Connections beyond which it stands still."""


def items(count: int) -> Iterator[list[dict[str, Any]]]:
    """Yield what everybody is filled with, in hundreds: a search finds every hundredth."""
    for first in range(0, count, 100):
        yield [
            {"title": f"{WORDS[number % len(WORDS)]} {number}", "tags": ["winter"]}
            for number in range(first, min(first + 100, count))
        ]


@contextmanager
def basalt(
    folder: Path, *, name: str, note: str, count: int, url: str | None = None
) -> Iterator[Contender]:
    """Serve Basalt as it comes; refreshes and sign-ins go to one without limits on them."""
    folder.mkdir()
    own = {} if url is None else {"BASALT_DATABASE_URL": url}
    with pinned_to(SERVER_CORE):
        server = Server(folder, environment(folder, BASALT_RATE_LIMITS="on", **own))
    try:
        ids = seeded(server, sign_up(server).access, count)
        loads = of_items(server, ids, word=WORDS[7])
        with unlimited(folder, url) as free:
            loads["refresh"] = lambda connections: refreshing(free, connections)
            loads["sign-in"] = lambda _: signing_in(free)
            yield Contender(name, note, loads)
    finally:
        server.stop()


def of_items(server: Server, ids: Sequence[str], *, word: str) -> dict[str, Callable[[int], Load]]:
    """Return the loads on the items of who signs in to a Basalt: these ids, and this word."""
    each = [f"/v1/items/{id}" for id in ids]
    many = f"{server.url}/v1/items"
    return {
        "get": lambda _: Load(many, entered(server), to_each(each)),
        "create": lambda _: Load(
            many, entered(server), to_each(["/v1/items"], method="POST", body=NEW, headers=JSON)
        ),
        "patch": lambda _: Load(
            many, entered(server), to_each(each, method="PATCH", body=CHANGE, headers=JSON)
        ),
        "list": lambda _: Load(f"{many}?limit=20", entered(server)),
        "search": lambda _: Load(f"{many}?limit=20&q={word}", entered(server)),
    }


def entered(server: Server) -> Mapping[str, str]:
    """Return the headers of who has just signed in: tokens do not last for a whole run."""
    with server.client() as nobody:
        return {"Authorization": f"Bearer {sign_in(nobody).access}"}


@contextmanager
def unlimited(folder: Path, url: str | None) -> Iterator[Server]:
    """Serve Basalt without limits on what invites guessing; on SQLite, from a file of its own."""
    place, own = folder, {"BASALT_DATABASE_URL": url or ""}
    if url is None:
        place, own = folder / "unlimited", {}
        place.mkdir()
    with pinned_to(SERVER_CORE):
        server = Server(place, environment(place, **own))
    try:
        if url is None:
            sign_up(server)
        yield server
    finally:
        server.stop()


def seeded(server: Server, token: str, count: int) -> Sequence[str]:
    """Fill a Basalt; return the ids of the items that will be touched."""
    ids: list[str] = []
    with server.client(token) as ada:
        for some in items(count):
            operations = [{"op": "create", "item": item} for item in some]
            answer = ada.post("/v1/items/batch", json={"operations": operations})
            ids += [one["item"]["id"] for one in answer.raise_for_status().json()["data"]]
    return ids[:TOUCHED]


def refreshing(server: Server, connections: int) -> Load:
    """Return a load in which every session's token is exchanged for the next, again and again."""
    accounts = [f"{time.monotonic_ns()}-{number}@example.com" for number in range(8)]
    tokens: list[Tokens] = [sign_up(server, email) for email in accounts]
    with server.client() as client:
        while len(tokens) <= connections:
            tokens += [sign_in(client, email) for email in accounts]
    listed = ", ".join(lua(pair.refresh) for pair in tokens)
    script = f"""
local tokens = {{{listed}}}
local headers = {{["Content-Type"] = {lua(FORM["Content-Type"])}}}
function request()
  local token = table.remove(tokens)
  local body = "grant_type=refresh_token&refresh_token=" .. token
  return wrk.format("POST", "/v1/auth/token", headers, body)
end
function response(status, headers, body)
  tokens[#tokens + 1] = body:match('"refresh_token":"([^"]+)"')
end
"""
    return Load(f"{server.url}/v1/auth/token", script=script)


def signing_in(server: Server) -> Load:
    """Return a load of sign-ins with the right password."""
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    body = urlencode(form).replace("%", "%%")
    path = "/v1/auth/token"
    return Load(
        f"{server.url}{path}", script=to_each([path], method="POST", body=body, headers=FORM)
    )


@contextmanager
def pocketbase(folder: Path, *, count: int) -> Iterator[Contender]:
    """Serve PocketBase with one collection, whose rules let owners see and change their own."""
    folder.mkdir()
    admin = {"identity": "root@example.com", "password": PASSWORD}
    data = ["--dir", str(folder / "data")]
    subprocess.run(
        [POCKETBASE, "superuser", "upsert", *admin.values(), *data],
        check=True,
        capture_output=True,
    )
    port = free_port()
    words = [str(POCKETBASE), "serve", *data, "--http", f"127.0.0.1:{port}"]
    with running(folder, words, f"http://127.0.0.1:{port}", "/api/health") as client:
        _prepare(client, admin)
        token, ids = _fill(client, count)
        each = [f"/api/collections/items/records/{id}" for id in ids]
        path = "/api/collections/items/records"
        mine = {"Authorization": token}
        owner = client.get(each[0], headers=mine).json()["owner"]
        new = f'{{"owner": "{owner}", {NEW[1:]}'
        newest = f"{client.base_url}{path}?perPage=20&skipTotal=1&sort=-created"
        found = urlencode({"filter": f'title ~ "{WORDS[7]}"'})
        again = "/api/collections/users/auth-refresh"
        enter = "/api/collections/users/auth-with-password"
        who = f'{{"identity": "ada@example.com", "password": "{PASSWORD}"}}'
        base = str(client.base_url)
        yield Contender(
            "PocketBase",
            "SQLite, WAL, synchronous=NORMAL; tokens are not revocable one by one",
            {
                "get": lambda _: Load(base, mine, to_each(each)),
                "create": lambda _: Load(
                    base, mine, to_each([path], method="POST", body=new, headers=JSON)
                ),
                "patch": lambda _: Load(
                    base, mine, to_each(each, method="PATCH", body=CHANGE, headers=JSON)
                ),
                "list": lambda _: Load(newest, mine),
                "search": lambda _: Load(f"{newest}&{found}", mine),
                "refresh": lambda _: Load(base, mine, to_each([again], method="POST")),
                "sign-in": lambda _: Load(
                    base, {}, to_each([enter], method="POST", body=who, headers=JSON)
                ),
            },
        )


def _prepare(client: httpx.Client, admin: Mapping[str, str]) -> None:
    """Make the collection, and allow what fills it."""
    entered = client.post("/api/collections/_superusers/auth-with-password", json=admin)
    root = {"Authorization": entered.raise_for_status().json()["token"]}
    own = "owner = @request.auth.id"
    fields = [
        {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "required": True},
        {"name": "title", "type": "text", "required": True},
        {"name": "description", "type": "text"},
        {"name": "tags", "type": "json"},
        {"name": "attributes", "type": "json"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), own)
    indexes = ["CREATE INDEX items_of_owner ON items (owner, created)"]
    made = {"name": "items", "type": "base", "fields": fields, "indexes": indexes, **rules}
    client.post("/api/collections", json=made, headers=root).raise_for_status()
    batch = {"batch": {"enabled": True, "maxRequests": 100, "timeout": 10}}
    client.patch("/api/settings", json=batch, headers=root).raise_for_status()


def _fill(client: httpx.Client, count: int) -> tuple[str, Sequence[str]]:
    account = {"email": "ada@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
    client.post("/api/collections/users/records", json=account).raise_for_status()
    enter = {"identity": account["email"], "password": PASSWORD}
    entered = client.post("/api/collections/users/auth-with-password", json=enter).json()
    mine, ids = {"Authorization": entered["token"]}, []
    for some in items(count):
        requests = [
            {
                "method": "POST",
                "url": "/api/collections/items/records",
                "body": {**item, "owner": entered["record"]["id"]},
            }
            for item in some
        ]
        answer = client.post("/api/batch", json={"requests": requests}, headers=mine)
        ids += [one["body"]["id"] for one in answer.raise_for_status().json()]
    return entered["token"], ids[:TOUCHED]


@contextmanager
def textbook(folder: Path, *, url: str, count: int) -> Iterator[Contender]:
    """Serve the tutorials' stack."""
    folder.mkdir()
    with uvicorn(folder, "textbook", "/docs", BENCH_URL=url) as client:
        account = {"username": "ada@example.com", "password": PASSWORD}
        client.post("/users", data=account).raise_for_status()
        token = client.post("/login", data=account).raise_for_status().json()["access_token"]
        mine, ids = {"Authorization": f"Bearer {token}"}, []
        for some in items(count):
            ids += client.post("/items/batch", json=some, headers=mine).raise_for_status().json()
        each = [f"/items/{id}" for id in ids[:TOUCHED]]
        base = str(client.base_url)
        enter = urlencode(account).replace("%", "%%")
        yield Contender(
            "textbook FastAPI",
            "PostgreSQL; tokens cannot be revoked, nothing is limited or logged",
            {
                "get": lambda _: Load(base, mine, to_each(each)),
                "create": lambda _: Load(
                    base, mine, to_each(["/items"], method="POST", body=NEW, headers=JSON)
                ),
                "patch": lambda _: Load(
                    base, mine, to_each(each, method="PATCH", body=CHANGE, headers=JSON)
                ),
                "list": lambda _: Load(f"{base}/items?limit=20", mine),
                "search": lambda _: Load(f"{base}/items?limit=20&q={WORDS[7]}", mine),
                "sign-in": lambda _: Load(
                    base, {}, to_each(["/login"], method="POST", body=enter, headers=FORM)
                ),
            },
            most=40,  # its threads; with more, all of them wait for the pool's 15 connections
        )


@contextmanager
def bare_fastapi(folder: Path) -> Iterator[Contender]:
    """Serve the least that FastAPI can do."""
    folder.mkdir()
    with uvicorn(folder, "bare_fastapi", "/items/one") as client:
        url = f"{client.base_url}/items/one"
        note = "a route with one dependency, which returns a model; no database"
        yield Contender("bare FastAPI", note, {"get": lambda _: Load(url)})


@contextmanager
def bare_starlette(folder: Path, *, database: Path) -> Iterator[Contender]:
    """Serve the least that asks a database of Basalt's the same."""
    folder.mkdir()
    copy = folder / "basalt.db"
    ids, session = _copied(database, copy)
    own = {"BENCH_FILE": str(copy), "BENCH_SESSION": session}
    with uvicorn(folder, "bare_starlette", f"/v1/items/{ids[0]}", **own) as client:
        each = [f"/v1/items/{id}" for id in ids]
        note = "SQLite, the same two statements by key; no token, scope, limit or log"
        loads = {"get": lambda _: Load(str(client.base_url), {}, to_each(each))}
        yield Contender("bare Starlette with SQL", note, loads)


def _copied(database: Path, copy: Path) -> tuple[Sequence[str], str]:
    source, target = sqlite3.connect(database), sqlite3.connect(copy)
    source.backup(target)
    ids = [row[0] for row in target.execute("SELECT id FROM items ORDER BY id LIMIT ?", [TOUCHED])]
    (session,) = target.execute("SELECT id FROM sessions LIMIT 1").fetchone()
    source.close()
    target.close()
    return ids, session


@contextmanager
def uvicorn(folder: Path, app: str, path: str, **own: str) -> Iterator[httpx.Client]:
    """Serve one of the programs in `apps`, with uvicorn's own settings but for its access log."""
    port = free_port()
    name = f"tests.benchmarks.apps.{app}:app"
    words = [sys.executable, "-m", "uvicorn", name, "--port", str(port), "--no-access-log"]
    with running(folder, words, f"http://127.0.0.1:{port}", path, **own) as client:
        yield client


@contextmanager
def running(
    folder: Path, words: Sequence[str], url: str, path: str, **own: str
) -> Iterator[httpx.Client]:
    """Run a server on the servers' core, and hand out a client once it answers at a path."""
    with (folder / "log").open("wb") as log, pinned_to(SERVER_CORE):
        process = subprocess.Popen(
            words, cwd=HERE, env=os.environ | own, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    client.get(path).raise_for_status()
                    break
                except httpx.TransportError:
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise SystemExit(f"{words[0]}:\n{(folder / 'log').read_text()}") from None
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder / "data", ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
