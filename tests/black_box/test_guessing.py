"""Proves that of two hundred guesses at one password at most ten are looked at, by any worker."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import CHEAP, PASSWORD, Server, environment, sign_up

pytestmark = pytest.mark.black_box

GUESSES = 200
CLIENTS = 20


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Server]:
    own = {"BASALT_DATABASE_URL": database, "BASALT_RATE_LIMITS": "on"}
    words = ("--workers", "2") if database.startswith("postgresql") else ()
    server = Server(tmp_path, environment(tmp_path, **CHEAP | own), *words)
    yield server
    server.kill()


def test_of_two_hundred_guesses_at_most_ten_are_looked_at(server: Server) -> None:
    ada = sign_up(server)
    form = {"grant_type": "password", "username": "ada@example.com", "password": "wrong"}

    def guess(_: int) -> list[tuple[int, str | None]]:
        with server.client() as client:
            answers = [client.post("/v1/auth/token", data=form) for _ in range(GUESSES // CLIENTS)]
        return [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]

    with ThreadPoolExecutor(CLIENTS) as threads:
        found = [one for many in threads.map(guess, range(CLIENTS)) for one in many]
    assert Counter(status for status, _ in found) == {401: 10, 429: GUESSES - 10}
    waits = [wait for status, wait in found if status == httpx.codes.TOO_MANY_REQUESTS]
    assert all(wait and re.fullmatch(r"[1-9]\d*", wait) and int(wait) <= 60 for wait in waits)
    with server.client(ada.access) as client:
        right = form | {"password": PASSWORD}
        refused = client.post("/v1/auth/token", data=right)
        assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
        assert client.get("/v1/users/me").status_code == httpx.codes.OK
        refresh = {"grant_type": "refresh_token", "refresh_token": ada.refresh}
        assert client.post("/v1/auth/token", data=refresh).status_code == httpx.codes.OK
