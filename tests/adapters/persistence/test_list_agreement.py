"""Both databases list what the twin in memory lists, in each of the ways in which they look."""

import random
from datetime import datetime, timedelta

import pytest

from adapters.memory.store import InMemoryStore
from adapters.persistence import item_lists
from application.ports.places import Place
from domain.access import UserId
from domain.item import Access, Item, ItemId
from domain.listing import ItemQuery, Sort, SortKey, Whose
from domain.sharing import Grant, GrantRole
from tests.application.house import Store
from tests.domain.examples import NOW, a_caller, a_user, an_item, uuid

USERS = [UserId(uuid(number)) for number in (1, 2, 3)]
ITEMS = 90
QUERIES = 60
WORDS = (
    "lamp", "lampoil", "oil", "o", "STRASSE", "stra\u00dfe", "caf\u00e9", "cafe\u0301", "x@y.z",
    "don't", "a-b", "\ufb01ne", "\U0001f512", "#red", "10", "\u0130stanbul",
)  # fmt: skip
TAGS = ("red", "reddish", "#red", "lamp", "\u00df", "often", "often")
REGIMES = {
    "looked up": (999, 999, 999, 1),
    "walked": (-1, -1, 999, 1),
    "walked, then looked up near": (-1, 999, 999, 999),
    "walked, then looked up": (-1, 999, 999, 7),
    "walked, then all looked up": (-1, -1, 8, 7),
    "as many as there are": (3, 12, 30, 20),
}


def some_item(chance: random.Random, number: int) -> Item:
    return an_item(
        id=ItemId(uuid(chance.randrange(1 << 30) << 8 | number)),
        owner_id=chance.choice(USERS),
        title=" ".join(chance.choices(WORDS, k=chance.randint(1, 3))),
        description=" ".join(chance.choices(WORDS, k=chance.randint(0, 2))),
        tags=tuple(dict.fromkeys(chance.choices(TAGS, k=chance.randint(0, 4)))),
        created_at=NOW + timedelta(microseconds=chance.randrange(20)),
        updated_at=NOW + timedelta(microseconds=chance.randrange(20)),
    )


def fill(store: Store, chance: random.Random) -> None:
    """Store the same users, items and grants for the same chance; edit and remove some."""
    with store.unit_of_work() as work:
        for number, id in enumerate(USERS):
            work.users.add(a_user(id=id, email=f"{number}@example.com"))
        for number in range(ITEMS):
            item = some_item(chance, number)
            work.items.add(item)
            for user in USERS:
                if user != item.owner_id and chance.random() < 0.4:
                    role = chance.choice(list(GrantRole))
                    work.grants.add(Grant(item_id=item.id, user_id=user, role=role, created_at=NOW))
            if chance.random() < 0.2:
                work.items.remove(item)
            elif chance.random() < 0.2:
                other = some_item(chance, number)
                after = an_item(
                    id=item.id, owner_id=item.owner_id, title=other.title, tags=other.tags
                )
                work.items.save(after, before=item)
        work.commit()


def some_query(chance: random.Random) -> ItemQuery:
    viewer = chance.choice(USERS)
    whose = chance.choice(list(Whose))
    owner = chance.choice([None, None, chance.choice(USERS) if whose is Whose.ANY else viewer])
    search = " ".join(chance.choices(WORDS, k=chance.choice([0, 0, 1, 1, 2])))
    words = ItemQuery.of(a_caller(user_id=viewer), search=search[: chance.randint(1, 20)]).words
    return ItemQuery(
        viewer_id=viewer,
        sees_all=whose is Whose.ANY or chance.random() < 0.2,
        whose=whose,
        owner_id=owner,
        tags=tuple(sorted(set(chance.choices(TAGS, k=chance.choice([0, 0, 1, 2]))))),
        words=words,
        sort=chance.choice(list(Sort)),
    )


def listed(store: Store, query: ItemQuery, limit: int) -> list[tuple[Item, Access]]:
    collected: list[tuple[Item, Access]] = []
    after = None
    while True:
        with store.reading() as see:
            page = see.items.matching(query, after=after, limit=limit)
        assert len(page) <= limit
        collected += [(seen.item, seen.access) for seen in page]
        assert len(collected) <= ITEMS, "the list does not end"
        if len(page) < limit:
            return collected
        last = page[-1].item
        keys: dict[SortKey, datetime | str] = {
            SortKey.CREATED_AT: last.created_at,
            SortKey.UPDATED_AT: last.updated_at,
            SortKey.TITLE: last.title_key,
        }
        after = Place(keys[query.sort.key], last.id)


@pytest.mark.parametrize("regime", REGIMES)
def test_every_store_lists_the_same(
    store: Store, regime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(("VERY_FEW", "FEW", "WALK_MAX", "NEAR"), REGIMES[regime], strict=True):
        monkeypatch.setattr(item_lists, name, value)
    monkeypatch.setattr(item_lists, "SCARCE", 0)
    twin = InMemoryStore()
    for each in (store, twin):
        fill(each, random.Random(1))
    chance = random.Random(regime)
    sizes = []
    for _ in range(QUERIES):
        query, limit = some_query(chance), chance.choice([1, 3, 10, 100])
        expected = listed(twin, query, 100)
        sizes.append(len(expected))
        assert listed(store, query, limit) == expected, (query, limit)
    assert min(sizes) == 0
    assert max(sizes) > 20
