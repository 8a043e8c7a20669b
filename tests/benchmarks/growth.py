"""What a database's growth from 10,000 to 1,000,000 items costs: one of each size, in turns."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from uuid import UUID

from pydantic import SecretStr

from domain.access import UserId
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.benchmarks.contenders import TOUCHED, Contender, entered, of_items
from tests.benchmarks.load import SERVER_CORE, pinned_to
from tests.benchmarks.scale import add
from tests.benchmarks.turns import take_turns
from tests.black_box.server import Server, environment, sign_up
from tests.postgresql import PostgresServer

SIZES = (10_000, 100_000, 1_000_000)
CONNECTIONS = 16
WORD = "w96"
"""What a search looks for: one in 97 items has it."""

Figures = Mapping[str, Mapping[str, float]]
"""The median of requests a second, by operation and by the number of items."""


def measured(folder: Path, *, rounds: int, seconds: float) -> Mapping[str, Figures]:
    """Return the figures on each database, when one user owns three in ten of the items."""
    folder.mkdir()
    found: dict[str, dict[str, dict[str, float]]] = {}
    with PostgresServer.start(durable=True) as postgresql:
        for database in ("SQLite", "PostgreSQL"):
            with ExitStack() as stack:
                up = []
                for size in SIZES:
                    url = None if database == "SQLite" else postgresql.create_database()
                    place = folder / f"{database}-{size}"
                    up.append(stack.enter_context(_grown(place, url, size)))
                turns = take_turns(up, rounds=rounds, seconds=seconds, connections=[CONNECTIONS])
                for row in turns:
                    figures = found.setdefault(database, {}).setdefault(row.operation, {})
                    figures[row.contender] = median(row.per_second)
    return found


@contextmanager
def _grown(folder: Path, url: str | None, size: int) -> Iterator[Contender]:
    folder.mkdir()
    own = {} if url is None else {"BASALT_DATABASE_URL": url}
    with pinned_to(SERVER_CORE):
        server = Server(folder, environment(folder, BASALT_RATE_LIMITS="on", **own))
    try:
        with server.client(sign_up(server).access) as ada:
            owner = UserId(UUID(ada.get("/v1/users/me").json()["id"]))
        settings = Settings(data_dir=folder / "data")
        if url is not None:
            settings = Settings(data_dir=folder / "data", database_url=SecretStr(url))
        container = Container(settings=settings)
        add(container, owner, size)
        container.database().close()
        yield Contender(str(size), "", of_items(server, _some(server), word=WORD))
    finally:
        server.stop()


def _some(server: Server) -> list[str]:
    """Return ids of items that were made at very different times: their titles follow no clock."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    with server.client() as client:
        client.headers.update(entered(server))
        while len(ids) < TOUCHED:
            page = client.get("/v1/items", params={"limit": "100", "sort": "title"} | cursor)
            found = page.raise_for_status().json()
            ids += [item["id"] for item in found["data"]]
            cursor = {"cursor": found["next_cursor"]}
    return ids
