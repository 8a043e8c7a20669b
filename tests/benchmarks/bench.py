"""Basalt beside its peers: the same work on the same items, side by side in one run.

Every server has one core, and the load the other. All are up at once and take turns, so that a
machine that is busy elsewhere slows all of them down alike. Writes a table of ratios, charts, and
the figures of docs/benchmarks.md. Run it with `make bench`, which brings what it needs.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks import contenders, costs, steps
from tests.benchmarks.contenders import OPERATIONS, Contender
from tests.benchmarks.load import Figure, wrk
from tests.benchmarks.report import written
from tests.postgresql import PostgresServer

CONNECTIONS = (16, 1, 256)
WITHOUT_ROOM = {("sign-in", 256)}
"""Sign-ins are hashed a few at a time: of so many at once, Basalt turns some away with 503."""

LEAST_SECONDS = {"sign-in": 6.0, "search": 4.0}
"""A turn has to be long enough for some to be answered, also of those who are slow."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one contender got in all its turns at one operation, with so many connections."""

    contender: str
    operation: str
    connections: int
    per_second: Sequence[float]
    median_ms: float
    p99_ms: float


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


def take_turns(
    up: Sequence[Contender], *, rounds: int, seconds: float, connections: Sequence[int]
) -> Iterator[Row]:
    """Let everybody have a turn at each operation, round by round."""
    for many in connections:
        for operation in OPERATIONS:
            able = [one for one in up if operation in one.loads and many <= one.most]
            if (operation, many) in WITHOUT_ROOM or not able:
                continue
            got: dict[str, list[Figure]] = {one.name: [] for one in able}
            least = LEAST_SECONDS.get(operation, 0.0)
            for number in range(rounds + 1):  # the first one is for warming up
                for one in able:
                    load = one.loads[operation](many)
                    figure = load.turn(
                        connections=many, seconds=max(least, seconds if number else 1)
                    )
                    if number:
                        got[one.name].append(figure)
            for name, figures in got.items():
                row = Row(
                    name,
                    operation,
                    many,
                    [figure.per_second for figure in figures],
                    statistics.median(figure.median_ms for figure in figures),
                    statistics.median(figure.p99_ms for figure in figures),
                )
                say(f"{operation:8} x{many:<4} {name:26} {middle(row):9,.0f}/s")
                yield row


def middle(row: Row) -> float:
    """Return the median of a row's turns, in requests a second."""
    return statistics.median(row.per_second)


def say(text: str) -> None:
    """Show how far it is."""
    print(text, flush=True)


def main() -> None:
    """Measure, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
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
                    up, rounds=asked.rounds, seconds=asked.seconds, connections=asked.connections
                )
            )
        measured: Mapping[str, object] = {
            "turns": f"{asked.rounds} turns of {asked.seconds:g} s, {asked.items:,} items",
            "python": sys.version.split()[0],
            "notes": notes,
            "rows": [asdict(row) for row in rows],
            "costs": costs.measured(place / "costs", say),
            "steps": steps.measured(place / "steps", say),
        }
    print(written(json.loads(json.dumps(measured)), asked.docs))


if __name__ == "__main__":
    main()
