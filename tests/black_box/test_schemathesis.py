"""Proves by Schemathesis, in all its phases, that the service does what its OpenAPI says.

What answers so hardly knows a database, so `make test` goes through all of it on SQLite, and only
through examples and their sequels on PostgreSQL; `make fuzz` does all on both, and much more.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.black_box.server import CHEAP, Server, Start, environment
from tests.provider import CLIENT_ID, CLIENT_SECRET, ProviderProcess

pytestmark = pytest.mark.black_box

ST = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("BASALT_TEST_EXAMPLES")
"""Cases per operation and phase, where `make fuzz` asks for more than a few."""

SEED = os.environ.get("BASALT_TEST_SEED", "1")
"""What the cases are made from; `make fuzz` takes another one each time."""


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    process = ProviderProcess()
    process.start()
    yield process
    process.stop()


def test_the_service_does_what_it_says(
    start: Start, database: str, provider: ProviderProcess, tmp_path: Path
) -> None:
    settings = {
        "DATABASE_URL": database,
        "ACCESS_TOKEN_TTL": "3600",
        "REDIRECT_URIS": "https://app.example.com/back",
        "PROVIDERS__PLAYED__ISSUER": provider.issuer,
        "PROVIDERS__PLAYED__CLIENT_ID": CLIENT_ID,
        "PROVIDERS__PLAYED__CLIENT_SECRET": CLIENT_SECRET,
    }
    server = start(**settings)
    own = {f"BASALT_{name}": value for name, value in settings.items()}
    document = f"{server.url}/openapi.json"
    is_whole = EXAMPLES is not None or database.startswith("sqlite")
    phases = "examples,coverage,fuzzing,stateful" if is_whole else "examples,stateful"
    finished = subprocess.run(
        [
            *(ST, "--config-file", CONFIGURATION, "run", document, "--phases", phases),
            *("--max-examples", EXAMPLES or "4", "--seed", SEED),
        ],
        cwd=tmp_path,
        env=environment(tmp_path, **CHEAP | own) | {"SERVICE": server.url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    print(finished.stdout)  # noqa: T201  # what was tried, for whoever asks with -s
    assert finished.returncode == 0, finished.stdout + finished.stderr
    if is_whole:
        assert operations(httpx.get(document).json()) - answered_well(server) == set()


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }


def answered_well(server: Server) -> set[tuple[str, str]]:
    """Return the operations that did at least once what they are there for."""
    return {
        (event["method"], event["route"])
        for event in server.events()
        if 200 <= event.get("status", 0) < 300
    }
