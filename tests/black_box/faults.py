"""What every fault of a database has in common: how the service must bear it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.black_box.server import PASSWORD, Server, Tokens, refreshed, sign_up

PROMISED = 3.0
"""Seconds within which whoever cannot be served is told so."""

SLACK = 1.0
"""Seconds more that a machine may take which runs other tests besides."""

LIVE_WITHIN = 1.0
"""Seconds that the process may take to say that it serves, whatever its database does."""

Ask = Callable[[httpx.Client], httpx.Response]


@dataclass
class Person:
    """Somebody with an item, who calls a service that may be in trouble."""

    server: Server
    email: str

    def __post_init__(self) -> None:
        self.tokens: Tokens = sign_up(self.server, self.email)
        with self.client() as client:
            made = client.post("/v1/items", json={"title": "Lamp oil"})
            self.user_id: str = client.get("/v1/users/me").json()["id"]
        self.item_id: str = made.json()["id"]
        self.path = made.headers["Location"]

    def client(self) -> httpx.Client:
        """Return a client with this person's token."""
        return self.server.client(self.tokens.access)

    def answered(self, ask: Ask) -> httpx.Response:
        """Ask on a new connection."""
        with self.client() as client:
            return ask(client)

    @property
    def reads(self) -> list[Ask]:
        """Requests that only look."""
        return [
            lambda client: client.get("/v1/users/me"),
            lambda client: client.get(self.path),
            lambda client: client.get("/v1/items", params={"q": "lamp"}),
            lambda client: client.get("/v1/items/changes"),
        ]

    @property
    def writes(self) -> list[Ask]:
        """Requests that store something."""
        refresh = {"grant_type": "refresh_token", "refresh_token": self.tokens.refresh}
        sign_in = {"grant_type": "password", "username": self.email, "password": PASSWORD}
        return [
            lambda client: client.post("/v1/items", json={"title": "Wicks"}),
            lambda client: client.patch(self.path, json={"description": f"{time.monotonic()}"}),
            lambda client: client.post("/v1/auth/token", data=refresh),
            lambda client: client.post("/v1/auth/token", data=sign_in),
        ]

    def is_refused(self, *asked: Ask) -> None:
        """All at once, each is told 503 in time, and the process is alive meanwhile."""
        with alive(self.server), ThreadPoolExecutor(len(asked)) as threads:
            for took, answer in threads.map(self._timed, asked):
                check_refusal(answer)
                assert took < PROMISED + SLACK, f"{answer.request.url} took {took:.1f} s"

    def is_served(self, *asked: Ask) -> None:
        """One after another, the very first included, each is done."""
        for ask in asked:
            answer = self.answered(ask)
            assert answer.is_success, f"{answer.request.url}: {answer.text}"

    def is_well(self) -> None:
        """Everything works again, and what was acknowledged before is there."""
        with self.server.client() as nobody:
            assert nobody.get("/health/ready").status_code == httpx.codes.OK
        self.is_served(*self.reads, *self.writes)
        with self.server.client() as nobody:
            self.tokens = refreshed(nobody, self.tokens)  # forgiven, for the reply is not known

    def _timed(self, ask: Ask) -> tuple[float, httpx.Response]:
        with self.client() as client:
            begun = time.monotonic()
            answer = ask(client)
            return time.monotonic() - begun, answer


def check_refusal(answer: httpx.Response) -> None:
    """Whoever cannot be served is told so in the envelope, and when to come again."""
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == ("SERVICE_UNAVAILABLE", {})
    assert int(answer.headers["Retry-After"]) > 0


@contextmanager
def alive(server: Server) -> Iterator[None]:
    """Ask all the while whether the process serves: it always does, and soon."""
    enough, slowest = threading.Event(), 0.0

    def ask() -> None:
        nonlocal slowest
        with server.client() as client:
            while not enough.wait(0.05):
                begun = time.monotonic()
                assert client.get("/health/live").status_code == httpx.codes.OK
                slowest = max(slowest, time.monotonic() - begun)

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(ask)
        try:
            yield
        finally:
            enough.set()
        asking.result()
    assert slowest < LIVE_WITHIN, f"/health/live took {slowest:.2f} s"


def not_ready(server: Server) -> None:
    """The service says that it should be sent nothing."""
    with server.client() as nobody:
        begun = time.monotonic()
        check_refusal(nobody.get("/health/ready"))
    assert time.monotonic() - begun < PROMISED + SLACK


def causes(server: Server) -> set[str]:
    """Return the names that the log has for why requests were refused."""
    return {event["cause"] for event in server.events() if "cause" in event}
