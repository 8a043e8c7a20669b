"""What came of a benchmark, as tables and charts."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Measured = Mapping[str, Any]

BEGIN, END = "<!-- begin: written by make bench -->\n", "<!-- end: written by make bench -->\n"
SQLITE, POSTGRESQL, POCKETBASE = "Basalt on SQLite", "Basalt on PostgreSQL", "PocketBase"
TEXTBOOK, BARE = "textbook FastAPI", "bare FastAPI"

BARS = (
    ("get an item, SQLite", SQLITE, POCKETBASE, "get", 1.0, 1.2),
    ("create an item, SQLite", SQLITE, POCKETBASE, "create", 0.8, 1.2),
    ("list 20, SQLite", SQLITE, POCKETBASE, "list", 1.2, 2.0),
    ("patch, SQLite", SQLITE, POCKETBASE, "patch", 0.8, 1.2),
    ("refresh, SQLite", SQLITE, POCKETBASE, "refresh", 0.8, None),
    ("get, PostgreSQL", POSTGRESQL, TEXTBOOK, "get", 4.0, None),
    ("create, PostgreSQL", POSTGRESQL, TEXTBOOK, "create", 4.0, None),
    ("list, PostgreSQL", POSTGRESQL, TEXTBOOK, "list", 4.0, None),
    ("get, SQLite", SQLITE, BARE, "get", 0.38, 0.55),
)
"""What was hoped for: who against whom, the least ratio, and the one aimed at."""

STEPS = {
    "framework": "the framework: a planned route with one dependency and nothing to do",
    "authentication": "authentication: the token, and whether what it says holds",
    "session": "the session's row, with its user's",
    "query": "the item's row, and the entity made of it",
    "access": "who may see it, and the ways to and from the use case",
    "answer": "serialisation: model and JSON",
    "middleware": "middleware: request id, headers, errors",
    "log": "logging: the access line",
    "rest": "all else: routes, path and query checks, the header with the tag",
}


def written(measured: Measured, docs: Path | None) -> str:
    """Return the figures as Markdown; with a folder for docs, write them and the charts there."""
    text = "\n".join(_sections(measured))
    if docs is not None:
        page = docs / "benchmarks.md"
        before, _, rest = page.read_text().partition(BEGIN)
        page.write_text(before + BEGIN + text + END + rest.partition(END)[2])
        figures = docs / "benchmarks.json"
        figures.write_text(json.dumps(measured, indent=1) + "\n")
        words = [sys.executable, "-m", "tests.benchmarks.charts", str(figures), str(docs)]
        subprocess.run(words, check=True)
        figures.unlink()
    return text


def _sections(measured: Measured) -> Iterator[str]:
    rows = measured["rows"]
    yield f"Python {measured['python']}, {measured['turns']}; medians, in brackets the extremes.\n"
    for name, note in measured["notes"].items():
        yield f"- **{name}**: {note}"
    yield "\n### Against the peers, 16 connections\n"
    yield "| | measured | least | aim |\n|---|---|---|---|"
    yield from _bars(rows)
    for many in sorted({row["connections"] for row in rows}):
        yield f"\n### Requests a second, {many} connection{'s' * (many > 1)}\n"
        yield from _table(rows, many)
    yield "\n### Latency, 99th percentile in milliseconds\n"
    yield from _latencies(rows)
    yield "\n### Where the time of reading an item goes\n"
    yield "Inside the process, without a socket, in microseconds:\n"
    yield "| step | µs |\n|---|---|"
    steps = measured["steps"]
    for key, meaning in STEPS.items():
        yield f"| {meaning} | {steps[key]:.0f} |"
    yield f"| **all of it** | **{steps['whole']:.0f}** |"
    costs = measured["costs"]
    yield "\n### What it costs to run\n"
    first = costs["first_answer_seconds"]
    yield f"- First answer {first:.2f} s after `basalt serve`, in an empty folder."
    yield (
        f"- {costs['idle_worker_mib']:.0f} MiB for an idle worker, "
        f"{costs['idle_worker_after_hashing_mib']:.0f} once it has hashed passwords."
    )
    for workers, got in costs["workers"].items():
        yield (
            f"- {workers} worker{'s' * (workers != '1')} on PostgreSQL, {costs['cores']} cores for "
            f"all, load and database included: {statistics.median(got):,.0f} reads a second "
            f"({min(got):,.0f}–{max(got):,.0f})."
        )
    yield "\n### While a database grows\n"
    yield "Requests a second, 16 connections; one user owns three in ten of the items.\n"
    yield from _growth(measured["growth"])
    yield ""


def _growth(growth: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    """Yield each operation's figures by the number of items, and the last beside the first."""
    sizes = list(next(iter(next(iter(growth.values())).values())))
    heads = [f"{int(size):,} items" for size in sizes]
    yield f"| | {' | '.join(heads)} | last to first |\n" + "|---" * (len(sizes) + 2) + "|"
    for database, operations in growth.items():
        for operation, got in operations.items():
            cells = [f"{got[size]:,.0f}" for size in sizes]
            ratio = got[sizes[-1]] / got[sizes[0]]
            yield f"| {operation}, {database} | {' | '.join(cells)} | {ratio:.2f} |"


def _bars(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for title, own, other, operation, least, aim in BARS:
        ratio = _ratio(rows, own, other, operation)
        if ratio is not None:
            low, middle, high = ratio
            shown = f"{middle:.2f} × {other} ({low:.2f}–{high:.2f})"
            yield f"| {title} | {shown} | {least:g} | {'' if aim is None else f'{aim:g}'} |"
    ours, theirs = (_row(rows, name, "get", 256) for name in (SQLITE, POCKETBASE))
    if ours and theirs:
        shown = f"{ours['p99_ms']:.0f} ms against {theirs['p99_ms']:.0f} ms"
        ratio_of_p99 = ours["p99_ms"] / theirs["p99_ms"]
        yield f"| p99 of get, 256 connections | {shown}: {ratio_of_p99:.2f} | at most 2 | |"


def _ratio(
    rows: Sequence[Mapping[str, Any]], own: str, other: str, operation: str
) -> tuple[float, float, float] | None:
    """Return the least, the middle and the largest ratio of turns that followed each other."""
    ours, theirs = (_row(rows, name, operation, 16) for name in (own, other))
    if not ours or not theirs:
        return None
    ratios = [a / b for a, b in zip(ours["per_second"], theirs["per_second"], strict=True)]
    return min(ratios), statistics.median(ratios), max(ratios)


def _row(
    rows: Sequence[Mapping[str, Any]], contender: str, operation: str, connections: int
) -> Mapping[str, Any] | None:
    asked = (contender, operation, connections)
    for row in rows:
        if (row["contender"], row["operation"], row["connections"]) == asked:
            return row
    return None


def _table(rows: Sequence[Mapping[str, Any]], many: int) -> Iterator[str]:
    names = list(dict.fromkeys(row["contender"] for row in rows))
    yield "| | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|"
    for operation in dict.fromkeys(row["operation"] for row in rows):
        cells = [_cell(_row(rows, name, operation, many)) for name in names]
        if any(cells):
            yield f"| {operation} | " + " | ".join(cells) + " |"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    got = row["per_second"]
    return f"{statistics.median(got):,.0f} ({min(got):,.0f}–{max(got):,.0f})"


def _latencies(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(row["contender"] for row in rows))
    yield "| | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|"
    for operation in dict.fromkeys(row["operation"] for row in rows):
        for many in sorted({row["connections"] for row in rows}):
            found = [_row(rows, name, operation, many) for name in names]
            if any(found):
                cells = ["" if row is None else f"{row['p99_ms']:.1f}" for row in found]
                yield f"| {operation}, {many} | " + " | ".join(cells) + " |"
