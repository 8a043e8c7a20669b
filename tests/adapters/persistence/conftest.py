"""Stores for the tests: the in-memory twin, SQLite and PostgreSQL, each empty and of today."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from adapters.memory.store import InMemoryStore
from adapters.persistence import database as database_module
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from application.ports.places import Place
from application.ports.store import Repositories
from domain.access import UserId
from domain.item import Item
from domain.listing import ItemQuery, Whose
from domain.user import User
from tests.application.house import Store
from tests.domain.examples import a_user
from tests.postgresql import PostgresServer

POOL_SIZE = 10
DATABASES = ["sqlite", "postgresql"]


@contextmanager
def opened(url: str, *, pool_size: int = POOL_SIZE) -> Iterator[Database]:
    """Open a database, and leave no connection to it."""
    database = Database(url, pool_size=pool_size)
    try:
        yield database
    finally:
        database.close()


def migrated(url: str) -> str:
    """Bring a database up to date; return its URL."""
    with opened(url) as database:
        SqlSchema(database).migrate()
    return url


def items_of(
    see: Repositories, owner: UserId, *, after: Place | None, limit: int
) -> Sequence[Item]:
    """Return an owner's items, newest first, from behind a place."""
    wanted = ItemQuery(viewer_id=owner, whose=Whose.OWNED)
    return [seen.item for seen in see.items.matching(wanted, after=after, limit=limit)]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with today's schema, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_file(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """A SQLite database with today's schema, for what is of SQLite alone."""
    with opened(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'basalt.db')}") as database:
        yield database


@pytest.fixture(scope="session")
def migrated_database(postgresql: PostgresServer) -> str:
    """A PostgreSQL database with today's schema, to be copied."""
    return migrated(postgresql.create_database())


@pytest.fixture
def postgresql_url(postgresql: PostgresServer, migrated_database: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with today's schema."""
    url = postgresql.create_database(migrated_database)
    yield url
    postgresql.drop_database(url)


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'basalt.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of each kind with today's schema."""
    with _database(request, request.param) as database:
        yield database


@pytest.fixture
def databases(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Database]]:
    """A database of each kind, side by side, none of which gives up when the machine stalls."""
    monkeypatch.setattr(database_module, "PATIENCE", 60)
    with ExitStack() as opened_ones:
        yield {kind: opened_ones.enter_context(_database(request, kind)) for kind in DATABASES}


@pytest.fixture(params=["memory", *DATABASES])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "memory":
        yield InMemoryStore()
        return
    with _database(request, request.param) as database:
        yield SqlStore(database)


@pytest.fixture
def anna(store: Store) -> User:
    """A user who is stored already."""
    user = a_user()
    with store.unit_of_work() as work:
        work.users.add(user)
        work.commit()
    return user


@contextmanager
def _database(request: pytest.FixtureRequest, kind: str) -> Iterator[Database]:
    if kind == "sqlite":
        file = request.getfixturevalue("tmp_path") / "basalt.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        with opened(f"sqlite:///{file}") as database:
            yield database
        return
    with opened(request.getfixturevalue("postgresql_url")) as database:
        yield database
