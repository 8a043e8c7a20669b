"""Proves that nothing which is sent does harm: each attack is answered as it must be, at once."""

import json
import re
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.black_box.attacks import GOOD, NO_REQUEST, TOKEN, Attack, attacks, chunk, chunks, item
from tests.black_box.server import PATIENCE, Server, Start, sign_up

pytestmark = pytest.mark.black_box

SOON = 1.0
"""Seconds in which an attack is answered."""

TRIES = 3
"""How often one is tried: on a busy machine, anything can take longer once."""

PROVIDED = {
    "REDIRECT_URIS": "https://app.example.com/back",
    "PROVIDERS__GITHUB__CLIENT_ID": "basalt",
    "PROVIDERS__GITHUB__CLIENT_SECRET": "a secret",
}
"""A provider that nobody visits: it is not asked before somebody comes back."""

GROWTH_MAX = 30 * 2**20
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: no status where the connection just ended."""

    status: int | None
    content: bytes
    seconds: float

    @property
    def verdict(self) -> tuple[int | None, str | None]:
        """The status, and the code of the envelope; good answers have none."""
        if self.status is None or self.status < 400:
            return self.status, None
        error = json.loads(self.content)["error"]
        assert error.keys() == {"code", "message", "details"}
        return self.status, error["code"]


def ask(server: Server, sent: bytes) -> Reply:
    """Send bytes on a connection of their own, and wait for one answer or the end."""
    begun = time.monotonic()
    with connected(server) as connection:
        with suppress(OSError):  # who is refused half-way is not listened to any more
            connection.sendall(sent)
        received = heard(connection)
    head, _, content = received.partition(b"\r\n\r\n")
    status = int(head[9:12]) if head else None
    return Reply(status, content, time.monotonic() - begun)


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """Open a connection."""
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port), PATIENCE) as connection:
        yield connection


def heard(connection: socket.socket) -> bytes:
    """Return one answer, or what there is of it when the connection ends."""
    received = b""
    with suppress(ConnectionResetError):
        while not is_whole(received) and (piece := connection.recv(65_536)):
            received += piece
    return received


def is_whole(received: bytes) -> bool:
    head, end, content = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(end) and len(content) >= (int(length[1]) if length else 0)


def judge(server: Server, attack: Attack, token: str) -> str | None:
    """Say what is wrong with the answer to an attack, or nothing."""
    sent = attack.sent.replace(TOKEN.encode(), token.encode())
    replies = [ask(server, sent)]
    while replies[-1].seconds > SOON and len(replies) < TRIES:
        replies.append(ask(server, sent))
    reply = replies[-1]
    expected = {attack.answer} | ({(None, None)} if attack.answer == NO_REQUEST else set())
    if reply.verdict not in expected:
        return f"{attack.kind}: {attack.what}: {reply.verdict}, and not {attack.answer}"
    if reply.seconds > SOON:
        return f"{attack.kind}: {attack.what}: {reply.seconds:.1f} s"
    return None


def test_every_attack_is_answered_as_it_must_be(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database, **PROVIDED)
    token = sign_up(server).access
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    found = [judge(server, attack, token) for attack in attacks()]
    assert [wrong for wrong in found if wrong] == []
    assert process.memory_info().rss - before < GROWTH_MAX
    with server.client(token) as ada:
        assert ada.post("/v1/items", json={"title": "Lamp oil"}).status_code == 201
        assert ada.get("/v1/items").json()["data"][0]["title"] == "Lamp oil"
    assert [event for event in server.events() if event.get("status", 0) >= 500] == []
    assert not any("exception" in event or "trace" in event for event in server.events())


def test_the_document_counts_what_is_tried() -> None:
    document = Path(__file__).parents[2].joinpath("docs", "security.md").read_text()
    counted = Counter(attack.kind for attack in attacks())
    for kind, cases in counted.items():
        assert f"| {kind} | {cases} |" in document
    assert f"fires all {counted.total()} at" in document


# ------------------------------------------------------------------------- heads that take long
HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: "


def seconds_until_end(connection: socket.socket, drip: bytes) -> float:
    """Send a byte again and again until the connection ends, and return how long it took."""
    begun = time.monotonic()
    connection.settimeout(0.2)
    with suppress(ConnectionError):
        while time.monotonic() - begun < PATIENCE:
            connection.sendall(drip)
            with suppress(TimeoutError):
                if not connection.recv(65_536):
                    break
    return time.monotonic() - begun


@pytest.mark.parametrize("said", [b"", HEAD, b"\r\n"])
def test_a_head_has_to_come_in_time(impatient_server: Server, said: bytes) -> None:
    with connected(impatient_server) as slow:
        slow.sendall(said)
        assert 0.5 < seconds_until_end(slow, said[-1:]) < 5


def test_a_head_that_takes_too_long_is_told_so(impatient_server: Server) -> None:
    reply = ask(impatient_server, HEAD)
    assert reply.verdict == NO_REQUEST


def test_a_second_head_has_to_come_in_time_too(impatient_server: Server) -> None:
    with connected(impatient_server) as slow:
        slow.sendall(HEAD + b"x\r\n\r\n")
        assert heard(slow).startswith(b"HTTP/1.1 200")
        slow.sendall(HEAD)
        assert 0.5 < seconds_until_end(slow, b"x") < 5


def test_an_idle_connection_is_kept_for_longer(impatient_server: Server) -> None:
    with connected(impatient_server) as idle:
        for _ in range(2):
            idle.sendall(HEAD + b"x\r\n\r\n")
            assert heard(idle).startswith(b"HTTP/1.1 200")
            time.sleep(1.5)


def test_a_head_may_come_in_small_pieces(sqlite_server: Server) -> None:
    head = HEAD + b"x" * 20_000 + b"\r\n\r\n"
    with connected(sqlite_server) as slow:
        for place in range(0, len(head), 1000):
            slow.sendall(head[place : place + 1000])
            time.sleep(0.005)
        assert heard(slow).startswith(b"HTTP/1.1 200")


def test_a_head_without_end_is_cut_off_while_it_comes(sqlite_server: Server) -> None:
    sent = 0
    with connected(sqlite_server) as endless, suppress(OSError):
        endless.sendall(HEAD)
        while sent < 2**26:
            endless.sendall(b"x" * 65_536)
            sent += 65_536
    assert sent < 2**25


# ------------------------------------------------------------------- one request, and no second
SMUGGLED = b"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def upgrading(token: str, body: bytes, framing: bytes) -> bytes:
    return b"\r\n".join(
        [
            b"POST /v1/items HTTP/1.1",
            b"Host: x",
            b"Authorization: Bearer " + token.encode(),
            b"Content-Type: application/json",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            framing,
            b"",
            body,
        ]
    )


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_a_body_behind_an_offered_upgrade_is_a_body(
    sqlite_server: Server, email: str, pause: float
) -> None:
    token = sign_up(sqlite_server, email).access
    for body, framing, status in (
        (b'{"title": "Lamp oil"}', b"Content-Length: 21", b"201"),
        (b'15\r\n{"title": "Lamp oil"}\r\n0\r\n\r\n', b"Transfer-Encoding: chunked", b"201"),
        (SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), b"400"),
        (b'{"title": "Lamp oil"}' + SMUGGLED, b"Content-Length: 21", b"201"),
    ):
        asked = upgrading(token, body, framing)
        with connected(sqlite_server) as connection:
            connection.sendall(asked[: -len(body)])
            time.sleep(pause)
            connection.sendall(body)
            answers = b""
            while piece := connection.recv(65_536):
                answers += piece
        assert answers.startswith(b"HTTP/1.1 " + status)
        assert answers.count(b"HTTP/1.1 ") == 1
    assert not any(event.get("path") == "/v1/smuggled" for event in sqlite_server.events())


def test_what_was_asked_for_is_answered_though_garbage_follows(
    sqlite_server: Server, email: str
) -> None:
    token = sign_up(sqlite_server, email).access
    with connected(sqlite_server) as connection:
        connection.sendall(item(GOOD).replace(TOKEN.encode(), token.encode()) + b"x")
        answer = heard(connection)
        assert connection.recv(1) == b""
    assert answer.startswith(b"HTTP/1.1 201")
    assert b"\r\nconnection: close\r\n" in answer
    assert not any("exception" in event or "trace" in event for event in sqlite_server.events())


def test_what_breaks_off_is_not_done(sqlite_server: Server, email: str) -> None:
    token = sign_up(sqlite_server, email).access
    broken = chunks(chunk(GOOD), b"zz\r\n").replace(TOKEN.encode(), token.encode())
    assert ask(sqlite_server, broken).verdict == NO_REQUEST
    with sqlite_server.client(token) as ada:
        assert ada.get("/v1/items").json()["data"] == []
    assert not any("exception" in event or "trace" in event for event in sqlite_server.events())


# --------------------------------------------------------------------------- too many at once
FILES = 400


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let whatever is started open few files only."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@ONE_DATABASE
@pytest.mark.usefixtures("few_files")
def test_connections_beyond_the_room_are_told_to_come_again(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (4 * FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    with ExitStack() as opened:
        held = [opened.enter_context(connected(server)) for _ in range(FILES // 2)]
        with connected(server) as late:
            answer = heard(late)
            assert late.recv(1) == b""
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"\r\nretry-after: 1\r\n" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == (
            "SERVICE_UNAVAILABLE"
        )
        held[0].sendall(HEAD + b"x\r\n\r\n")
        assert heard(held[0]).startswith(b"HTTP/1.1 200")
    time.sleep(0.2)  # until the server has seen them go
    assert ask(server, HEAD + b"x\r\n\r\n").status == 200
