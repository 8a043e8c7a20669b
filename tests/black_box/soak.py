"""Mixed work for minutes on end, while the database has one fault after the other.

    .venv/bin/python -m tests.black_box.soak [--minutes 10] [--database postgresql] [--seed 1]

No answer may be a 5xx but 503, and memory has to level off. Prints how many answers of each
status there were, the memory over time, and what was wrong.
"""

import argparse
import fcntl
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import httpx
import psutil

from tests.black_box.faults import Person
from tests.black_box.server import CHEAP, Server, environment
from tests.postgresql import PostgresServer, connect

WORKERS = 6
CALM = 10.0
"""Seconds between two faults."""

FAULT = 4.0
"""Seconds that a fault lasts, unless it is over at once."""

GROWTH_MIB = 24.0
"""MiB by which the last third of the time may lie above the second: caches are full by then."""

Fault = Callable[[], None]


def sqlite_faults(folder: Path) -> Sequence[Fault]:
    """Return what can befall a SQLite file while it is at work."""
    file = folder / "data" / "basalt.db"

    def in_use() -> None:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            time.sleep(FAULT)

    def queued() -> None:
        with file.with_name("basalt.db.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            time.sleep(FAULT)

    return in_use, queued


def postgresql_faults(server: PostgresServer, url: str) -> Sequence[Fault]:
    """Return what can befall a PostgreSQL while it is at work."""

    def backends_end() -> None:
        with connect(url) as stranger:
            stranger.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    def stands_still() -> None:
        server.pause()
        try:
            time.sleep(FAULT)
        finally:
            server.resume()

    def is_locked() -> None:
        with connect(url, autocommit=False) as stranger:
            stranger.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
            time.sleep(FAULT)

    def restarts() -> None:
        server.restart()

    return backends_end, stands_still, is_locked, restarts


class Work(threading.Thread):
    """Asks for one thing after the other, in an order of its own, and counts the answers."""

    def __init__(self, server: Server, number: int, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.person = Person(server, f"{number}@example.com")
        self.chance = random.Random(seed + number)
        self.stop = stop
        self.statuses: Counter[int] = Counter()
        self.odd: list[str] = []

    def run(self) -> None:
        """Go on until it is enough. A connection may break only where the server ends it."""
        with self.person.client() as client:
            while not self.stop.is_set():
                asked = [*self.person.reads * 3, *self.person.writes[:2] * 3, self._batch]
                self._count(self.chance.choice(asked)(client))
                if self.chance.random() < 0.02:
                    self._clean(client)

    def _count(self, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.odd.append(f"{answer.request.method} {answer.request.url}: {answer.text}")

    def _batch(self, client: httpx.Client) -> httpx.Response:
        new = [{"op": "create", "item": {"title": f"Lamp {number}"}} for number in range(5)]
        return client.post("/v1/items/batch", json={"operations": new})

    def _clean(self, client: httpx.Client) -> None:
        """Remove most of what there is, so that growth is not for more items."""
        page = client.get("/v1/items", params={"limit": 100})
        self._count(page)
        if page.is_success:
            gone = [each for each in page.json()["data"] if each["id"] != self.person.item_id]
            operations = [{"op": "delete", "id": each["id"]} for each in gone]
            if operations:
                self._count(client.post("/v1/items/batch", json={"operations": operations}))


def soak(server: Server, faults: Sequence[Fault], *, minutes: float, seed: int) -> list[str]:
    """Work and suffer for so long; return what was wrong."""
    stop, process = threading.Event(), psutil.Process(server.process.pid)
    workers = [Work(server, number, seed, stop) for number in range(WORKERS)]
    chance, memory, suffered = random.Random(seed), list[float](), Counter[str]()
    for worker in workers:
        worker.start()
    began = time.monotonic()
    try:
        while time.monotonic() - began < minutes * 60:
            time.sleep(CALM)
            fault = chance.choice(faults)
            fault()
            suffered[fault.__name__] += 1
            memory.append(process.memory_info().rss / 2**20)
            print(f"{time.monotonic() - began:6.0f} s  {memory[-1]:5.0f} MiB  {fault.__name__}")
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    statuses = sum((worker.statuses for worker in workers), Counter[int]())
    print(f"answers: {dict(sorted(statuses.items()))}; faults: {dict(suffered)}")
    wrong = [line for worker in workers for line in worker.odd]
    third = len(memory) // 3
    if third:
        early, late = median(memory[third : 2 * third]), median(memory[2 * third :])
        print(f"memory: {memory[0]:.0f} MiB at first, {early:.0f} then, {late:.0f} at last")
        if late - early > GROWTH_MIB:
            wrong.append(f"memory grew from {early:.0f} to {late:.0f} MiB")
    time.sleep(1)
    workers[0].person.is_well()
    return wrong


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[str, Sequence[Fault]]]:
    """Yield the address of a database, and its faults."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/data/basalt.db", sqlite_faults(folder)
        return
    with PostgresServer.start() as server:
        url = server.create_database()
        yield url, postgresql_faults(server, url)


def main() -> None:
    """Go through it on one database or both; exit with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="*")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    wrong: list[str] = []
    for kind in asked.database or ("sqlite", "postgresql"):
        print(f"{kind}, {asked.minutes:g} minutes, seed {asked.seed}")
        with tempfile.TemporaryDirectory(prefix="basalt-soak-") as place:
            folder = Path(place)
            with database_of(kind, folder) as (url, faults):
                own = CHEAP | {"BASALT_DATABASE_URL": url, "BASALT_ACCESS_TOKEN_TTL": "86400"}
                server = Server(folder, environment(folder, **own))
                try:
                    wrong += soak(server, faults, minutes=asked.minutes, seed=asked.seed)
                finally:
                    server.process.send_signal(signal.SIGTERM)
                    server.kill()
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
