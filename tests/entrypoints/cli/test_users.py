"""Proves that accounts can be made from a terminal, a script, and beside each other."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from select import select

import pytest
from typer.testing import Result

from entrypoints.http.users import UserAnswer
from tests.entrypoints.cli.conftest import Run, refused

PASSWORD = "an orchard of quiet lamps"
PATIENCE = 30
ROOT = Path(__file__).parents[3]

Create = Callable[..., Result]


@pytest.fixture
def create(run: Run) -> Create:
    def make(*words: str, said: str | bytes = PASSWORD, **environ: str) -> Result:
        return run("users", "create", *words, "--password-stdin", said=said, **environ)

    return make


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_account_is_made_and_told(create: Create, database: str) -> None:
    secret = "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A"
    own = {"DATABASE_URL": database, "SECRET_KEY": secret}
    finished = create(" Ada@Example.com", **own)
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Created member ada@example.com with the id ")
    (line,) = refused(create("ada@example.com", **own), code=1)
    assert line == "basalt: An account with this e-mail address exists."


def test_programs_get_what_http_answers(create: Create) -> None:
    finished = create("ada@example.com", "--role", "admin", "--json")
    assert (finished.exit_code, finished.stderr) == (0, "")
    user = json.loads(finished.stdout)
    assert user.keys() == UserAnswer.model_fields.keys()
    assert (user["email"], user["role"]) == ("ada@example.com", "admin")
    assert user["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("email", "password", "code", "details"),
    [
        ("ada@example.com", "short", "WEAK_PASSWORD", {"reason": "too_short"}),
        ("ada@example.com", "passwordpassword", "WEAK_PASSWORD", {"reason": "common"}),
        ("taken@example.com", PASSWORD, "EMAIL_TAKEN", {}),
    ],
)
def test_programs_get_the_envelope_on_standard_error(
    create: Create, email: str, password: str, code: str, details: dict[str, str]
) -> None:
    create("taken@example.com")
    finished = create(email, "--json", said=password)
    assert (finished.exit_code, finished.stdout) == (1, "")
    error = json.loads(finished.stderr)["error"]
    assert error.keys() == {"code", "message", "details"}
    assert (error["code"], error["details"]) == (code, details)


def test_programs_are_told_which_value_is_wrong(create: Create) -> None:
    finished = create("no address", "--json")
    error = json.loads(finished.stderr)["error"]
    assert (finished.exit_code, error["code"]) == (1, "VALIDATION_ERROR")
    ((field, code),) = [(wrong["field"], wrong["code"]) for wrong in error["details"]["errors"]]
    assert (field.removeprefix("body."), code) == ("email", "email_invalid")


@pytest.mark.parametrize(
    ("email", "password", "told"),
    [
        ("ada@example.com", "", "too few characters"),
        ("ada@example.com", "fourteen chars\n", "too few characters"),
        ("ada@example.com", "x y " * 65, "more than 256 characters"),
        ("ada@example.com", "ada@example.com", "e-mail address"),
        ("ada@example.com", "passwordpassword", "attackers"),
        ("no address", PASSWORD, "email: This is not a valid e-mail address."),
        ("ada@example.com", b"\xff\xfe no text at all \xff", ""),
    ],
)
def test_people_are_told_on_one_line_and_never_their_password(
    create: Create, email: str, password: str | bytes, told: str
) -> None:
    finished = create(email, said=password)
    assert finished.exit_code in {1, 2}
    (line,) = refused(finished, code=finished.exit_code)
    assert told in line
    assert not password or str(password).strip() not in line.replace("e-mail address", "")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_line_end_of_standard_input_is_no_part_of_the_password(
    create: Create, ending: str
) -> None:
    shortest = "fifteen of them"
    assert create("ada@example.com", said=shortest + ending).exit_code == 0
    assert create("bob@example.com", said=shortest[1:] + ending).exit_code == 1


def test_without_a_terminal_there_is_nobody_to_ask(run: Run, tmp_path: Path) -> None:
    (line,) = refused(run("users", "create", "ada@example.com", said=PASSWORD), code=2)
    assert "--password-stdin" in line
    assert not list(tmp_path.iterdir())


def heard(terminal: int) -> bytes:
    """Return what a terminal shows next; nothing when its other end is closed."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""


def test_a_terminal_is_asked_twice_and_shows_nothing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "BASALT_DATA_DIR": str(tmp_path / "data"),
        "LC_ALL": "C.UTF-8",
    }
    words = "import sys; from entrypoints.cli.main import main; sys.argv[0] = 'basalt'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", words, "users", "create", "ada@example.com"],
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as command:
        os.close(theirs)
        said = b""
        answers = [PASSWORD, "a slip of the fingers", PASSWORD, PASSWORD]
        while select([ours], [], [], PATIENCE)[0] and (chunk := heard(ours)):
            said += chunk
            asked = len(re.findall(rb"(?:Password|Repeat for confirmation): ", said))
            if answers and asked + len(answers) > 4:
                os.write(ours, answers.pop(0).encode() + b"\n")
        os.close(ours)
        assert command.wait(PATIENCE) == 0, said
    assert b"Created member ada@example.com" in said
    for answer in (PASSWORD, "a slip of the fingers"):
        assert answer.encode() not in said


def test_whoever_lost_their_second_factor_is_let_in(
    create: Create, run: Run, tmp_path: Path
) -> None:
    create("ada@example.com")
    (line,) = refused(run("users", "let-in", "ada@example.com"), code=1)
    assert "no second factor" in line
    with closing(sqlite3.connect(tmp_path / "data" / "basalt.db")) as connection, connection:
        connection.execute(
            "INSERT INTO second_factors (user_id, sealed, confirmed_at, spent_step) "
            "SELECT id, x'00', created_at, 1 FROM users"
        )
    finished = run("users", "let-in", " ADA@example.com ", "--json")
    assert (finished.exit_code, json.loads(finished.stdout)) == (0, {})
    with closing(sqlite3.connect(tmp_path / "data" / "basalt.db")) as connection:
        assert connection.execute("SELECT count(*) FROM second_factors").fetchone() == (0,)
        topics = connection.execute("SELECT topic FROM outbox").fetchall()
        (entry,) = connection.execute(
            "SELECT actor_id FROM audit_entries WHERE action = 'user.second_factor_removed'"
        )
    assert topics == [("second_factor_removed",)]
    assert entry == (None,)


@pytest.mark.parametrize("email", ["nobody@example.com", "nonsense"])
def test_nobody_is_not_let_in(create: Create, run: Run, email: str) -> None:
    create("ada@example.com")
    refused(run("users", "let-in", email), code=1)
