"""Proves that a server ends politely and in time, whoever still holds on to it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.black_box.server import PATIENCE, Server, Start, Tokens, sign_up

GRACE = 2
DRAIN = 1
SLACK = 2

ALONE_AND_TWO = [("sqlite", 1), ("postgresql", 2)]

pytestmark = [
    pytest.mark.black_box,
    pytest.mark.parametrize(("database", "workers"), ALONE_AND_TWO, indirect=["database"]),
]


@pytest.fixture
def server(start: Start, database: str, workers: int) -> Server:
    return start(
        "--workers",
        str(workers),
        DATABASE_URL=database,
        SHUTDOWN_GRACE=str(GRACE),
        DRAIN_DELAY=str(DRAIN),
    )


@pytest.fixture
def tokens(server: Server) -> Tokens:
    return sign_up(server)


@pytest.fixture
def hold(server: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    """Open a connection that says just this much, and keep it."""
    address = httpx.URL(server.url)
    with ExitStack() as kept:

        def held(said: bytes) -> socket.socket:
            connection = socket.create_connection((address.host, address.port), PATIENCE)
            kept.enter_context(connection)
            connection.sendall(said)
            return connection

        yield held


def ended(server: Server) -> tuple[int, float]:
    """Ask a server to end, its workers too; return its exit code, and how many seconds it took."""
    workers = psutil.Process(server.process.pid).children()
    began = time.monotonic()
    server.process.terminate()
    code, seconds = server.process.wait(PATIENCE), time.monotonic() - began
    assert psutil.wait_procs(workers, PATIENCE)[1] == []
    return code, seconds


def test_it_says_that_it_is_not_ready_before_it_refuses_anybody(
    server: Server, tokens: Tokens
) -> None:
    codes: list[int] = []
    with server.client(tokens.access) as client:
        assert client.get("/health/ready").status_code == 200
        server.process.terminate()
        deadline = time.monotonic() + DRAIN + GRACE
        while time.monotonic() < deadline:
            try:
                codes.append(client.get("/health/ready").status_code)
                if codes[-1] == 503:
                    assert client.get("/health/live").status_code == 200
                    assert client.get("/v1/items").status_code == 200
                    break
            except httpx.TransportError:
                break
    assert codes[-1] == 503
    assert server.process.wait(PATIENCE) == 0


def test_nobody_who_holds_on_delays_the_end(
    server: Server, tokens: Tokens, hold: Callable[[bytes], socket.socket]
) -> None:
    bearer = f"Authorization: Bearer {tokens.access}\r\n"
    hold(b"")
    hold(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")  # and then keeps the connection
    hold(b"GET /v1/items HTTP/1.1\r\nHost:")
    hold(
        f"POST /v1/items HTTP/1.1\r\nHost: x\r\n{bearer}Content-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n{".encode()
    )
    stream = hold(f"GET /v1/items/changes/stream HTTP/1.1\r\nHost: x\r\n{bearer}\r\n".encode())
    assert stream.recv(20).startswith(b"HTTP/1.1 200")
    code, seconds = ended(server)
    assert code == 0
    assert seconds < DRAIN + GRACE + SLACK


def test_what_was_acknowledged_until_the_end_is_there_after_it(
    server: Server, tokens: Tokens, start: Start, database: str
) -> None:
    kept: list[str] = []
    broken: list[int] = []

    def write() -> None:
        with server.client(tokens.access) as client:
            while True:
                try:
                    answer = client.post("/v1/items", json={"title": "Lamp oil"})
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    kept.append(answer.headers["Location"])
                else:
                    broken.append(answer.status_code)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    while len(kept) < 20:
        time.sleep(0.01)
    code, seconds = ended(server)
    for writer in writers:
        writer.join(PATIENCE)
    assert (code, broken) == (0, [])
    assert seconds < DRAIN + GRACE + SLACK
    with start(DATABASE_URL=database).client(tokens.access) as client:
        for place in kept[-50:]:
            assert client.get(place).status_code == 200
