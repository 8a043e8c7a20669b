"""Proves that half an export is never taken for the whole, by a real server's real client."""

import socket

import httpx
import pytest

from tests.black_box.server import PATIENCE, Server, Tokens, sign_up

pytestmark = pytest.mark.black_box

EXPORT = "/v1/users/me/export"
LARGE = {"op": "create", "item": {"title": "Lamp oil", "description": "x" * 10_000}}
SLOW = (socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
"""A client that leaves most of an answer with the server until it reads it."""

FAST = (socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
"""And that takes all of it at once then."""


def rich(server: Server, email: str) -> Tokens:
    """Open an account with more than a connection holds: some megabytes."""
    tokens = sign_up(server, email)
    with server.client(tokens.access) as client:
        for _ in range(7):
            made = client.post("/v1/items/batch", json={"operations": [LARGE] * 95})
            assert made.status_code == httpx.codes.OK, made.text
    return tokens


def test_an_export_whose_session_ends_is_an_incomplete_transfer(
    sqlite_server: Server, email: str
) -> None:
    tokens = rich(sqlite_server, email)
    slow = httpx.HTTPTransport(socket_options=[SLOW])
    bearer = {"Authorization": f"Bearer {tokens.access}"}
    with (
        httpx.Client(transport=slow, headers=bearer, timeout=PATIENCE) as client,
        client.stream("GET", sqlite_server.url + EXPORT) as answer,
    ):
        assert answer.status_code == httpx.codes.OK
        pieces = answer.iter_raw()
        next(pieces)
        with sqlite_server.client(tokens.access) as elsewhere:
            assert elsewhere.post("/v1/auth/logout").status_code == httpx.codes.NO_CONTENT
        answer.extensions["network_stream"].get_extra_info("socket").setsockopt(*FAST)
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            for _ in pieces:
                pass
    told = [event for event in sqlite_server.events() if event.get("cause") == "TOKEN_REVOKED"]
    assert [event["message"] for event in told] == ["answer broken off"]
    assert not {"error", "critical"} & {event["level"] for event in sqlite_server.events()}
    log = sqlite_server.log.read_text()
    assert "Traceback" not in log
    assert tokens.access not in log
