"""Proves that the operators' table of pools and waits says what the code does."""

import os
import re
from pathlib import Path

import pytest

from entrypoints.cli import connection, serving, taking
from entrypoints.http import application, bodies, jobs
from tests.entrypoints.conftest import SettingsOf

TABLE = (
    Path(__file__)
    .parents[3]
    .joinpath("docs", "operations.md")
    .read_text()
    .partition("## Pools and waits")[2]
    .partition("\n## ")[0]
)
ROWS = dict(re.findall(r"^\| (.+?) \| (.+?) \|", TABLE, flags=re.MULTILINE))


@pytest.mark.parametrize(("processors", "worker", "hashing"), [(1, 6, 1), (4, 12, 3), (64, 32, 8)])
def test_there_are_as_many_threads_as_it_says(
    settings_of: SettingsOf,
    monkeypatch: pytest.MonkeyPatch,
    processors: int,
    worker: int,
    hashing: int,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(processors))
    settings = settings_of()
    assert (settings.threads, settings.hashers) == (worker, hashing)
    assert settings.pool_size == worker + hashing
    assert "4 and 2 for each processor, at most 32" in ROWS["threads for use cases"]
    assert "one for each processor but one, 1 to 8" in ROWS["threads for hashing"]


def test_waits_are_as_long_as_it_says(settings_of: SettingsOf) -> None:
    settings = settings_of()
    waits = {
        "a call, until its caller is answered": jobs.PATIENCE,
        "a call, until a thread takes it": jobs.BEGUN_WITHIN,
        "the head of a request": settings.receive_timeout,
        "an idle connection": serving.KEEP_ALIVE,
        "64 KiB of an answer": taking.TAKEN_WITHIN,
        "stopping": settings.drain_delay,
    }
    for begin, seconds in waits.items():
        (told,) = [told for what, told in ROWS.items() if what.startswith(begin)]
        assert told.startswith(f"{seconds:g} s"), begin
    assert f"then {settings.shutdown_grace} s" in ROWS["stopping"]


def test_there_is_as_much_room_as_it_says() -> None:
    assert f"{application.QUEUE:,} calls wait" in ROWS["threads for use cases"]
    assert f"{connection.CONNECTIONS_MAX:,}" in ROWS["network connections"]
    assert f"less {connection.SPARE_FILES}," in ROWS["network connections"]
    assert f"{bodies.ROOM // 2**20} MiB, or {bodies.LARGEST_AT_ONCE} of" in TABLE
    assert f"| {taking.TAKEN_AT_LEAST // 2**10} KiB of an answer" in TABLE
