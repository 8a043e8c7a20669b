"""Backup, restore and the move to PostgreSQL beside a server that is at work."""

import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import (
    BASALT,
    CHEAP,
    PATIENCE,
    Server,
    Start,
    Tokens,
    environment,
    refreshed,
    sign_in,
    sign_up,
)
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.black_box


@pytest.fixture
def elsewhere(postgresql: PostgresServer) -> Iterator[str]:
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


def basalt(folder: Path, *words: str) -> str:
    """Run a command beside the server; return what it says."""
    environ = environment(folder, **CHEAP)
    done = subprocess.run(
        [BASALT, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def await_mail_sent(folder: Path) -> None:
    """Return once the server changes nothing by itself: the mail of a sign-up is on its way."""
    deadline = time.monotonic() + PATIENCE
    while basalt(folder, "outbox", "list") != "Nothing is waiting.\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def titles(client: httpx.Client) -> set[str]:
    found: set[str] = set()
    cursor = None
    while True:
        page = client.get(
            "/v1/items", params={"limit": 100} | ({"cursor": cursor} if cursor else {})
        )
        found |= {item["title"] for item in page.raise_for_status().json()["data"]}
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found


@contextmanager
def writing(server: Server, tokens: Tokens) -> Iterator[list[str]]:
    """Let somebody create items all the while; yield the titles that were acknowledged."""
    kept: list[str] = []
    stop = threading.Event()

    def write() -> None:
        with server.client(tokens.access) as client:
            while not stop.is_set():
                title = f"Lamp {len(kept)}"
                assert client.post("/v1/items", json={"title": title}).status_code == 201
                kept.append(title)

    with ThreadPoolExecutor(1) as threads:
        writer = threads.submit(write)
        try:
            yield kept
        finally:
            stop.set()
    writer.result()


def test_a_restored_backup_has_all_that_was_acknowledged_before_it_and_no_session(
    start: Start, tmp_path: Path
) -> None:
    server = start()
    tokens = sign_up(server)
    with writing(server, tokens) as kept:
        while len(kept) < 20:
            time.sleep(0.01)
        before = set(kept)
        basalt(tmp_path, "backup", str(tmp_path / "one.db"))
        at_most = {f"Lamp {number}" for number in range(len(kept) + 1)}
    with server.client(tokens.access) as client:
        client.post("/v1/items", json={"title": "After the backup"})
        cursor = client.get("/v1/items/changes").json()["next_cursor"]
    with server.client() as nobody:
        newer = refreshed(nobody, tokens)
    basalt(tmp_path, "restore", "--yes", str(tmp_path / "one.db"))
    with server.client() as nobody:
        for superseded in (tokens.refresh, newer.refresh):
            form = {"grant_type": "refresh_token", "refresh_token": superseded}
            refused = nobody.post("/v1/auth/token", data=form)
            assert refused.json()["error"]["code"] == "INVALID_REFRESH_TOKEN"
        again = sign_in(nobody)
    with server.client(tokens.access) as ended:
        assert ended.get("/v1/items").json()["error"]["code"] == "TOKEN_REVOKED"
    with server.client(again.access) as client:
        assert before <= titles(client) <= at_most
        gone = client.get("/v1/items/changes", params={"since": cursor})
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "GONE")
        assert client.post("/v1/items", json={"title": "Life goes on"}).status_code == 201
    basalt(tmp_path, "audit", "verify")


def test_whoever_was_signed_in_still_is_after_the_move_to_postgresql(
    start: Start, tmp_path: Path, elsewhere: str
) -> None:
    server = start()
    tokens = sign_up(server)
    with server.client(tokens.access) as client:
        made = client.post("/v1/items", json={"title": "Lamp oil", "attributes": {"n": 2**70}})
        await_mail_sent(tmp_path)
        basalt(tmp_path, "copy", "--to", elsewhere)  # while it is served
        later = client.post("/v1/items", json={"title": "Wicks"})
        cursor = client.get("/v1/items/changes").json()["next_cursor"]
    server.stop()
    basalt(tmp_path, "copy", "--to", elsewhere)  # and what came since
    moved = start(DATABASE_URL=elsewhere)
    with moved.client(tokens.access) as client:
        for item in (made, later):
            assert client.get(item.headers["Location"]).json() == item.json()
        assert client.get("/v1/items/changes", params={"since": cursor}).json()["data"] == []
    with moved.client() as nobody:
        assert refreshed(nobody, tokens).refresh != tokens.refresh


@contextmanager
def little_room(limit: int) -> Iterator[None]:
    """Let files of what is started meanwhile grow no larger, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_named_and_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    server = start()
    sign_up(server)
    basalt(tmp_path, "backup", str(tmp_path / "one.db"))
    before = left_in(tmp_path)
    environ = environment(tmp_path, **CHEAP)
    for words in (["backup", "two.db"], ["restore", "--yes", "one.db"]):
        with little_room(64 * 1024):
            done = subprocess.run(
                [BASALT, *words], cwd=tmp_path, env=environ, capture_output=True, check=False
            )
        (line,) = done.stderr.decode().splitlines()
        assert done.returncode == 1
        assert line.startswith("basalt: ")
        assert "full" in line or "I/O" in line, line
        assert "not a whole" not in line
        assert left_in(tmp_path) == before


def left_in(folder: Path) -> list[Path]:
    """Return what is in a folder but mail, which is written when it is its turn."""
    return sorted(file for file in folder.rglob("*") if "mail" not in file.parts)
