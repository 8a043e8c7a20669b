"""A server in a thread that hears as ours does, for an application of the tests' own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import uvicorn

from entrypoints.cli.hearing import Hearing

PATIENCE = 10.0
"""Seconds for what must come."""

PIECE = b"x" * 65_536


class Told:
    """An application that does as the path says, and notes what it is told."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.gone = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the path, after what the path says."""
        path = scope["path"]
        if path == "/read" and not await self._has_read(receive):
            return
        if path == "/slow":
            await asyncio.sleep(0.2)
        if path == "/stream":
            await self._stream(send)
        elif path == "/flood":
            await self._flood(receive, send)
        elif path == "/broken":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        elif path == "/quiet":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await self._until_gone(receive)
        else:
            body = PIECE * 128 if path == "/large" else path.encode()
            length = (b"content-length", str(len(body)).encode())
            await send({"type": "http.response.start", "status": 200, "headers": [length]})
            await send({"type": "http.response.body", "body": body})

    async def _has_read(self, receive: Any) -> bool:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return False
            body, more = body + message["body"], message["more_body"]
        self.read.append(body)
        return True

    async def _stream(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for place in range(5):
            await send({"type": "http.response.body", "body": b"%d" % place, "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body"})

    async def _until_gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()

    async def _flood(self, receive: Any, send: Any) -> None:
        async def flood() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
                await asyncio.sleep(0)

        flooding = asyncio.ensure_future(flood())
        await self._until_gone(receive)
        flooding.cancel()
        with suppress(asyncio.CancelledError):
            await flooding


@contextmanager
def hearing(app: Told, *, patience: float = PATIENCE, keep_alive: int = 5) -> Iterator[int]:
    """Serve, and hand out the port."""
    config = uvicorn.Config(
        app,
        port=0,
        http=partial(Hearing, patience=patience, room=100),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@contextmanager
def connected(port: int, *, buffer: int | None = None) -> Iterator[socket.socket]:
    """Open a connection, perhaps with a small buffer for what comes."""
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", port))
        yield connection


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the end."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def asked(path: str, *headers: str, method: str = "GET") -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()
