"""Proves that a refresh whose reply was lost in a crash is asked for again, and a theft is not."""

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from tests.black_box.server import PATIENCE, Server, Start, Tokens, refreshed, sign_up
from tests.postgresql import connect

pytestmark = pytest.mark.black_box

CRASHES = 2
GRACE = {"REFRESH_GRACE": "600"}
GRACE_IS_OVER = {"REFRESH_GRACE": "0"}
COUNTS = "SELECT counter FROM sessions"
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""A crash loses nothing on either; what is then made of a token does not depend on which."""

Count = Callable[[], int]


@contextmanager
def looking(database: str) -> Iterator[Count]:
    """Look at how often the one session there is was refreshed, as it is committed now."""
    connection: Any
    if database.startswith("sqlite:"):
        path = database.removeprefix("sqlite:///")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    else:
        connection = connect(database)

    def count() -> int:
        ((found,),) = connection.execute(COUNTS).fetchall()
        return int(found)

    with closing(connection):
        yield count


@contextmanager
def asked(server: Server, tokens: Tokens) -> Iterator[socket.socket]:
    """Ask for the successor of a refresh token, without listening to the answer."""
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh}).encode()
    place = urlsplit(server.url)
    head = (
        f"POST /v1/auth/token HTTP/1.1\r\nHost: {place.netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), PATIENCE) as client:
        client.sendall(head.encode() + form)
        yield client


def die_after_the_commit(server: Server, count: Count, before: int) -> None:
    """Kill the server as soon as a rotation is committed."""
    deadline = time.monotonic() + PATIENCE
    while count() == before:
        assert time.monotonic() < deadline, "nothing was committed"
    server.kill()


def lose_a_reply(server: Server, database: str, tokens: Tokens) -> None:
    """Have a refresh committed whose answer nobody gets, for the server is gone."""
    with looking(database) as count:
        before = count()
        with asked(server, tokens):
            die_after_the_commit(server, count, before)
        assert count() == before + 1


def is_alive(server: Server, access: str) -> bool:
    with server.client(access) as client:
        answer = client.get("/v1/auth/sessions")
    if answer.status_code == httpx.codes.OK:
        assert [one["current"] for one in answer.json()["data"]] == [True]
        return True
    assert answer.json()["error"]["code"] == "TOKEN_REVOKED"
    return False


def refusal(server: Server, tokens: Tokens) -> str:
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    with server.client() as nobody:
        answer = nobody.post("/v1/auth/token", data=form)
    assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
    code: str = answer.json()["error"]["code"]
    return code


def test_a_reply_that_a_crash_swallowed_is_given_again_however_often(
    start: Start, database: str
) -> None:
    server = start(DATABASE_URL=database, **GRACE)
    tokens = sign_up(server)
    first = tokens
    for _ in range(CRASHES):
        lose_a_reply(server, database, tokens)
        server = start(DATABASE_URL=database, **GRACE)
        with server.client() as nobody, looking(database) as count:
            lost = count()
            again, once_more = refreshed(nobody, tokens), refreshed(nobody, tokens)
            assert again.refresh == once_more.refresh != tokens.refresh
            assert count() == lost
            assert all(is_alive(server, each.access) for each in (tokens, again, once_more))
            tokens = refreshed(nobody, again)
    assert is_alive(server, tokens.access)
    assert refusal(server, first) == "REFRESH_TOKEN_REUSED"
    assert refusal(server, tokens) == "INVALID_REFRESH_TOKEN"
    assert not is_alive(server, tokens.access)


@ONE_DATABASE
def test_a_token_from_before_the_lost_reply_is_a_copy_also_after_the_crash(
    start: Start, database: str
) -> None:
    server = start(DATABASE_URL=database, **GRACE)
    first = sign_up(server)
    with server.client() as nobody:
        second = refreshed(nobody, first)
    lose_a_reply(server, database, second)
    server = start(DATABASE_URL=database, **GRACE)
    assert refusal(server, first) == "REFRESH_TOKEN_REUSED"
    assert refusal(server, second) == "INVALID_REFRESH_TOKEN"
    assert not is_alive(server, second.access)


@ONE_DATABASE
def test_who_asks_again_after_the_grace_ends_the_session_also_after_a_crash(
    start: Start, database: str
) -> None:
    server = start(DATABASE_URL=database, **GRACE)
    tokens = sign_up(server)
    lose_a_reply(server, database, tokens)
    server = start(DATABASE_URL=database, **GRACE_IS_OVER)
    assert is_alive(server, tokens.access)
    assert refusal(server, tokens) == "REFRESH_TOKEN_REUSED"
    assert refusal(server, tokens) == "INVALID_REFRESH_TOKEN"
    assert not is_alive(server, tokens.access)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_that_dies_before_it_has_made_its_answer_has_lost_nothing(
    start: Start, database: str
) -> None:
    """A server that has just started cannot sign before it has read the keys, which are held."""
    tokens = sign_up(server := start(DATABASE_URL=database, **GRACE))
    server.stop()
    server = start(DATABASE_URL=database, **GRACE)
    holding = closing(connect(database, autocommit=False))
    with holding as holder, looking(database) as count:
        holder.execute("LOCK TABLE signing_keys IN ACCESS EXCLUSIVE MODE")
        with asked(server, tokens) as client:
            die_after_the_commit(server, count, before=0)
            assert received(client) == b""
    server = start(DATABASE_URL=database, **GRACE)
    with server.client() as nobody:
        again = refreshed(nobody, tokens)
        assert is_alive(server, refreshed(nobody, again).access)
    assert refusal(server, tokens) == "REFRESH_TOKEN_REUSED"


def received(client: socket.socket) -> bytes:
    """Return what has come of an answer; nothing when the connection broke."""
    try:
        return client.recv(1000)
    except ConnectionError:
        return b""
