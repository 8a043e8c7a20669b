"""Lists among a million items: does a page of a large owner cost what a small owner's costs?

    .venv/bin/python -m tests.benchmarks.scale [--items 1000000] [--database sqlite|postgresql]

Seeds one owner with 30 % of the items and the others with 700 each, then times the use case that
lists items, without HTTP. Prints the median of each page for both kinds of owner and the ratio.
"""

import argparse
import itertools
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, func, insert, select

from adapters.persistence.item_rows import terms_of, values_of
from adapters.persistence.tables import ItemRow, ItemTermRow, UserRow, table
from application.ports.places import Place
from domain.access import ADMIN_SCOPES, Origin, Person, Role, SessionId, UserId
from domain.item import Item, ItemDraft, ItemId
from domain.listing import ItemQuery, Sort, Whose
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.postgresql import PostgresServer

SMALL = 700
PAGE = 20
ROUNDS = 40
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS, TERMS, USERS = table(ItemRow), table(ItemTermRow), table(UserRow)


def main() -> None:
    """Seed, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(data_dir=folder)
        if asked.database == "postgresql":
            server = stack.enter_context(PostgresServer.start(durable=True))
            settings = Settings(data_dir=folder, database_url=SecretStr(server.create_database()))
        container = Container(settings=settings)
        container.prepare_store()()
        owners = seed(container, asked.items)
        measure(container, owners)
        container.database().close()


def seed(container: Container, total: int) -> tuple[UserId, UserId]:
    """Store the users and their items; return the large owner and a small one."""
    large = UserId(uuid.UUID(int=1))
    with container.database().unhurried() as connection:
        connection.execute(insert(USERS), _user(large))
        connection.commit()
    small = add(container, large, total)
    return large, small[len(small) // 2]


def add(container: Container, large: UserId, total: int) -> list[UserId]:
    """Store items, three in ten the large owner's, who is there; return the small owners."""
    small = [UserId(uuid.UUID(int=number + 2)) for number in range(total * 7 // 7000)]
    counts = [(large, total * 3 // 10), *((owner, SMALL) for owner in small)]
    with container.database().unhurried() as connection:
        connection.execute(insert(USERS), [_user(owner) for owner in small])
        connection.commit()
    began, done = time.monotonic(), 0
    everything = _items(counts)
    while batch := list(itertools.islice(everything, 20_000)):
        with container.database().unhurried() as connection:
            connection.execute(insert(ITEMS), [values_of(item) for item in batch])
            _add_terms(connection, batch)
            connection.commit()
        done += len(batch)
        print(f"\r{done:,} items, {time.monotonic() - began:.0f} s", end="", flush=True)
    with container.database().unhurried() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    print()
    return small


def _add_terms(connection: Connection, batch: list[Item]) -> None:
    rows = [
        {"owner_id": item.owner_id, "term": term, "item_id": item.id}
        for item in batch
        for term in terms_of(item)
    ]
    connection.execute(insert(TERMS), rows)


def _user(id: UserId) -> dict[str, Any]:
    return {
        "id": id,
        "email": f"{id}@example.com",
        "display_name": None,
        "role": "member",
        "status": "active",
        "email_verified": False,
        "password_hash": None,
        "created_at": BEGAN,
        "updated_at": BEGAN,
        "search": "",
    }


def _items(counts: list[tuple[UserId, int]]) -> Iterator[Item]:
    """Make items whose owners take turns in time, half of them with a common word and tag."""
    chance = random.Random(1)
    owners = [owner for owner, count in counts for _ in range(count)]
    chance.shuffle(owners)
    seen = dict.fromkeys((owner for owner, _ in counts), 0)
    for number, owner in enumerate(owners):
        place = seen[owner] = seen[owner] + 1
        words = [f"w{number % 97}", "lamp" if number % 2 else "oil"]
        if place in {100, 300, 500}:
            words.append("seldom")
        yield Item.create(
            id=ItemId(uuid.UUID(int=(number << 80) | chance.getrandbits(64))),
            owner_id=owner,
            draft=ItemDraft(
                title=" ".join(words),
                tags=("winter",) if number % 3 else ("rare",) if place == 200 else (),
            ),
            now=BEGAN + timedelta(milliseconds=number),
        )


def measure(container: Container, owners: tuple[UserId, UserId]) -> None:
    """Time each page for the large and the small owner, in turns."""
    pages: dict[str, dict[str, Any]] = {
        "first page": {},
        "first page, by title": {"sort": Sort.TITLE},
        "first page, changed last": {"sort": Sort.CHANGED_LAST},
        "deep page": {"deep": True},
        "tag, common": {"tags": ("winter",)},
        "tag, rare": {"tags": ("rare",)},
        "word, common": {"search": "lamp"},
        "word, rare": {"search": "seldom"},
        "word, none": {"search": "nowhere"},
        "everybody's, one owner": {"whose": Whose.ANY, "of_owner": True},
    }
    print(f"{'page':38} {'large':>9} {'small':>9}  ratio")
    for name, asked in pages.items():
        large, small = (_prepared(container, owner, **asked) for owner in owners)
        _print(name, *_timed(container, large, small))
    for name, asked in pages.items():
        if not asked.keys() & {"deep", "whose"}:
            everybodys = _prepared(container, owners[0], whose=Whose.ANY, **asked)
            small = _prepared(container, owners[1], **asked)
            _print(f"everybody's, {name}", *_timed(container, everybodys, small))


def _print(name: str, large: float, small: float) -> None:
    print(f"{name:38} {large * 1e6:7.0f}us {small * 1e6:7.0f}us  {large / small:.2f}")


def _prepared(  # what tells one page from another
    container: Container,
    owner: UserId,
    *,
    deep: bool = False,
    whose: Whose = Whose.OWNED,
    tags: tuple[str, ...] = (),
    search: str = "",
    sort: Sort = Sort.NEWEST,
    of_owner: bool = False,
) -> tuple[ItemQuery, str | None]:
    caller = Person(
        user_id=owner,
        session_id=SessionId(uuid.uuid4()),
        proved_at=datetime.now(UTC),
        role=Role.ADMIN,
        scopes=ADMIN_SCOPES,
        origin=Origin(),
    )
    wanted = ItemQuery.of(
        caller,
        whose=whose,
        owner_id=owner if of_owner else None,
        tags=tags,
        search=search,
        sort=sort,
    )
    if not deep:
        return wanted, None
    with container.database().connect() as connection:
        rows = select(ITEMS.c.created_at, ITEMS.c.id).where(ITEMS.c.owner_id == owner)
        order = rows.order_by(ITEMS.c.created_at.desc(), ITEMS.c.id.desc())
        count = connection.execute(select(func.count()).where(ITEMS.c.owner_id == owner)).scalar()
        behind = min(9_999 * PAGE, (count or 0) - PAGE)  # page 10,000, or the last one
        row = connection.execute(order.offset(behind - 1).limit(1)).one()
    place = Place(row.created_at, row.id)
    return wanted, container.cursors().seal(place, of=wanted.name)


def _timed(container: Container, *asked: tuple[ItemQuery, str | None]) -> tuple[float, float]:
    list_items = container.list_items()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for taken, (wanted, cursor) in zip(times, asked, strict=True):
            began = time.perf_counter()
            list_items(wanted, limit=PAGE, cursor=cursor)
            taken.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    main()
