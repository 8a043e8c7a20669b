"""Proves over four worker processes that what is over is over, and that keys change under load."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import (
    BASALT,
    CHEAP,
    PASSWORD,
    PATIENCE,
    Server,
    Tokens,
    environment,
    refreshed,
    sign_in,
    sign_up,
)
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.black_box

WORKERS = 4
REQUESTS = 400
CLIENTS = 4


class Place:
    """A server of several workers, and commands beside it."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.environ = environment(folder, BASALT_DATABASE_URL=database, **CHEAP)
        self.server = Server(folder, self.environ, "--workers", str(WORKERS))

    def basalt(self, *words: str, said: str | None = None) -> str:
        """Run a command; return what it printed."""
        finished = subprocess.run(
            [BASALT, *words],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environ,
            timeout=PATIENCE,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def statuses(self, token: str, *, requests: int = REQUESTS) -> Counter[int]:
        """Return how requests with a token end, over connections to whichever worker takes them."""

        def some(_: int) -> Counter[int]:
            with self.server.client(token) as client:
                client.headers["Connection"] = "close"
                each = range(requests // CLIENTS)
                return Counter(client.get("/v1/users/me").status_code for _ in each)

        with ThreadPoolExecutor(CLIENTS) as threads:
            return sum(threads.map(some, range(CLIENTS)), Counter[int]())


@pytest.fixture(scope="module")
def place(postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    database = postgresql.create_database()
    place = Place(tmp_path_factory.mktemp("place"), database)
    yield place
    place.server.kill()
    postgresql.drop_database(database)


def test_after_a_logout_four_hundred_requests_are_refused(place: Place) -> None:
    token = sign_up(place.server, "logout@example.com").access
    assert place.statuses(token, requests=80) == {200: 80}
    with place.server.client(token) as ada:
        assert ada.post("/v1/auth/logout").status_code == httpx.codes.NO_CONTENT
    assert place.statuses(token) == {401: REQUESTS}


Act = Callable[[httpx.Client, httpx.Client, Tokens, str], httpx.Response]
NEW = {"current_password": PASSWORD, "new_password": "a harbour of silent bells"}
ENDS: dict[str, Act] = {
    "suspension": lambda admin, _ada, _other, id: admin.patch(
        f"/v1/users/{id}", json={"status": "suspended"}
    ),
    "removal": lambda admin, _ada, _other, id: admin.delete(f"/v1/users/{id}"),
    "administrators end": lambda admin, _ada, _other, id: admin.delete(f"/v1/users/{id}/sessions"),
    "password change": lambda _, ada, _other, _id: ada.put("/v1/users/me/password", json=NEW),
    "deletion": lambda _, ada, _other, _id: ada.post(
        "/v1/users/me/deletion", json={"password": PASSWORD}
    ),
    "end of others": lambda _, ada, _other, _id: ada.delete("/v1/auth/sessions"),
    "revocation": lambda _, ada, other, _id: ada.post(
        "/v1/auth/revoke", data={"token": other.refresh}
    ),
}


def test_every_other_end_is_seen_by_the_very_next_request_at_any_worker(place: Place) -> None:
    place.basalt("users", "create", "admin@example.com", "--role", "admin", "--password-stdin",
                 said=PASSWORD)  # fmt: skip
    with place.server.client() as nobody:
        boss = sign_in(nobody, "admin@example.com")
    for number, (name, end) in enumerate(ENDS.items()):
        here = sign_up(place.server, f"{number}@example.com")
        with place.server.client(boss.access) as admin, place.server.client(here.access) as ada:
            other = sign_in(ada, f"{number}@example.com")
            id = ada.get("/v1/users/me").json()["id"]
            assert place.statuses(other.access, requests=8) == {200: 8}, name
            assert end(admin, ada, other, id).is_success, name
            assert place.statuses(other.access, requests=24) == {401: 24}, name


class Caller(threading.Thread):
    """Calls and refreshes until it is told to stop, and remembers every answer but 200."""

    def __init__(self, server: Server, tokens: Tokens) -> None:
        super().__init__()
        self.server, self.tokens = server, tokens
        self.calls = 0
        self.failures: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            with self.server.client(self.tokens.access) as client:
                for _ in range(5):
                    answer = client.get("/v1/users/me")
                    self.calls += 1
                    if answer.status_code != httpx.codes.OK:
                        self.failures.append(answer.text)
                self.tokens = refreshed(client, self.tokens)


def test_keys_are_changed_under_load_and_the_retired_ones_tokens_fail_soon(place: Place) -> None:
    tokens = sign_up(place.server, "loop@example.com")
    with place.server.client() as nobody:
        (before,) = (key["kid"] for key in nobody.get("/.well-known/jwks.json").json()["keys"])
        old = sign_in(nobody, "loop@example.com")
        caller = Caller(place.server, tokens)
        caller.start()
        try:
            place.basalt("keys", "rotate", "--now")
            refreshed(nobody, old)  # its session goes on with the new key
            time.sleep(0.5)
            place.basalt("keys", "retire", before)
            retired = time.monotonic()
            while place.statuses(old.access, requests=40) != {401: 40}:
                assert time.monotonic() - retired < 5
        finally:
            caller.enough.set()
            caller.join(PATIENCE)
    assert caller.calls > 50
    assert caller.failures == []
