"""What the tests of the command line share: running a command in a folder of its own."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app
from entrypoints.settings import Settings


class Run(Protocol):
    """Runs `basalt` with these words, this standard input, and these settings around it."""

    def __call__(self, *words: str, said: str | bytes | None = None, **environ: str) -> Result: ...


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give the test's process its own logging back, which a server takes over."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_logging: None) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("uvicorn.run", _served)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BASALT_{name.upper()}", raising=False)
    usual = {
        "BASALT_DATA_DIR": str(tmp_path / "data"),
        "BASALT_ARGON2_MEMORY_KIB": "8",
        "BASALT_ARGON2_TIME": "1",
    }

    def invoke(*words: str, said: str | bytes | None = None, **environ: str) -> Result:
        own = {f"BASALT_{name}": value for name, value in environ.items()}
        result = CliRunner().invoke(app, list(words), input=said, env=usual | own)
        assert result.exception is None or isinstance(result.exception, SystemExit), words
        return result

    return invoke


def _served(*_: object, **__: object) -> None:
    """Stand where serving would begin, which no test here gets to."""
    pytest.fail("this should have been refused, and would be served")


def refused(finished: Result, *, code: int) -> list[str]:
    """Return the lines of a refusal, which says nothing else and shows no trace."""
    assert (finished.exit_code, finished.stdout) == (code, "")
    lines = finished.stderr.splitlines()
    assert lines
    assert all(line.startswith("basalt: ") for line in lines), lines
    assert "Traceback" not in finished.stderr
    return lines
