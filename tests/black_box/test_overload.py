"""Proves that a flood of what is dear keeps nobody from what is cheap, and ends in time."""

import socket
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import psutil
import pytest

from tests.black_box.server import PASSWORD, PATIENCE, Server, Start, sign_up

pytestmark = pytest.mark.black_box

STRANGERS = 40
READS = 150
READ_WITHIN = 0.5
"""Seconds that nineteen of twenty reads may take: a hash takes 30 ms, and two would be in line."""

CROWD = 300
ANSWERED_WITHIN = 5.0


def test_a_flood_of_sign_ins_keeps_nobody_from_reading(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database, ARGON2_MEMORY_KIB="19456", ARGON2_TIME="2")
    token = sign_up(server).access
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    enough, statuses = threading.Event(), Counter[int]()
    form = {"grant_type": "password", "username": "nobody@example.com", "password": PASSWORD}

    def knock() -> None:
        with server.client() as stranger:
            while not enough.is_set():
                statuses[stranger.post("/v1/auth/token", data=form).status_code] += 1

    times: list[float] = []
    with ThreadPoolExecutor(STRANGERS) as crowd, server.client(token) as ada:
        for _ in range(STRANGERS):
            crowd.submit(knock)
        try:
            time.sleep(0.5)  # until they stand in line
            for _ in range(READS):
                begun = time.monotonic()
                assert ada.get("/v1/items").status_code == httpx.codes.OK
                times.append(time.monotonic() - begun)
            grown = process.memory_info().rss - before
        finally:
            enough.set()
    assert statistics.quantiles(times, n=20)[-1] < READ_WITHIN
    assert set(statuses) <= {401, 503}
    assert statuses[401] > 0
    assert grown < 200 * 2**20  # some hashes at once, 19 MiB each, whatever the crowd


def test_everybody_in_a_crowd_is_answered_in_time(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database)
    token = sign_up(server).access

    def ask(number: int) -> tuple[int, float]:
        with server.client(token) as client:
            begun = time.monotonic()
            if number % 3:
                answer = client.get("/v1/items")
            else:
                answer = client.post("/v1/items", json={"title": "Lamp oil"})
            return answer.status_code, time.monotonic() - begun

    with ThreadPoolExecutor(CROWD) as crowd:
        answers = list(crowd.map(ask, range(CROWD)))
    assert {status for status, _ in answers} <= {200, 201, 503}
    assert max(seconds for _, seconds in answers) < ANSWERED_WITHIN
    with server.client(token) as client:
        assert client.get("/v1/items").status_code == httpx.codes.OK


UPLOADS = 300
UPLOADED = 2**20 - 1
HELD_MAX = 150 * 2**20


def upload(server: Server) -> socket.socket:
    """Send a body to its last byte but one."""
    address = httpx.URL(server.url)
    connection = socket.create_connection((address.host, address.port), PATIENCE)
    head = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with suppress(ConnectionError):
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % 2**20 + b" " * UPLOADED)
    return connection


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_bodies_of_a_crowd_do_not_fill_the_memory(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database, RECEIVE_TIMEOUT="20")
    process = psutil.Process(server.process.pid)
    before, most = process.memory_info().rss, 0
    with ExitStack() as opened:
        for _ in range(UPLOADS):
            opened.enter_context(upload(server))
            most = max(most, process.memory_info().rss)
        with server.client() as client:
            assert client.get("/health/ready").status_code == httpx.codes.OK
    assert most - before < HELD_MAX
    statuses = Counter(event["status"] for event in server.events() if "status" in event)
    assert statuses[503] > UPLOADS // 2
    time.sleep(0.2)  # until the server has seen them go
    account = {"email": "ada@example.com", "password": PASSWORD}
    with server.client() as client:
        assert client.post("/v1/users", json=account).status_code == httpx.codes.CREATED
