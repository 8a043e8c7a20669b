"""Server-sent events as a client hears them, in a thread, each with the moment it came."""

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.black_box.server import PATIENCE, Server

PATH = "/v1/items/changes/stream"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its cursor, its kind, what it says, and when it came."""

    id: str
    kind: str
    data: dict[str, Any]
    at: float


@dataclass
class Listener:
    """Listens to a stream until it ends, or until it has enough."""

    server: Server
    token: str
    last_id: str | None = None
    events: list[Event] = field(default_factory=list)
    ended_at: float | None = None
    failure: Exception | None = None
    status: int = 0

    def __enter__(self) -> Self:
        self._client = self.server.client(self.token)
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._begun.wait(PATIENCE), "no stream began"
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # it may have ended already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._client.close()

    def wait_for(self, count: int, patience: float = PATIENCE) -> list[Event]:
        """Return the first events once there are that many."""
        deadline = time.monotonic() + patience
        while len(self.events) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.events) >= count, f"{len(self.events)} of {count} events came"
        return self.events[:count]

    def wait_for_end(self, patience: float = PATIENCE) -> float:
        """Return when the stream ended."""
        self._thread.join(patience)
        assert self.ended_at is not None, "the stream goes on"
        assert self.failure is None, self.failure
        return self.ended_at

    def _listen(self) -> None:
        headers = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        try:
            with self._client.stream("GET", PATH, headers=headers) as answer:
                self.status = answer.status_code
                self._socket: socket.socket = answer.extensions["network_stream"].get_extra_info(
                    "socket"
                )
                self._begun.set()
                self._read(answer)
        except Exception as failure:  # noqa: BLE001  # told to whoever waits for the end
            self.failure = failure
        self.ended_at = time.monotonic()
        self._begun.set()

    def _read(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                said = json.loads(fields["data"])
                self.events.append(Event(fields["id"], fields["event"], said, time.monotonic()))
                fields = {}
