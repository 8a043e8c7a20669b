"""Basalt beside its peers: the same work on the same items, side by side in one run.

Every server has one core, and the load the other. All are up at once and take turns, so that a
machine that is busy elsewhere slows all of them down alike. Writes a table of ratios, charts, and
the figures of docs/benchmarks.md. Run it with `make bench`, which brings what it needs.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import contenders, costs, growth, steps
from tests.benchmarks.contenders import Contender
from tests.benchmarks.load import wrk
from tests.benchmarks.report import written
from tests.benchmarks.turns import say, take_turns
from tests.postgresql import PostgresServer

CONNECTIONS = (16, 1, 256)


@contextmanager
def everybody(place: Path, *, count: int) -> Iterator[Sequence[Contender]]:
    """Start all, one after another, each filled with the same items."""
    with ExitStack() as stack:
        say("starting PostgreSQL")
        server = stack.enter_context(PostgresServer.start(durable=True))
        data = place / "basalt-sqlite" / "data" / "basalt.db"
        ways: tuple[Callable[[], AbstractContextManager[Contender]], ...] = (
            lambda: contenders.basalt(
                place / "basalt-sqlite",
                name="Basalt on SQLite",
                note="WAL, synchronous=FULL; every request asks whether its session lives",
                count=count,
            ),
            lambda: contenders.pocketbase(place / "pocketbase", count=count),
            lambda: contenders.basalt(
                place / "basalt-postgresql",
                name="Basalt on PostgreSQL",
                note="synchronous_commit=on; every request asks whether its session lives",
                count=count,
                url=server.create_database(),
            ),
            lambda: contenders.textbook(
                place / "textbook", url=server.create_database(), count=count
            ),
            lambda: contenders.bare_fastapi(place / "bare-fastapi"),
            lambda: contenders.bare_starlette(place / "bare-starlette", database=data),
        )
        up: list[Contender] = []
        for begin in ways:
            up.append(stack.enter_context(begin()))
            say(f"{up[-1].name} is up")
        yield up


def main() -> None:
    """Measure, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--seconds", type=float, default=2, help="how long a turn is (default 2)")
    parser.add_argument(
        "--items", type=int, default=20_000, help="items of the user (default 20000)"
    )
    parser.add_argument("--connections", type=int, nargs="*", default=CONNECTIONS)
    parser.add_argument("--docs", type=Path, help="write benchmarks.md and its charts there")
    asked = parser.parse_args()
    if len(os.sched_getaffinity(0)) <= 1:
        parser.error("two processor cores are needed: one for the servers, one for the load")
    wrk()
    with tempfile.TemporaryDirectory(prefix="basalt-bench-") as folder:
        place = Path(folder)
        with everybody(place, count=asked.items) as up:
            notes = {one.name: one.note for one in up}
            rows = list(
                take_turns(
                    up,
                    rounds=asked.rounds,
                    seconds=asked.seconds,
                    connections=asked.connections,
                )
            )
        measured: Mapping[str, object] = {
            "turns": f"{asked.rounds} turns of {asked.seconds:g} s, {asked.items:,} items",
            "python": sys.version.split()[0],
            "notes": notes,
            "rows": [asdict(row) for row in rows],
            "costs": costs.measured(place / "costs", say),
            "growth": growth.measured(place / "growth", rounds=asked.rounds, seconds=asked.seconds),
            "steps": steps.measured(place / "steps", say),
        }
    print(written(json.loads(json.dumps(measured)), asked.docs))


if __name__ == "__main__":
    main()
