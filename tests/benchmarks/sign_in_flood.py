"""Measures what a flood of sign-ins does to everybody else: p99 of reading an item, and memory.

    .venv/bin/python -m tests.benchmarks.sign_in_flood [--seconds 10] [--flood 50]

The issue asks for `GET /v1/items/{id}` under 100 ms at p99 beside 50 parallel sign-ins, and for
memory within the hashing pool's bound. Passwords are hashed with the default parameters.
"""

import argparse
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import httpx
import psutil

from tests.black_box.server import PASSWORD, Server, environment, sign_up

MIB = 1024 * 1024


class Flood:
    """Clients that sign in, one time after another, until they are told to stop."""

    def __init__(self, server: Server, clients: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._enough = threading.Event()
        self._server = server
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def begin(self) -> None:
        """Let all of them begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let them finish what they have begun."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
        with self._server.client() as client:
            while not self._enough.is_set():
                self.statuses[client.post("/v1/auth/token", data=form).status_code] += 1


def memory(server: Server) -> int:
    """Return the resident memory of the server with its workers, in MiB."""
    process = psutil.Process(server.process.pid)
    family = [process, *process.children(recursive=True)]
    return int(sum(one.memory_info().rss for one in family) / MIB)


def reading(client: httpx.Client, path: str, seconds: float) -> list[float]:
    """Read an item again and again for so long; return how many milliseconds each took."""
    taken, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.perf_counter()
        answer = client.get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        taken.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.002)
    return taken


def told(name: str, taken: list[float], server: Server) -> None:
    """Print what was measured."""
    p99 = quantiles(taken, n=100)[-1]
    print(
        f"{name:<12} {len(taken):5} reads, median {median(taken):6.1f} ms, p99 {p99:6.1f} ms, "
        f"max {max(taken):6.1f} ms, memory {memory(server)} MiB"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--flood", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name), environment(Path(name)))
        try:
            sign_up(server)  # whom the flood signs in; its sessions end one another at the cap
            with server.client(sign_up(server, "reader@example.com").access) as ada:
                path = ada.post("/v1/items", json={"title": "Lamp oil"}).headers["Location"]
                told("alone", reading(ada, path, asked.seconds / 2), server)
                flood = Flood(server, asked.flood)
                flood.begin()
                time.sleep(1)
                told("in the flood", reading(ada, path, asked.seconds), server)
                flood.end()
                print(f"sign-ins: {dict(flood.statuses)}")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
