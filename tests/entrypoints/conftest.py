"""What the tests of all entrypoints share: settings, and a migrated database for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.postgresql import PostgresServer

SettingsOf = Callable[..., Settings]

CHEAP: dict[str, Any] = {
    "secret_key": "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A",
    "argon2_memory_kib": 8,
    "argon2_time": 1,
    "rate_limits": False,
}
"""Passwords are hashed quickly, and everybody may try as often as they like."""


def migrate(settings: Settings) -> None:
    """Make a database ready to serve, keys included, so that a copy is ready as well."""
    container = Container(settings=settings)
    container.migrate()()
    container.prepare_keys()()
    container.database().close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    migrate(Settings(data_dir=folder, **CHEAP))
    return folder / "basalt.db"


@pytest.fixture(scope="session")
def postgresql_template(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    url = postgresql.create_database()
    migrate(
        Settings(data_dir=tmp_path_factory.mktemp("secret"), database_url=SecretStr(url), **CHEAP)
    )
    yield url
    postgresql.drop_database(url)


@pytest.fixture
def kind() -> str:
    """Name the database; EVERY_DATABASE asks for each in turn."""
    return "sqlite"


@pytest.fixture
def database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Hand out the address of a migrated database that is this test's own."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "basalt.db")
        yield f"sqlite:///{tmp_path}/basalt.db"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create_database(request.getfixturevalue("postgresql_template"))
    yield url
    server.drop_database(url)


@pytest.fixture
def settings_of(database: str, tmp_path: Path) -> SettingsOf:
    """Return settings for the test's database, with what the test wants changed."""

    def make(**changes: Any) -> Settings:
        return Settings(**{"data_dir": tmp_path, "database_url": database, **CHEAP, **changes})

    return make
