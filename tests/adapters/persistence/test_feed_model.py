"""Whatever several people do in whatever order, who follows the feed sees what the lists show."""

import random
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.store import InMemoryStore
from domain.access import Caller
from domain.errors import Gone, InvalidCursor
from domain.item import Access, ItemId
from domain.sharing import GrantRole
from tests.adapters.persistence.sharing_house import Follower, SharingHouse, View
from tests.application.house import Store

PEOPLE = 3
STEPS = 150


class Model:
    """What everybody must see: owners, versions and grants, in dictionaries."""

    def __init__(self, house: SharingHouse, chance: random.Random) -> None:
        self.house = house
        self.chance = chance
        self.owners: dict[ItemId, Caller] = {}
        self.versions: dict[ItemId, int] = {}
        self.grants: dict[tuple[ItemId, int], GrantRole] = {}

    def view(self, person: Caller) -> View:
        number = self.house.people.index(person)
        seen: View = {
            id: (self.versions[id], Access.OWNER)
            for id, owner in self.owners.items()
            if owner is person
        }
        for (id, friend), role in self.grants.items():
            if friend == number:
                seen[id] = (self.versions[id], role.access)
        return seen

    def step(self) -> None:
        """Let somebody do something that they may."""
        kinds: list[Any] = [self.create, self.edit, self.edit, self.delete, self.share,
                            self.share, self.withdraw, self.change]  # fmt: skip
        self.house.clock.advance(timedelta(seconds=self.chance.choice([0, 1])))
        self.chance.choice(kinds if self.owners else [self.create])()

    def create(self) -> None:
        person = self.chance.choice(self.house.people)
        id = self.house.create(person)
        self.owners[id], self.versions[id] = person, 1

    def edit(self) -> None:
        id = self.chance.choice(list(self.owners))
        editors = [self.owners[id]]
        editors += [
            self.house.people[friend]
            for (item, friend), role in self.grants.items()
            if item == id and role is GrantRole.EDITOR
        ]
        title = self.chance.choice(["one", "two"])
        with self.house.store.reading() as see:
            before = see.items.get(id)
        assert before
        self.house.edit(self.chance.choice(editors), id, title)
        self.versions[id] += before.title != title

    def delete(self) -> None:
        id = self.chance.choice(list(self.owners))
        self.house.delete(self.owners.pop(id), id)
        del self.versions[id]
        self.grants = {key: role for key, role in self.grants.items() if key[0] != id}

    def share(self) -> None:
        id = self.chance.choice(list(self.owners))
        owner = self.owners[id]
        friend = self.chance.randrange(PEOPLE)
        if self.house.people[friend] is owner or (id, friend) in self.grants:
            return
        role = self.chance.choice(list(GrantRole))
        self.house.share(owner, id, self.house.people[friend], role)
        self.grants[id, friend] = role

    def withdraw(self) -> None:
        if self.grants:
            id, friend = self.chance.choice(list(self.grants))
            person = self.house.people[friend]
            self.house.withdraw(self.chance.choice([self.owners[id], person]), id, person)
            del self.grants[id, friend]

    def change(self) -> None:
        if self.grants:
            id, friend = self.chance.choice(list(self.grants))
            (role,) = set(GrantRole) - {self.grants[id, friend]}
            self.house.change(self.owners[id], id, self.house.people[friend], role)
            self.grants[id, friend] = role


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_follows_the_feed_sees_what_there_is(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    house = SharingHouse(store, PEOPLE)
    model = Model(house, chance)
    followers = [Follower(house, person) for person in house.people for _ in range(2)]
    for _ in range(STEPS):
        model.step()
        if chance.random() < 0.3:
            chance.choice(followers).sync(chance.choice([1, 2, 5]))
        if chance.random() < 0.2:
            follower = chance.choice(followers)
            assert follower.sync_all() == model.view(follower.person)
    for follower in [*followers, *(Follower(house, person) for person in house.people)]:
        assert follower.sync_all() == model.view(follower.person) == house.view(follower.person)
    assert any(model.view(person) for person in house.people)


def test_nothing_is_told_twice_and_an_answer_without_news_keeps_the_place(store: Store) -> None:
    house = SharingHouse(store, 1)
    (ada,) = house.people
    follower = Follower(house, ada)
    start = house.list_changes(ada, since=None, limit=1)
    assert (list(start.changes), start.has_more) == ([], False)
    house.create(ada)
    behind = house.list_changes(ada, since=start.next_cursor, limit=1)
    assert (len(behind.changes), behind.has_more) == (1, False)
    assert follower.sync(1) is False
    again = house.list_changes(ada, since=follower.cursor, limit=1)
    assert (list(again.changes), again.has_more) == ([], False)
    house.create(ada)
    house.create(ada)
    assert follower.sync(1) is True
    assert follower.sync(1) is False


def test_a_cursor_older_than_what_is_kept_of_what_is_gone_is_refused(store: Store) -> None:
    house = SharingHouse(store, 2)
    ada, bob = house.people
    first, kept = house.create(ada), house.create(ada)
    house.create(bob)
    old = house.list_changes(ada, since=None, limit=9).next_cursor
    bobs = house.list_changes(bob, since=None, limit=9).next_cursor
    house.delete(ada, first)
    fresh = house.list_changes(ada, since=old, limit=9).next_cursor
    house.clock.advance(timedelta(days=30))
    house.tidy_up()
    assert len(house.list_changes(ada, since=old, limit=9).changes) == 1
    house.clock.advance(timedelta(microseconds=1))
    house.tidy_up()
    with pytest.raises(Gone):
        house.list_changes(ada, since=old, limit=9)
    assert list(house.list_changes(ada, since=fresh, limit=9).changes) == []
    assert list(house.list_changes(bob, since=bobs, limit=9).changes) == []
    begun = house.list_changes(ada, since=None, limit=9)
    assert [change.item_id for change in begun.changes] == [kept]
    assert list(house.list_changes(ada, since=begun.next_cursor, limit=9).changes) == []


def test_who_began_before_everything_went_long_ago_begins_again(store: Store) -> None:
    house = SharingHouse(store, 1)
    (ada,) = house.people
    nothing = house.list_changes(ada, since=None, limit=9).next_cursor
    house.delete(ada, house.create(ada))
    house.clock.advance(timedelta(days=31))
    house.tidy_up()
    with pytest.raises(Gone):
        house.list_changes(ada, since=nothing, limit=9)
    begun = house.list_changes(ada, since=None, limit=9)
    assert list(house.list_changes(ada, since=begun.next_cursor, limit=9).changes) == []


def test_who_begins_after_something_went_long_ago_reads_page_after_page(store: Store) -> None:
    house = SharingHouse(store, 1)
    (ada,) = house.people
    kept = [house.create(ada) for _ in range(3)]
    house.delete(ada, house.create(ada))
    house.clock.advance(timedelta(days=31))
    house.tidy_up()
    follower = Follower(house, ada)
    assert [follower.sync(1) for _ in kept] == [True, True, False]
    assert follower.view.keys() == set(kept)


def test_a_cursor_of_somebody_else_is_refused() -> None:
    house = SharingHouse(InMemoryStore(), 2)
    ada, bob = house.people
    cursor = house.list_changes(ada, since=None, limit=1).next_cursor
    with pytest.raises(InvalidCursor):
        house.list_changes(bob, since=cursor, limit=1)
