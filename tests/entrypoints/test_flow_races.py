"""Proves that a flow is taken once, and that one person becomes one user, however many come."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from application.admission import Tokens
from application.ports.identities import Visit
from domain.audit import Action, Target, TargetType
from domain.errors import IdentityTaken, InvalidFlow
from domain.identity import Identity, ProvenIdentity, ProviderName
from entrypoints.container import Container
from entrypoints.http.trying import persistent
from tests.entrypoints.conftest import SettingsOf
from tests.entrypoints.http.api import EVERY_DATABASE
from tests.entrypoints.racing import HERE, ROUNDS, People, at_once

PROVIDER = ProviderName("played")
BACK = "https://app.example.com/back"
CROWD = 20


@pytest.fixture
def people(settings_of: SettingsOf) -> Iterator[People]:
    container = Container(settings=settings_of(redirect_uris=BACK, db_pool_size=CROWD))
    yield People(container)
    container.database().close()


def proven_as(number: int) -> ProvenIdentity:
    """Return who the provider says that somebody is."""
    return ProvenIdentity(
        provider=PROVIDER,
        issuer="https://login.example.net",
        subject=str(number),
        email=f"p{number}@example.com",
    )


@EVERY_DATABASE
def test_of_twenty_who_take_one_flow_at_one_moment_one_has_it(people: People) -> None:
    house = people.container
    for _ in range(ROUNDS):
        begun = house.begin_flow()(PROVIDER, BACK, HERE)

        def take(text: str = begun.text, state: str = begun.visit.handshake.state) -> Visit:
            visit: Visit = house.take_flow()(PROVIDER, text, state, HERE)
            return visit

        outcomes = at_once(*[take] * CROWD)
        assert [one for one in outcomes if isinstance(one, Visit)] == [begun.visit]
        assert sum(isinstance(one, InvalidFlow) for one in outcomes) == CROWD - 1


@EVERY_DATABASE
def test_one_person_who_arrives_several_times_at_one_moment_is_one_user(people: People) -> None:
    for number in range(ROUNDS):
        proven = proven_as(number)
        come = persistent(people.container.sign_in_by_provider())
        outcomes = at_once(*[lambda proven=proven, come=come: come(proven, HERE)] * 5)
        tokens = people.note(outcomes)
        assert len(tokens) == 5
        assert len({people.caller(each).user_id for each in tokens}) == 1


@pytest.mark.parametrize("kind", ["postgresql"])
def test_whoever_is_overtaken_between_two_looks_comes_to_the_same_account(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = persistent(people.container.sign_in_by_provider())
    with people.container.reading()() as see:
        identities: Any = type(see.identities)
    proven, look = proven_as(1), identities.known_by
    faster: list[Tokens] = []

    def overtaken(self: object, issuer: str, subject: str) -> Any:
        known = look(self, issuer, subject)
        if not faster:
            monkeypatch.setattr(identities, "known_by", look)
            faster.append(come(proven, HERE))
        return known

    monkeypatch.setattr(identities, "known_by", overtaken)
    slower = come(proven, HERE)
    assert people.caller(slower).user_id == people.caller(faster[0]).user_id


@pytest.mark.parametrize("kind", ["postgresql"])
def test_who_has_noted_something_keeps_nobody_from_the_trail_before_the_commit(
    people: People,
) -> None:
    house = people.container
    with house.unit_of_work()() as work:
        target = Target(TargetType.IDENTITY, PROVIDER)
        house.auditor().record(work, Action.IDENTITY_USED, target, origin=HERE)
        people.join("ada")
        work.commit()
    newest = house.verify_audit()().head
    assert newest.number == 2


@EVERY_DATABASE
def test_nobody_waits_in_a_circle_where_an_identity_is_linked_and_signs_in_at_one_moment(
    people: People,
) -> None:
    house = people.container
    callers = [people.caller(people.sign_in(people.join(name))) for name in ("ada", "bob")]
    come, link = persistent(house.sign_in_by_provider()), persistent(house.link_identity())
    for number in range(ROUNDS):
        proven = proven_as(number)
        acts: list[Callable[[], Tokens | Identity]] = [
            *[lambda caller=caller, proven=proven: link(caller, proven) for caller in callers],
            *[lambda proven=proven: come(proven, HERE)] * 4,
        ]
        outcomes = at_once(*acts)
        assert all(isinstance(one, Tokens | Identity | IdentityTaken) for one in outcomes)
        assert any(isinstance(one, Tokens) for one in outcomes)
