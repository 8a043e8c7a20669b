"""People who come and go, whoever acts next, and the time that passes."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from application.ports.items import Attempt
from application.replaying import Done
from domain.access import Caller, Role, UserId
from domain.errors import BasaltError
from domain.item import ItemId
from tests.adapters.persistence.item_steps import PAUSES, PEOPLE
from tests.adapters.persistence.sharing_house import email_of
from tests.adapters.persistence.side_by_side import SideBySide, exact
from tests.domain.examples import NOW, a_caller, a_user, uuid

LEAVERS_MAX = 2


class Coming(RuleBasedStateMachine):
    """Who is there, and what they own."""

    def __init__(self, stores: SideBySide) -> None:
        super().__init__()
        self.stores = stores
        self.everybody: list[Caller] = []
        self.gone: set[UserId] = set()
        self.owners: dict[ItemId, Caller] = {}
        self.kept: dict[tuple[UserId, str], object] = {}
        for role in (Role.ADMIN, Role.MEMBER, Role.MEMBER, Role.MEMBER):
            self._arrived(role)

    @initialize(target=PEOPLE)
    def be_there(self) -> MultipleResults[Caller]:
        return multiple(*self.everybody)

    @rule(target=PEOPLE, role=st.sampled_from(Role))
    def arrive(self, role: Role) -> Caller:
        return self._arrived(role)

    def _arrived(self, role: Role) -> Caller:
        number = (len(self.everybody) + 1) * 0x9E3779B97F4B % 2**48
        person = a_caller(user_id=UserId(uuid(number)), role=role)
        name = "Anna" if len(self.everybody) % 2 else None
        user = a_user(
            id=person.user_id, email=email_of(person), role=role, display_name=name, created_at=NOW
        )
        self.stores.ask(lambda house: house.arrive(user))
        self.everybody.append(person)
        return person

    @precondition(lambda self: len(self.gone) < LEAVERS_MAX)
    @rule(who=st.integers(0, 9))
    def leave(self, who: int) -> None:
        there = self.there()
        admin, id = self.everybody[0], there[-1 - who % len(there)].user_id
        answer = self.stores.ask(lambda house: house.remove_user(admin, id))
        if not isinstance(answer, BasaltError):
            self.gone.add(id)

    def there(self) -> list[Caller]:
        return [person for person in self.everybody if person.user_id not in self.gone]

    @rule(pause=st.sampled_from(PAUSES), tidies=st.booleans())
    def wait(self, pause: timedelta, tidies: bool) -> None:
        for house in self.stores.houses.values():
            house.clock.advance(pause)
        if tidies:
            self.stores.ask(lambda house: house.tidy_up())

    def acting(self, actor: Caller | None, id: ItemId) -> Caller:
        return actor or self.owners.get(id, self.everybody[0])

    def befriended(self, friend: Caller | None, id: ItemId) -> UserId:
        friends = self.stores.friends(id) if friend is None else [friend.user_id]
        return friends[0] if friends else self.acting(None, id).user_id

    def remember(self, person: Caller, attempt: Attempt | None, done: object) -> None:
        """Note what the first attempt came to; another one comes to the same."""
        if attempt is None or not isinstance(done, Done):
            return
        key, result = (person.user_id, attempt.key), exact(done.result)
        if done.replayed:
            self.stores.hold(self.kept.get(key) == result, "the answer to somebody else")
        self.kept[key] = result
