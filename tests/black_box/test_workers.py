"""Proves that several workers are one service: what one of them ends is over for all at once."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.black_box.server import (
    CHEAP,
    PATIENCE,
    Server,
    environment,
    refreshed,
    sign_in,
    sign_up,
)
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.black_box


@pytest.fixture(scope="module")
def server(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Start two workers, which each test uses with an account of its own."""
    folder, database = tmp_path_factory.mktemp("workers"), postgresql.create_database()
    environ = environment(folder, BASALT_DATABASE_URL=database, **CHEAP)
    server = Server(folder, environ, "--workers", "2")
    yield server
    server.kill()
    postgresql.drop_database(database)


@pytest.fixture
def workers(server: Server) -> Iterator[list[httpx.Client]]:
    """Return clients, each with one connection that is kept, to one worker each."""
    found: dict[int, httpx.Client] = {}
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as opened:
        while len(found) < 2:
            assert time.monotonic() < deadline, f"only {len(found)} worker answers"
            client = opened.enter_context(server.client())
            found.setdefault(worker_of(client, server), client)
        yield list(found.values())


def worker_of(client: httpx.Client, server: Server) -> int:
    """Return the process that holds the other end of a client's connection."""
    answer = client.get("/health/live")
    own = answer.extensions["network_stream"].get_extra_info("client_addr")
    for process in psutil.Process(server.process.pid).children():
        for connection in process.net_connections("tcp"):
            if connection.raddr and connection.raddr[:2] == own[:2]:
                pid: int = process.pid
                return pid
    pytest.fail("no worker holds this connection")


def status(client: httpx.Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/v1/users/me", headers=headers).status_code


def test_a_token_of_one_worker_is_good_at_all(server: Server, workers: list[httpx.Client]) -> None:
    sign_up(server, "token@example.com")
    for issuer in workers:
        tokens = sign_in(issuer, "token@example.com")
        assert [status(worker, tokens.access) for worker in workers] == [200, 200]
        for worker in workers:
            tokens = refreshed(worker, tokens)
        assert [status(worker, tokens.access) for worker in workers] == [200, 200]


def test_a_logout_is_seen_by_all_workers_at_once(
    server: Server, workers: list[httpx.Client]
) -> None:
    sign_up(server, "logout@example.com")
    one, other = workers
    for _ in range(5):
        for here, there in ((one, other), (other, one)):
            token = sign_in(here, "logout@example.com").access
            assert status(there, token) == status(here, token) == 200
            headers = {"Authorization": f"Bearer {token}"}
            assert here.post("/v1/auth/logout", headers=headers).status_code == 204
            assert (status(there, token), status(here, token)) == (401, 401)


def test_an_item_of_one_worker_is_there_at_all_at_once(
    server: Server, workers: list[httpx.Client]
) -> None:
    headers = {"Authorization": f"Bearer {sign_up(server, 'item@example.com').access}"}
    one, other = workers
    for _ in range(5):
        for here, there in ((one, other), (other, one)):
            made = here.post("/v1/items", json={"title": "Lamp oil"}, headers=headers)
            path = made.headers["Location"]
            assert there.get(path, headers=headers).json() == made.json()
            assert there.delete(path, headers=headers).status_code == 204
            assert here.get(path, headers=headers).status_code == 404
