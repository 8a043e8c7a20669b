"""Whatever people do with items in whatever order, all stores say the same, word for word."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from sys import exc_info

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from adapters.persistence.database import Database
from application.changes import ChangePage
from application.ports.items import Attempt
from domain.access import Caller
from domain.errors import BasaltError
from domain.item import ItemId
from domain.listing import ItemQuery, Sort
from domain.words import needed_words
from tests.adapters.persistence.item_examples import LIMITS
from tests.adapters.persistence.item_steps import PEOPLE
from tests.adapters.persistence.listing_machine import Listing
from tests.adapters.persistence.side_by_side import SideBySide, exact
from tests.domain.examples import a_draft

ROUNDS = int(os.environ.get("BASALT_TEST_ROUNDS", "2"))  # noqa: TID251  # how thoroughly to test
STORIES_A_ROUND = 7
STEPS_A_STORY = 50
STEPS_A_LOOK = 16
BEGUN = 3
EVERYTHING = 100
ORDERS = [*Sort]

MARKS: Bundle[str] = Bundle("marks")


@dataclass
class Phone:
    """What somebody's phone knows from the feed."""

    view: dict[ItemId, object] = field(default_factory=dict)
    cursor: str | None = None
    first: str | None = None

    def take(self, page: ChangePage) -> None:
        """Take a page of changes."""
        for change in page.changes:
            self.view.pop(change.item_id, None)
            if change.seen is not None:
                self.view[change.item_id] = exact(change.seen)
        self.cursor = page.next_cursor
        self.first = self.first or self.cursor


class ItemsMachine(Listing):
    """All that people do, and phones that follow it."""

    def __init__(self, stores: SideBySide) -> None:
        super().__init__(stores)
        self.phones: dict[Caller, Phone] = {}
        self.looks = 0
        self.outside = exc_info()[1]

    @invariant()
    def now_and_then_all_look(self) -> None:
        self.looks += 1
        if self.looks % STEPS_A_LOOK == BEGUN:
            self.sync(EVERYTHING)

    @rule(target=MARKS, limit=LIMITS)
    def sync(self, limit: int) -> MultipleResults[str]:
        pages = [self._synced(person, limit) for person in self.there()]
        return multiple(*[page.next_cursor for page in pages if page])

    @rule(person=PEOPLE, mark=MARKS, limit=LIMITS)
    def look_back(self, person: Caller, mark: str, limit: int) -> None:
        self.stores.ask(lambda house: house.list_changes(person, since=mark, limit=limit))

    def _synced(self, person: Caller, limit: int) -> ChangePage | None:
        phone = self.phones.setdefault(person, Phone())
        page = self.stores.ask(
            lambda house: house.list_changes(person, since=phone.cursor, limit=limit)
        )
        if isinstance(page, BasaltError):
            del self.phones[person]
            return None
        phone.take(page)
        if not page.has_more:
            wanted = ItemQuery.of(person, sort=ORDERS[self.stores.steps % len(ORDERS)])
            seen = self.stores.ask(lambda house: house.walk(wanted, limit=4))
            assert not isinstance(seen, BasaltError)
            listed = {one.item.id: exact(one) for one in seen}
            self.stores.hold(phone.view == listed, f"told {phone.view}, but there is {listed}")
        return page

    def teardown(self) -> None:
        if exc_info()[1] is self.outside:
            self.sync(EVERYTHING)
            items = [*self.owners]
            for id in items:
                self._found_by_all_it_says(id)
            self._a_month_later()
            self.stores.ask(lambda house: house.inventory(self.everybody, items))

    def _a_month_later(self) -> None:
        there = {person.user_id: person for person in self.there()}
        self.wait(timedelta(days=1), tidies=False)
        for id, key in list(self.kept):
            if id in there:
                self.create(there[id], a_draft(), Attempt(key, "later"))
        self.wait(timedelta(days=31), tidies=True)
        for person, phone in self.phones.items():
            if person.user_id in there:
                self.stores.ask(
                    lambda house: house.list_changes(person, since=phone.first, limit=EVERYTHING)  # noqa: B023
                )

    def _found_by_all_it_says(self, id: ItemId) -> None:
        item = self.stores.item(id)
        if item is not None:
            wanted = ItemQuery(
                viewer_id=item.owner_id,
                tags=item.tags,
                words=tuple(needed_words(item.words)),
            )
            seen = self.stores.ask(lambda house: house.walk(wanted, limit=EVERYTHING))
            assert not isinstance(seen, BasaltError)
            self.stores.hold(item in [one.item for one in seen], f"{item} is not found")


def test_all_stores_tell_the_same_story(databases: dict[str, Database]) -> None:
    run_state_machine_as_test(
        lambda: ItemsMachine(SideBySide(databases)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=ROUNDS * STORIES_A_ROUND,
            stateful_step_count=STEPS_A_STORY,
            derandomize="BASALT_TEST_ROUNDS" not in os.environ,  # noqa: TID251
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
