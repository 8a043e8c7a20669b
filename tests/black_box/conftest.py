"""What the black-box tests share: real servers, each in a folder of its own.

A test that changes settings, or stops or kills, starts a server for itself; all others share one.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.black_box.server import CHEAP, Server, Start, environment
from tests.postgresql import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Hand out the address of an empty database of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/basalt.db"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def begin(*words: str, **settings: str) -> Server:
        own = {f"BASALT_{name}": value for name, value in settings.items()}
        servers.append(Server(tmp_path, environment(tmp_path, **CHEAP | own), *words))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shared")
    server = Server(folder, environment(folder, **CHEAP))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgresql_server(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder, url = tmp_path_factory.mktemp("shared"), postgresql.create_database()
    server = Server(folder, environment(folder, **CHEAP, BASALT_DATABASE_URL=url))
    yield server
    server.kill()
    postgresql.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest) -> Server:
    """Hand out a server on each database in turn, which other tests use as well."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture(scope="session")
def impatient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Hand out a shared server on SQLite that waits for a request no longer than a second."""
    folder = tmp_path_factory.mktemp("impatient")
    server = Server(folder, environment(folder, **CHEAP, BASALT_RECEIVE_TIMEOUT="1"))
    yield server
    server.kill()


@pytest.fixture
def email() -> str:
    """The address of somebody whom no other test knows."""
    return f"{uuid.uuid4().hex}@example.com"
