"""People who keep, share and lose items, in whatever order, on all stores at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    MultipleResults,
    initialize,
    multiple,
    rule,
)

from application.batch import BatchDone, Operation
from application.ports.items import Attempt
from application.replaying import Done
from domain.access import Caller
from domain.errors import BasaltError
from domain.item import Expected, ItemDraft, ItemEdit, ItemId, SeenItem
from domain.sharing import GrantRole
from tests.adapters.persistence.item_examples import ATTEMPTS, DRAFTS, EDITS, EXPECTED
from tests.adapters.persistence.item_steps import (
    ACTORS,
    EMAILS,
    FRIENDS,
    ITEMS,
    PEOPLE,
    STEPS,
    THIS_ONE,
)
from tests.adapters.persistence.people_machine import Coming
from tests.adapters.persistence.sharing_house import email_of

T = TypeVar("T")


class Writing(Coming):
    """What changes something."""

    @initialize(
        target=ITEMS,
        drafts=st.lists(DRAFTS, min_size=12, max_size=12),
        roles=st.lists(st.none() | st.sampled_from(GrantRole), min_size=12, max_size=12),
    )
    def have_something(
        self, drafts: list[ItemDraft], roles: list[GrantRole | None]
    ) -> MultipleResults[ItemId]:
        for number, (draft, role) in enumerate(zip(drafts, roles, strict=True)):
            people = self.everybody[number % 4 :] + self.everybody[: number % 4]
            self.create(people[0], draft, None)
            if role is not None:
                for friend in people[1 + number // 4 :][:2]:
                    self.share(people[0], [*self.owners][-1], email_of(friend), role, None)
        return multiple(*self.owners)

    @rule(target=ITEMS, person=PEOPLE, draft=DRAFTS, attempt=ATTEMPTS)
    def create(
        self, person: Caller, draft: ItemDraft, attempt: Attempt | None
    ) -> MultipleResults[ItemId]:
        done = self.stores.ask(lambda house: house.create(person, draft, attempt))
        self.remember(person, attempt, done)
        return self._made(person, done, lambda seen: [seen])

    @rule(
        target=ITEMS,
        actor=ACTORS,
        id=ITEMS,
        steps=st.lists(STEPS, min_size=1, max_size=4),
        attempt=ATTEMPTS,
    )
    def batch(
        self, actor: Caller | None, id: ItemId, steps: list[Any], attempt: Attempt | None
    ) -> MultipleResults[ItemId]:
        person = self.acting(actor, id)
        meant: list[Operation] = [
            replace(step, id=id) if getattr(step, "id", None) == THIS_ONE else step
            for step in steps
        ]
        done = self.stores.ask(lambda house: house.run_batch(person, meant, attempt))
        self.remember(person, attempt, done)
        return self._made(person, done, _made_by_batch)

    @rule(actor=ACTORS, id=ITEMS, edit=EDITS, expected=EXPECTED)
    def edit(self, actor: Caller | None, id: ItemId, edit: ItemEdit, expected: Expected) -> None:
        person = self.acting(actor, id)
        self.stores.ask(lambda house: house.edit(person, id, edit, expected))

    @rule(actor=ACTORS, id=ITEMS, draft=DRAFTS, expected=EXPECTED)
    def put(self, actor: Caller | None, id: ItemId, draft: ItemDraft, expected: Expected) -> None:
        person = self.acting(actor, id)
        self.stores.ask(lambda house: house.replace(person, id, draft, expected))

    @rule(actor=ACTORS, id=ITEMS, expected=EXPECTED)
    def delete(self, actor: Caller | None, id: ItemId, expected: Expected) -> None:
        person = self.acting(actor, id)
        self.stores.ask(lambda house: house.delete(person, id, expected))

    @rule(
        actor=ACTORS,
        id=ITEMS,
        friend=EMAILS,
        role=st.sampled_from(GrantRole),
        attempt=ATTEMPTS,
    )
    def share(
        self,
        actor: Caller | None,
        id: ItemId,
        friend: str,
        role: GrantRole,
        attempt: Attempt | None,
    ) -> None:
        person = self.acting(actor, id)
        done = self.stores.ask(lambda house: house.share(person, id, friend, role, attempt))
        self.remember(person, attempt, done)

    @rule(actor=ACTORS, id=ITEMS, friend=FRIENDS, role=st.none() | st.sampled_from(GrantRole))
    def change(
        self, actor: Caller | None, id: ItemId, friend: Caller | None, role: GrantRole | None
    ) -> None:
        person, user_id = self.acting(actor, id), self.befriended(friend, id)
        wanted = role or self.stores.other_role(id, user_id)
        self.stores.ask(lambda house: house.change_grant(person, id, user_id, wanted))

    @rule(actor=ACTORS, id=ITEMS, friend=FRIENDS)
    def withdraw(self, actor: Caller | None, id: ItemId, friend: Caller | None) -> None:
        person, user_id = self.acting(actor, id), self.befriended(friend, id)
        self.stores.ask(lambda house: house.withdraw_grant(person, id, user_id))

    def _made(
        self, person: Caller, done: Done[T] | BasaltError, new: Callable[[T], list[SeenItem]]
    ) -> MultipleResults[ItemId]:
        if isinstance(done, BasaltError) or done.replayed:
            return multiple()
        ids = [seen.item.id for seen in new(done.result)]
        self.owners |= dict.fromkeys(ids, person)
        return multiple(*ids)


def _made_by_batch(done: BatchDone) -> list[SeenItem]:
    return [step.seen for step in done.outcomes if step.created and step.seen]
