"""Every list looks through an index, in the list's order: no plan reads or sorts a collection."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import event, insert

from adapters.persistence import item_lists, items
from adapters.persistence.database import Database
from adapters.persistence.driver import Driver
from adapters.persistence.item_rows import terms_of, values_of
from adapters.persistence.tables import AuditEntryRow, GrantRow, ItemRow, ItemTermRow, table
from adapters.persistence.unit_of_work import SqlStore
from application.ports.places import Place
from application.ports.records import AuditFilter
from domain.access import Role, UserId
from domain.item import Item, ItemId
from domain.listing import ItemQuery, Sort, SortKey, Whose
from tests.domain.examples import NOW, a_caller, a_user, an_item, uuid

USERS = [UserId(uuid(number)) for number in range(1, 41)]
OWNERS = USERS[:5]
ITEMS = 2500
BULK = "- " * 900
"""Without a word in it, but the table is then worth an index."""
LISTED = {"items", "item_terms", "grants", "changes", "audit_entries"}
LIMIT = 21
ENTRIES = 5000
FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "common tag": {"tags": ("common",)},
    "rare tag": {"tags": ("rare",)},
    "common word": {"search": "lamp"},
    "rare word": {"search": "seldom"},
    "no word": {"search": "nowhere"},
    "many": {"tags": ("common", "rare"), "search": "lamp seld"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that a list ran, and what the database says that it does for it."""

    statement: str
    plan: Any
    parameters: Any

    @property
    def is_of_one_owner(self) -> bool:
        """Whether it has to walk one owner's items alone: not everybody's, leaving others out."""
        return "items.owner_id =" in self.statement and not self.sorts_little

    @property
    def takes_few(self) -> bool:
        """Whether it takes a page's worth at most: who wants all may read all."""
        numbers = self.parameters.values() if isinstance(self.parameters, dict) else ()
        return all(number <= LIMIT * 4 for number in numbers if isinstance(number, int))

    @property
    def sorts_little(self) -> bool:
        """Whether it may sort: what a rare term is on, or what is shared with one user."""
        return "IN (SELECT" in self.statement or "FROM grants" in self.statement


def some_item(chance: random.Random, number: int) -> Item:
    words = ["lamp" if number % 2 else "oil", "seldom" if number % 200 == 0 else "often"]
    return an_item(
        id=ItemId(uuid(100 + number)),
        owner_id=chance.choice(OWNERS),
        description=BULK,
        title=f"{chance.randrange(99)} {' '.join(words)}",
        tags=("rare",) if number % 150 == 0 else ("common",) if number % 3 else (),
        created_at=NOW + timedelta(seconds=number),
        updated_at=NOW + timedelta(seconds=chance.randrange(ITEMS)),
    )


@pytest.fixture
def full(database: Database) -> Database:
    """A database with many items of several owners, of which it knows how they are spread."""
    chance = random.Random(1)
    items = [some_item(chance, number) for number in range(ITEMS)]
    terms = [
        {"owner_id": item.owner_id, "term": term, "item_id": item.id}
        for item in items
        for term in sorted(terms_of(item))
    ]
    grants = [
        {"item_id": item.id, "user_id": user, "role": "viewer", "created_at": NOW}
        for item in items
        if (user := chance.choice(USERS)) != item.owner_id
    ]
    with SqlStore(database).unit_of_work() as work:
        for id in USERS:
            work.users.add(a_user(id=id, email=f"{id}@example.com"))
        work.commit()
    with database.transaction() as connection:
        connection.execute(insert(table(ItemRow)), [values_of(item) for item in items])
        connection.execute(insert(table(ItemTermRow)), terms)
        connection.execute(insert(table(GrantRow)), grants)
        connection.commit()
    with database.transaction() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return database


@contextmanager
def heard(database: Database) -> Iterator[list[Asked]]:
    """Collect the statements that run, each with its plan."""
    said: list[tuple[str, Any]] = []

    def hear(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    def hear_rows(driver: Driver, text: str, values: Any = ()) -> Any:
        said.append((text, values))
        return rows_of(driver, text, values)

    asked: list[Asked] = []
    rows_of = Driver.rows
    with database.connect() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        with patch.object(Driver, "rows", hear_rows):
            yield asked
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (FORMAT JSON)"
    with database.connect() as connection:
        for statement, parameters in {str(each): each for each in said}.values():
            rows = Driver(connection).rows(f"{explain} {statement}", parameters)
            found = [row[3] for row in rows] if database.is_sqlite else rows[0][0]
            asked.append(Asked(statement, found, parameters))


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan of PostgreSQL's, outermost first."""
    if isinstance(plan, str):
        plan = json.loads(plan)
    for node in plan if isinstance(plan, list) else [plan]:
        inner = node.get("Plan", node)
        yield inner
        yield from nodes(inner.get("Plans", []))


def wrongs(asked: Asked, database: Database) -> list[str]:
    """Return what a plan does that would take longer the more items there are."""
    if database.is_sqlite:
        own = set(_first_of_a_merge(asked.plan))  # what is shared may be sorted, and comes second
        return [step for step in asked.plan if _is_wrong(step, asked, is_own=step in own)]
    found = []
    for node in nodes(asked.plan) if asked.takes_few else ():
        kind = node["Node Type"]
        counts = asked.statement.startswith("SELECT count")  # and stops at the first few
        if kind == "Seq Scan" and node["Relation Name"] in LISTED and not counts:
            found.append(f"{kind} {node['Relation Name']}")
        if asked.is_of_one_owner and "owner_id" in node.get("Filter", ""):
            found.append(f"{kind} through everybody's")
        if "Sort" in kind and not asked.sorts_little:
            found.append(f"{kind} of {node['Plan Rows']} by {node.get('Sort Key')}")
    return found


def _first_of_a_merge(plan: list[str]) -> list[str]:
    return plan[plan.index("LEFT") : plan.index("RIGHT")] if "LEFT" in plan else []


def _is_wrong(step: str, asked: Asked, *, is_own: bool) -> bool:
    kind, *rest = step.split()
    if kind == "SCAN":
        return rest[0] in LISTED and ("INDEX" not in rest or asked.is_of_one_owner or is_own)
    return "TEMP B-TREE" in step and (is_own or not asked.sorts_little)


def queries() -> Iterator[ItemQuery]:
    admin = a_caller(user_id=USERS[0], role=Role.ADMIN)
    for whose, owner in (
        (Whose.OWNED, None),
        (Whose.SHARED, None),
        (Whose.ALL, None),
        (Whose.ANY, None),
        (Whose.ANY, USERS[1]),
    ):
        for sort in Sort:
            some = FILTERS.values() if sort in {Sort.NEWEST, Sort.TITLE} else [FILTERS["all"]]
            for filters in some:
                yield ItemQuery.of(admin, whose=whose, owner_id=owner, sort=sort, **filters)


def behind(query: ItemQuery) -> Place:
    middle = NOW + timedelta(seconds=ITEMS // 2)
    return Place("5" if query.sort.key is SortKey.TITLE else middle, ItemId(uuid(100 + ITEMS // 2)))


@pytest.mark.parametrize("near", [False, True], ids=["as it is", "near"])
def test_no_list_of_items_reads_or_sorts_a_collection(
    full: Database, monkeypatch: pytest.MonkeyPatch, near: bool
) -> None:
    store = SqlStore(full)
    if near:  # as where a word is on some thousand items
        monkeypatch.setattr(item_lists, "VERY_FEW", -1)
        monkeypatch.setattr(item_lists, "SCARCE", 0)
        monkeypatch.setattr(item_lists, "NEAR", LIMIT * 4)
    with heard(full) as asked:
        for query in queries():
            for after in (None, behind(query)):
                with store.reading() as see:
                    see.items.matching(query, after=after, limit=LIMIT)
    assert len(asked) > 100
    found = {(wrong, each.statement) for each in asked for wrong in wrongs(each, full)}
    assert found == set()


def test_a_match_close_to_the_page_does_not_make_a_list_walk_to_the_next_ones(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    rows_of = Driver.rows

    def counted(driver: Driver, text: str, values: Any = ()) -> Any:
        rows = rows_of(driver, text, values)
        read.append(len(rows))
        return rows

    monkeypatch.setattr(item_lists, "VERY_FEW", -1)
    monkeypatch.setattr(Driver, "rows", counted)
    admin = a_caller(user_id=USERS[0], role=Role.ADMIN)
    query = ItemQuery.of(admin, whose=Whose.ANY, search="seldom")
    behind_it = Place(NOW + timedelta(seconds=2401), ItemId(uuid(100 + 2401)))
    with SqlStore(full).reading() as see:
        found = see.items.matching(query, after=behind_it, limit=4)
    numbers = [(seen.item.created_at - NOW).seconds for seen in found]
    assert numbers == [2400, 2200, 2000, 1800]
    assert sum(read) < 100


def test_no_list_of_changes_or_grants_reads_or_sorts_a_collection(full: Database) -> None:
    store = SqlStore(full)
    with store.unit_of_work() as work:
        chance = random.Random(1)
        for item in [some_item(chance, number) for number in range(ITEMS)][::2]:
            work.changes.note(item.id, [item.owner_id], at=NOW)
        work.commit()
    with full.transaction() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    with heard(full) as asked, store.reading() as see:
        see.changes.since(USERS[1], 0, limit=LIMIT)
        see.changes.since(USERS[1], 100, limit=LIMIT)
        see.grants.grantees(ItemId(uuid(100)))
        see.grants.of_item(ItemId(uuid(100)), after=None, limit=LIMIT)
    assert len(asked) == 4
    assert [wrongs(each, full) for each in asked] == [[]] * 4


def test_what_is_long_gone_is_found_without_a_look_at_what_is_there(full: Database) -> None:
    store = SqlStore(full)
    with store.unit_of_work() as work:
        for number in range(ITEMS):
            note = work.changes.note if number % 50 else work.changes.note_gone
            note(ItemId(uuid(100 + number)), [OWNERS[number % 5]], at=NOW)
        work.commit()
    with full.transaction() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    with heard(full) as asked, store.unit_of_work() as work:
        assert work.changes.forget_gone(before=NOW + timedelta(1), at_most=10) == 10
    assert "ix_changes_at" in str(asked[0].plan)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_word_is_removed_by_its_key_however_little_the_database_knows(
    database: Database,
) -> None:
    with SqlStore(database).unit_of_work() as work:
        work.users.add(a_user(id=USERS[0]))
        work.commit()
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO item_terms SELECT id, number::text, md5(number::text)::uuid"
            " FROM users, generate_series(1, 5000) AS number"
        )
        told = {"owner": USERS[0], "term": "17", "item": USERS[0]}
        text = items._DELETE_TERM.on(connection.dialect, told).text  # noqa: SLF001
        numbered = text % {"owner": "$1", "term": "$2", "item": "$3"}
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql(f"PREPARE removing (uuid, text, uuid) AS {numbered}")
        plan = connection.exec_driver_sql(
            f"EXPLAIN EXECUTE removing ('{USERS[0]}', '17', '{USERS[0]}')"
        ).all()
    (condition,) = [line for (line,) in plan if "Index Cond" in line]
    assert "term" in condition, plan


@pytest.fixture
def busy(database: Database) -> Database:
    """A database whose audit trail tells much of a few users: what they did, and what was done."""
    entries = [an_entry(number) for number in range(1, 1 + ENTRIES)]
    with database.transaction() as connection:
        connection.execute(insert(table(AuditEntryRow)), entries)
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return database


def an_entry(number: int) -> dict[str, Any]:
    user = USERS[number // 2 % len(USERS)]
    return {
        "number": number,
        "id": uuid(number),
        "at": NOW + timedelta(seconds=number),
        "action": "item.created",
        "result": "success",
        "actor_id": user if number % 2 else None,
        "target_type": "user",
        "target_id": None if number % 2 else str(user),
        "request_id": None,
        "personal_digest": b"0" * 32,
        "mac": b"0" * 32,
    }


@pytest.mark.parametrize("before", [None, ENTRIES // 2])
def test_a_page_of_what_concerns_one_user_sorts_two_pages_at_most(
    busy: Database, before: int | None
) -> None:
    """One by the user and one about them: not all that was ever written of the user."""
    store = SqlStore(busy)
    with heard(busy) as asked, store.reading() as see:
        see.audit.matching(AuditFilter(concerning=USERS[0]), before=before, limit=LIMIT)
    (one,) = asked
    if busy.is_sqlite:
        sorts = [step for step in one.plan if "ORDER BY" in step]
        assert not [step for step in one.plan if "SCAN audit_e" in step or "MULTI" in step]
        assert len(sorts) <= 1
        return
    kinds, filters, sorted_rows = zip(*(seen(node) for node in nodes(one.plan)), strict=True)
    assert "BitmapOr" not in kinds
    assert "_id" not in "".join(filters)
    assert max(sorted_rows) <= 2 * LIMIT


def seen(node: dict[str, Any]) -> tuple[str, str, int]:
    """Return what a node of PostgreSQL's does, what it leaves out, and how much it sorts."""
    kind = node["Node Type"]
    return kind, node.get("Filter", ""), node["Plan Rows"] if "Sort" in kind else 0


def test_a_plan_that_reads_or_sorts_a_collection_is_seen(full: Database) -> None:
    with heard(full) as asked, full.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM items WHERE title = 'x'").all()
        connection.exec_driver_sql("SELECT * FROM items ORDER BY description LIMIT 5").all()
        by_owner = f"SELECT * FROM items WHERE owner_id = '{USERS[0].hex}' "  # noqa: S608  # ours
        connection.exec_driver_sql(by_owner + "ORDER BY description LIMIT 5").all()
    assert all(wrongs(each, full) for each in asked)
