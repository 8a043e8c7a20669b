"""Proves that streams tell of changes at once, wherever they are made, and end when they must."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.black_box.events import PATH, Listener
from tests.black_box.server import (
    CHEAP,
    Server,
    Start,
    environment,
    sign_in,
    sign_up,
)
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.black_box

AT_ONCE = 1.5
THREADS = 2


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Start a server with few threads; on PostgreSQL it has two workers."""
    folder = tmp_path_factory.mktemp("streams")
    settings, words = {"BASALT_WORKER_THREADS": str(THREADS), **CHEAP}, list[str]()
    with ExitStack() as stack:
        if request.param == "postgresql":
            databases: PostgresServer = request.getfixturevalue("postgresql")
            url = databases.create_database()
            stack.callback(databases.drop_database, url)
            settings["BASALT_DATABASE_URL"] = url
            words = ["--workers", "2"]
        server = Server(folder, environment(folder, **settings), *words)
        stack.callback(server.kill)
        yield server


@pytest.fixture
def email(request: pytest.FixtureRequest, server: Server) -> str:
    """The address of an account that is this test's own."""
    name = f"{request.node.name.partition('[')[0][-50:].replace('_', '')}@example.com"
    sign_up(server, name)
    return name


@pytest.fixture
def token(server: Server, email: str) -> str:
    with server.client() as client:
        return sign_in(client, email).access


def create(server: Server, token: str, title: str) -> tuple[str, float]:
    """Add an item by a connection of its own; return its id, and when that was."""
    with server.client(token) as client:
        made = client.post("/v1/items", json={"title": title})
    assert made.status_code == 201, made.text
    item: str = made.json()["id"]
    return item, time.monotonic()


def test_a_change_made_elsewhere_arrives_at_once(server: Server, token: str) -> None:
    item = ""
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(server, token)) for _ in range(4)]
        for count in range(1, 4):
            item, made_at = create(server, token, str(count))
            for listener in listeners:
                event = listener.wait_for(count)[-1]
                assert (event.kind, event.data["type"], event.data["id"]) == ("put", "put", item)
                assert event.data["item"]["title"] == str(count)
                assert event.at - made_at < AT_ONCE
        with server.client(token) as client:
            assert client.delete(f"/v1/items/{item}").status_code == 204
        gone = listeners[0].wait_for(4)[-1]
        assert (gone.kind, gone.data["type"], gone.data["id"]) == ("gone", "gone", item)
        assert "item" not in gone.data


def test_sharing_and_withdrawing_are_told_at_once(server: Server, email: str, token: str) -> None:
    friend = sign_up(server, "friend" + email).access
    item, _ = create(server, token, "shared")
    with Listener(server, friend) as listener, server.client(token) as owner:
        grant = {"email": "friend" + email, "role": "viewer"}
        shared = owner.post(f"/v1/items/{item}/grants", json=grant)
        at = time.monotonic()
        (event,) = listener.wait_for(1)
        assert (event.kind, event.data["item"]["access"]) == ("put", "viewer")
        assert event.at - at < AT_ONCE
        assert owner.delete(shared.headers["Location"]).status_code == 204
        at = time.monotonic()
        event = listener.wait_for(2)[1]
        assert (event.kind, event.data["id"]) == ("gone", item)
        assert event.at - at < AT_ONCE


def test_whoever_comes_again_with_the_last_id_misses_nothing(server: Server, token: str) -> None:
    first, _ = create(server, token, "first")
    with Listener(server, token) as listener:
        last = listener.wait_for(1)[0].id
    missed = [create(server, token, str(number))[0] for number in range(3)]
    with Listener(server, token, last) as listener:
        events = listener.wait_for(3)
        assert [event.data["id"] for event in events] == missed
        live, _ = create(server, token, "live")
        assert listener.wait_for(4)[3].data["id"] == live
    with server.client(token) as client:
        polled = client.get("/v1/items/changes", params={"since": events[1].id}).json()
        assert [change["id"] for change in polled["data"]] == [missed[2], live]
        refused = client.get(PATH, headers={"Last-Event-ID": last[:-1]})
        assert refused.json()["error"]["code"] == "INVALID_CURSOR"
    assert first not in missed


def test_a_stream_says_what_it_is_and_has_no_head(server: Server, token: str) -> None:
    with server.client(token) as client:
        with client.stream("GET", PATH) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Cache-Control"] == "no-store"
        refused = client.head(PATH)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")
    with server.client() as nobody:
        assert nobody.get(PATH).status_code == 401


def test_a_stream_ends_soon_after_its_session(server: Server, token: str) -> None:
    with Listener(server, token) as listener, server.client(token) as client:
        assert client.post("/v1/auth/logout").status_code == 204
        at = time.monotonic()
        assert listener.wait_for_end() - at < 5


def test_streams_that_wait_hold_no_thread(server: Server, token: str) -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(server, token)) for _ in range(4 * (THREADS + 1))]
        for _ in range(10):  # by new connections, so that every worker has its turn
            began = time.monotonic()
            with server.client(token) as client:
                assert client.get("/v1/items").status_code == 200
            assert time.monotonic() - began < AT_ONCE
        item, at = create(server, token, "for all")
        for listener in listeners:
            (event,) = listener.wait_for(1)
            assert event.data["id"] == item
            assert event.at - at < 2 * AT_ONCE


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_stream_ends_with_its_token_and_politely_with_the_server(
    start: Start, database: str, tmp_path: Path
) -> None:
    server = start(DATABASE_URL=database, ACCESS_TOKEN_TTL="2", DRAIN_DELAY="0")
    token = sign_up(server).access
    at = time.monotonic()
    with Listener(server, token) as listener:
        assert listener.wait_for_end() - at < 3
    with server.client() as client:
        token = sign_in(client).access
        assert client.get(PATH, headers={"Authorization": "Bearer x"}).status_code == 401
    with Listener(server, token) as listener:
        server.process.terminate()
        listener.wait_for_end(1.5)
        server.process.wait(5)
    assert server.process.returncode == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url)
    assert tmp_path.exists()
