"""Proves that a flow is taken once, and that one person becomes one user, however many come."""

from collections.abc import Iterator

import pytest

from application.ports.identities import Visit
from domain.errors import InvalidFlow
from domain.identity import ProvenIdentity, ProviderName
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
        proven = ProvenIdentity(
            provider=PROVIDER,
            issuer="https://login.example.net",
            subject=str(number),
            email=f"p{number}@example.com",
        )
        come = persistent(people.container.sign_in_by_provider())
        outcomes = at_once(*[lambda proven=proven, come=come: come(proven, HERE)] * 5)
        tokens = people.note(outcomes)
        assert len(tokens) == 5
        assert len({people.caller(each).user_id for each in tokens}) == 1
