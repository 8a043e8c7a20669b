"""Turns: everybody has one at each operation, round by round."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders import OPERATIONS, Contender
from tests.benchmarks.load import Figure

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


def take_turns(
    up: Sequence[Contender],
    *,
    rounds: int,
    seconds: float,
    connections: Sequence[int],
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
