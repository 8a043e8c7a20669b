"""While many write, whoever walks the lists or follows the feed misses and repeats nothing."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.ids import uuid7
from adapters.persistence.commit_members import Member
from adapters.persistence.database import Alone, Database
from adapters.persistence.unit_of_work import SqlStore
from application.items import viewers_of
from domain.item import Access, ItemEdit, ItemId
from domain.listing import Sort
from domain.sharing import Grant, GrantRole
from tests.adapters.persistence.conftest import opened
from tests.adapters.persistence.sharing_house import Follower, SharingHouse
from tests.domain.examples import NOW

WRITERS = 20
LASTING = 40
SECONDS = 0.7


@contextmanager
def at_work(house: SharingHouse) -> Iterator[list[int]]:
    """Let writers insert and delete meanwhile; count what each did."""
    stop = threading.Event()
    done = [0] * WRITERS

    def write(number: int) -> None:
        chance = random.Random(number)
        person = house.people[number % 2]
        friend = house.people[1 - number % 2]
        own: list[ItemId] = []
        while not stop.is_set():
            if len(own) < 3 or chance.random() < 0.4:
                own.append(house.create(person, chance.choice("abcxyz")))
                if chance.random() < 0.3:
                    house.share(person, own[-1], friend, GrantRole.VIEWER)
            elif chance.random() < 0.5:
                house.edit(person, chance.choice(own), str(done[number]))
            else:
                house.delete(person, own.pop(chance.randrange(len(own))))
            done[number] += 1

    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(write, number) for number in range(WRITERS)]
        try:
            yield done
        finally:
            stop.set()
    for each in writing:
        each.result()  # raises what went wrong


@pytest.fixture
def house(database: Database) -> Iterator[SharingHouse]:
    """Two people, and a connection for each writer."""
    url = database.writer.url.render_as_string(hide_password=False)
    with opened(url, pool_size=WRITERS + 5) as wide:
        yield SharingHouse(SqlStore(wide), 2, uuid7)


def test_every_walk_shows_all_that_lasts_exactly_once(house: SharingHouse) -> None:
    ada, bob = house.people
    lasting = {house.create(ada, f"{number % 7}") for number in range(LASTING)}
    for number in range(LASTING // 4):
        shared = house.create(bob, f"{number % 7}")
        house.share(bob, shared, ada, GrantRole.VIEWER)
        lasting.add(shared)
    walks = 0
    with at_work(house) as done:
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at or walks < len(Sort):
            sort = list(Sort)[walks % len(Sort)]
            times = Counter(seen.item.id for seen in house.walk(ada, sort, limit=7))
            assert {times[id] for id in lasting} == {1}, sort
            walks += 1
    assert sum(done) > WRITERS


def test_who_follows_meanwhile_sees_in_the_end_what_there_is(house: SharingHouse) -> None:
    followers = [Follower(house, person) for person in house.people]
    with at_work(house) as done:
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            for follower in followers:
                follower.sync(3)
                follower.sync(100)
    for follower in followers:
        assert follower.sync_all() == house.view(follower.person)
    assert sum(done) > WRITERS


def test_whoever_commits_later_is_behind_every_cursor_that_was_given_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of two who write at once are in the order of their commits."""
    house = SharingHouse(SqlStore(database), 1, uuid7)
    (ada,) = house.people
    first, second = house.create(ada), house.create(ada)
    follower = Follower(house, ada)
    follower.sync_all()
    entered, go = threading.Event(), threading.Event()

    def holding_the_first(commit: Callable[[Any], None]) -> Callable[[Any], None]:
        def hold(transaction: Any) -> None:
            if not entered.is_set():
                entered.set()
                go.wait(10)
            commit(transaction)

        return hold

    for kind in (Alone, Member):
        monkeypatch.setattr(kind, "commit", holding_the_first(kind.commit))
    with ThreadPoolExecutor(2) as threads:
        slowly = threads.submit(house.edit, ada, first, "slow")
        assert entered.wait(10), slowly.exception(0)
        quickly = threads.submit(house.edit, ada, second, "quick")
        time.sleep(0.1)  # until the quick one would be done if nothing held it
        number = follower.number
        follower.sync_all()
        go.set()
        slowly.result()
        quickly.result()
    assert follower.number == number
    page = house.list_changes(ada, since=follower.cursor, limit=9)
    assert [change.item_id for change in page.changes] == [first, second]


def test_a_grantee_who_leaves_meanwhile_hinders_nobody(database: Database) -> None:
    house = SharingHouse(SqlStore(database), 2, uuid7)
    ada, bob = house.people
    item = house.create(ada)
    house.share(ada, item, bob, GrantRole.VIEWER)

    def leave() -> None:
        with house.store.unit_of_work() as work:
            work.users.remove(bob.user_id)
            work.commit()

    with ThreadPoolExecutor(1) as threads:
        with house.store.unit_of_work() as work:
            before = work.items.lock(item)
            assert before
            after = before.edited(ItemEdit(title="after"), now=house.clock())
            viewers = viewers_of(work, after)
            leaving = threads.submit(leave)
            wait([leaving], 0.3)  # where it can be done at once
            work.items.save(after, before=before)
            work.changes.note(item, viewers, at=house.clock())
            work.commit()
        leaving.result()
    assert Follower(house, ada).sync_all() == {item: (2, Access.OWNER)}


def test_whoever_gets_an_item_while_its_owner_leaves_learns_that_it_is_gone(
    database: Database,
) -> None:
    house = SharingHouse(SqlStore(database), 2, uuid7)
    ada, bob = house.people
    item = house.create(ada)
    follower = Follower(house, bob)
    shared, leaving = threading.Event(), threading.Event()

    def share() -> None:
        with house.store.unit_of_work() as work:
            assert work.items.lock(item)
            work.grants.add(
                Grant(item_id=item, user_id=bob.user_id, role=GrantRole.VIEWER, created_at=NOW)
            )
            work.changes.note(item, [bob.user_id], at=NOW)
            shared.set()
            assert leaving.wait(10)
            time.sleep(0.1)  # until whoever leaves waits for it, if they do
            work.commit()

    def leave() -> None:
        assert shared.wait(10)
        leaving.set()
        with house.store.unit_of_work() as work:
            work.users.lock(ada.user_id)
            work.changes.note_owner_gone(ada.user_id, at=NOW)
            work.users.remove(ada.user_id)
            work.commit()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(share), threads.submit(leave)]:
            each.result()
    page = house.list_changes(bob, since=follower.cursor, limit=9)
    assert [(change.item_id, change.seen) for change in page.changes] == [(item, None)]
    with house.store.reading() as see:  # behind the one who saw it between the two
        assert see.changes.newest([bob.user_id]) == {bob.user_id: 2}
