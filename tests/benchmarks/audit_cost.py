"""Measures what the audit chain costs: sign-ins and refreshes of several workers on PostgreSQL.

    .venv/bin/python -m tests.benchmarks.audit_cost [--seconds 5] [--workers 4]

Each worker is a container of its own with threads of its own, without HTTP and with cheap hashes,
so that the database and the one row at the trail's end are all that is left to wait for. The runs
with the chain and without it take turns.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr

from domain.access import Origin
from domain.errors import BasaltError
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.postgresql import PostgresServer

PASSWORD = "an orchard of quiet lamps"
THREADS = 2
TURNS = 3
HERE = Origin(address="192.0.2.1", user_agent="an agent", request_id="a request")


class NoAuditor:
    """Writes nothing."""

    def record(self, *_: object, **__: object) -> None:
        """Forget it."""


def worker(url: str, folder: Path, *, audited: bool) -> Container:
    """Return a worker's container."""
    cheap: dict[str, Any] = {"argon2_memory_kib": 8, "argon2_time": 1, "rate_limits": False}
    settings = Settings(
        data_dir=folder, database_url=SecretStr(url), secret_key=SecretStr("Kq2x" * 10), **cheap
    )
    container = Container(settings=settings)
    if not audited:
        container.auditor.override(NoAuditor())
    return container


def per_second(acts: list[Callable[[], object]], seconds: float) -> float:
    """Let each act run in a thread of its own for so long; return how many a second succeed."""
    done, ends = [0] * len(acts), time.monotonic() + seconds

    def run(number: int) -> None:
        while time.monotonic() < ends:
            try:
                acts[number]()
            except BasaltError as error:
                print(f"  {error.code}")
            else:
                done[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def signing_in(containers: list[Container]) -> list[Callable[[], object]]:
    """Return sign-ins, each of an account of its own."""
    acts: list[Callable[[], object]] = []
    for number in range(len(containers) * THREADS):
        container, email = containers[number // THREADS], f"{time.monotonic_ns()}@example.com"
        container.register()(email, PASSWORD)
        acts.append(partial(container.sign_in(), email, PASSWORD, None, HERE))
    return acts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    found: dict[bool, list[float]] = {True: [], False: []}
    with PostgresServer.start(durable=True) as server, tempfile.TemporaryDirectory() as name:
        url = server.create_database()
        first = worker(url, Path(name), audited=True)
        first.migrate()()
        first.prepare_keys()()
        for _ in range(TURNS):
            for audited in (True, False):
                containers = [
                    worker(url, Path(name), audited=audited) for _ in range(asked.workers)
                ]
                found[audited].append(per_second(signing_in(containers), asked.seconds))
                for container in containers:
                    container.database().close()
        first.database().close()
    with_chain, without = median(found[True]), median(found[False])
    print(f"sign-ins a second, {asked.workers} workers with {THREADS} threads each:")
    print(f"  with the chain {with_chain:.0f}, without {without:.0f}: {with_chain / without:.0%}")
    print(f"  {1000 / with_chain - 1000 / without:+.2f} ms for each sign-in in all")


if __name__ == "__main__":
    main()
