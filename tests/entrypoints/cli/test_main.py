"""Proves what every command does alike: help without loading anything, and clear refusals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Run, refused
from tests.entrypoints.http.promises import document

ROOT = Path(__file__).parents[3]
HEAVY = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "sqlmodel", "alembic", "psycopg",
         "cryptography", "dependency_injector")  # fmt: skip
LOADS = f"""
import sys
from entrypoints.cli.main import app
for words in (["--help"], [], ["serve", "--help"], ["migrate", "--help"], ["users", "--help"],
              ["users", "create", "--help"], ["openapi", "--help"], ["nonsense"],
              ["serve", "--port", "x"], ["users", "create"], ["serve", "--workers", "0"],
              ["keys", "--help"], ["keys", "rotate", "--help"], ["keys", "retire"]):
    try:
        app(words)
    except SystemExit as end:
        print(words, end.code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
COMMANDS = [
    ("serve",),
    ("migrate",),
    ("users", "create", "ada@example.com", "--password-stdin"),
    ("keys", "list"),
    ("keys", "rotate", "--now"),
    ("keys", "retire", "nobodys"),
]


def test_help_and_usage_errors_load_neither_web_nor_database() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", LOADS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line for line in finished.stderr.splitlines() if line.startswith("[")]
    assert len(lines) == 14
    for line in lines:
        assert line.endswith(" []"), line
    for command in ("serve", "migrate", "users", "keys", "openapi"):
        assert command in finished.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["users", "create", "--help"], 0),
        (["nonsense"], 2),
        (["serve", "--port", "x"], 2),
        (["serve", "--port", "65536"], 2),
        (["serve", "--workers", "0"], 2),
        (["users", "create"], 2),
        (["users", "create", "ada@example.com", "--role", "king"], 2),
        (["migrate", "now"], 2),
    ],
)
def test_usage_errors_are_told_from_help(run: Run, words: list[str], code: int) -> None:
    finished = run(*words)
    assert finished.exit_code == code
    assert (finished.stderr == "") == (code == 0)
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_every_bad_setting_is_one_line(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    finished = run(*words, said="x", SESSION_CAP="many", LOG_LEVEL="loud", NONSENSE="1")
    lines = refused(finished, code=2)
    assert len(lines) == 3
    for name in ("BASALT_SESSION_CAP", "BASALT_LOG_LEVEL", "BASALT_NONSENSE"):
        assert sum(name in line for line in lines) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", COMMANDS)
def test_a_database_that_is_not_there_is_named_without_its_password(
    run: Run, words: tuple[str, ...]
) -> None:
    url = "postgresql://ada:geheim@127.0.0.1:1/basalt"
    finished = run(*words, said="an orchard of quiet lamps", DATABASE_URL=url)
    (line,) = refused(finished, code=1)
    assert "postgresql://127.0.0.1:1/basalt" in line
    assert "geheim" not in line


@pytest.mark.parametrize("words", COMMANDS)
def test_a_folder_that_cannot_be_used_is_one_line(
    run: Run, words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    finished = run(*words, said="an orchard of quiet lamps", DATA_DIR=str(tmp_path / "file"))
    assert finished.exit_code in {1, 2}
    assert len(refused(finished, code=finished.exit_code)) == 1


@pytest.mark.parametrize(("port", "is_told"), [("8000", False), ("8123", True)])
def test_whoever_serves_elsewhere_is_told_what_tokens_and_links_say(
    run: Run, monkeypatch: pytest.MonkeyPatch, port: str, is_told: bool
) -> None:
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: None)
    monkeypatch.setattr("entrypoints.cli.serving._ensure_free", lambda *_: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    finished = run("serve", "--port", port)
    assert f"http://127.0.0.1:{port}/docs" in finished.stdout
    assert ("BASALT_BASE_URL" in finished.stdout) is is_told


def test_openapi_prints_the_document_and_touches_nothing(run: Run, tmp_path: Path) -> None:
    finished = run("openapi", DATABASE_URL="postgresql://127.0.0.1:1/x", SECRET_KEY="short")
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert json.loads(finished.stdout) == document()
    assert not list(tmp_path.iterdir())
