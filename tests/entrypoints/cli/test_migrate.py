"""Proves that a database is brought up to date on demand, and that others' are left alone."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Run, refused
from tests.postgresql import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create_database()
    yield url
    server.drop_database(url)


def test_an_empty_database_is_migrated_once(run: Run, empty: str) -> None:
    first, second = (run("migrate", DATABASE_URL=empty) for _ in range(2))
    assert (first.exit_code, first.stdout) == (0, "The schema is up to date now.\n")
    assert (second.exit_code, second.stdout) == (0, "The schema was up to date already.\n")
    assert first.stderr == second.stderr == ""


def test_programs_are_told_whether_anything_was_done(run: Run, empty: str) -> None:
    told = [json.loads(run("migrate", "--json", DATABASE_URL=empty).stdout) for _ in range(2)]
    assert told == [{"migrated": True}, {"migrated": False}]


def test_a_database_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE theirs (id INTEGER)")
    (line,) = refused(run("migrate", DATABASE_URL=f"sqlite:///{path}"), code=1)
    assert "another application" in line
    finished = run("migrate", "--json", DATABASE_URL=f"sqlite:///{path}")
    assert (finished.exit_code, finished.stdout) == (1, "")
    assert json.loads(finished.stderr)["error"]["code"] == "SERVICE_UNAVAILABLE"
    with closing(sqlite3.connect(path)) as theirs:
        names = theirs.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("theirs",)]
