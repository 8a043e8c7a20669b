"""A real `basalt serve`: its process, its log, and calls as a client makes them."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

PATIENCE = 30.0
PASSWORD = "an orchard of quiet lamps"
BASALT = Path(sys.executable).with_name("basalt")
CHEAP = {"BASALT_ARGON2_MEMORY_KIB": "8", "BASALT_ARGON2_TIME": "1"}

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here, and every client would take 60 ms to read all authorities."""


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process of ours, with these settings and no other."""
    inherited = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    own = {
        "BASALT_DATA_DIR": str(folder / "data"),
        "BASALT_LOG_FORMAT": "json",
        "BASALT_RATE_LIMITS": "off",
        "BASALT_DRAIN_DELAY": "0",  # no load balancer has to turn away
    }
    return inherited | own | settings


def _is_ours(name: str) -> bool:
    return name.startswith("BASALT_")


class Server:
    """One run of `basalt serve` on a free port."""

    def __init__(self, folder: Path, environ: dict[str, str], *words: str) -> None:
        self.folder = folder
        self.environ = environ
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [BASALT, "serve", "--port", "0", *words],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self.url = self._announced()
            self.await_ready()
        except BaseException:
            self.kill()
            raise

    def client(self, token: str | None = None) -> httpx.Client:
        """Return a client, which sends this access token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, verify=NO_TLS)

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End the server, its workers included, as if the machine had failed."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what the log says."""
        for line in self.log.read_text().splitlines():
            if line.startswith("{"):
                yield json.loads(line)

    def _announced(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"running on (http://127\.0\.0\.1:\d+)", self.log.read_text())
            if found:
                return found[1]
            time.sleep(0.01)
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def await_ready(self) -> None:
        """Wait until the server says that requests can be served."""
        deadline = time.monotonic() + PATIENCE
        with self.client() as client:
            while time.monotonic() < deadline:
                with suppress(httpx.TransportError):  # it does not listen yet
                    if client.get("/health/ready").status_code == httpx.codes.OK:
                        return
                time.sleep(0.01)
        raise AssertionError(f"the server is not ready: {self.log.read_text()}")


class Start(Protocol):
    """Starts a server in the test's folder, with these settings and words."""

    def __call__(self, *words: str, **settings: str) -> Server: ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave."""

    access: str
    refresh: str


def sign_up(server: Server, email: str = "ada@example.com") -> Tokens:
    """Open an account and sign in."""
    with server.client() as nobody:
        account = {"email": email, "password": PASSWORD}
        assert nobody.post("/v1/users", json=account).status_code == httpx.codes.CREATED
        return sign_in(nobody, email)


def sign_in(client: httpx.Client, email: str = "ada@example.com") -> Tokens:
    """Start a session."""
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    return tokens_of(client.post("/v1/auth/token", data=form))


def refreshed(client: httpx.Client, tokens: Tokens) -> Tokens:
    """Exchange a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    return tokens_of(client.post("/v1/auth/token", data=form))


def tokens_of(answer: httpx.Response) -> Tokens:
    """Return the tokens of an answer that has some."""
    assert answer.status_code == httpx.codes.OK, answer.text
    found = answer.json()
    return Tokens(found["access_token"], found["refresh_token"])
