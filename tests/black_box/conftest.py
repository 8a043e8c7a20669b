"""What the black-box tests share: real servers, each in a folder of its own."""

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
