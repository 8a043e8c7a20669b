"""Whichever statement of a story fails, nothing of that story is stored (ASVS 2.3.3).

But for one that is the whole transaction, and whose answer alone is lost: that is all of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from adapters.persistence.database import Database
from adapters.persistence.driver import Driver
from adapters.persistence.unit_of_work import SqlStore
from domain.access import Person
from domain.errors import Unavailable
from domain.item import ItemEdit
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import a_draft

OTHER = "a harbour of slow clocks"
COUNTS = "tallies"
"""How often something was tried is stored before it is known how it ends."""

Story = Callable[[House, Person], object]


STORIES: Mapping[str, Story] = {
    "sign up": lambda house, _: house.register("bert@example.com", PASSWORD),
    "sign in": lambda house, _: house.sign_in(EMAIL, PASSWORD, None, HERE),
    "refresh": lambda house, _: house.refresh(house.tokens.refresh_token, None, HERE),  # type: ignore[attr-defined]
    "create an item": lambda house, anna: house.create_item(anna, a_draft(title="a b c d")),
    "edit an item": lambda house, anna: house.edit_item(anna, house.item, ItemEdit(title="e f")),  # type: ignore[attr-defined]
    "change the password": lambda house, anna: house.change_password(anna, PASSWORD, OTHER),
    "leave": lambda house, anna: house.delete_account(anna, PASSWORD),
}


_CHANGE = Driver.change


def is_open(driver: Driver) -> bool:
    """Whether a transaction is open, which ends by a statement of its own."""
    if driver.dialect.name == "sqlite":
        return bool(driver.raw.in_transaction)
    return not driver.raw.is_idle


class Failing:
    """Counts statements, and fails at one of them, before or after it is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
        self.count = 0
        self.has_failed = False
        self.has_stored = False
        for name in ("rows", "change", "change_each"):
            monkeypatch.setattr(Driver, name, self._wrapped(getattr(Driver, name), at, after))

    def _wrapped(self, method: Callable[..., Any], at: int, after: bool) -> Callable[..., Any]:
        def run(driver: Driver, text: str, *values: Any) -> Any:
            if text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                return method(driver, text, *values)
            self.count += 1
            fails = self.count == at
            done = method(driver, text, *values) if after or not fails else None
            if fails:
                self.has_failed = True
                self.has_stored = after and method is _CHANGE and not is_open(driver)
                raise Unavailable
            return done

        return run


def stored(database: Database) -> Mapping[str, Sequence[Any]]:
    tables = [each for each in SQLModel.metadata.sorted_tables if each.name != COUNTS]
    with database.connect() as connection:
        return {each.name: sorted(map(repr, connection.execute(select(each)))) for each in tables}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_story_that_fails_at_any_of_its_statements_has_not_begun(
    database: Database, monkeypatch: pytest.MonkeyPatch, story: Story, after: bool
) -> None:
    house: Any = House(SqlStore(database))
    anna = house.arrive()
    house.tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.item = house.create_item(anna, a_draft()).item.id
    before = stored(database)
    whole = set[str]()
    for at in range(1, 60):
        with monkeypatch.context() as broken:
            failing = Failing(broken, at, after=after)
            try:
                story(house, anna)
            except Unavailable:
                assert failing.has_failed
        changed = {name for name, rows in stored(database).items() if rows != before[name]}
        if not failing.has_failed:
            assert at > 1
            assert changed
            assert whole in (set(), changed)
            return
        if failing.has_stored:
            whole, before = changed, stored(database)
            assert whole
        else:
            assert not changed, f"statement {at}"
    pytest.fail("the story has no end")
