"""Visits to providers: begun for allowed places only, and come back from once."""

from datetime import timedelta

import pytest

from adapters.memory.store import InMemoryStore
from application.tidying import TidyUp
from domain.errors import (
    InvalidFlow,
    InvalidValue,
    ReauthenticationRequired,
    TooManyAttempts,
)
from domain.identity import FLOW_LIFETIME, ProviderName
from tests.application.house import BACK, HERE, House
from tests.domain.examples import LIFETIMES, PROVIDER

OTHER = ProviderName("another")


def begin(house: House) -> tuple[str, str]:
    """Begin a visit; return its secret and its state."""
    begun = house.begin_flow(PROVIDER, BACK, HERE)
    return begun.text, begun.visit.handshake.state


def test_a_visit_goes_to_the_provider_and_back_to_where_it_was_asked_for(house: House) -> None:
    begun = house.begin_flow(PROVIDER, BACK, HERE)
    visit = house.take_flow(PROVIDER, begun.text, begun.visit.handshake.state, HERE)
    assert visit == begun.visit
    assert (visit.provider, visit.redirect_uri) == (PROVIDER, BACK)


@pytest.mark.parametrize(
    "place",
    [
        "https://app.example.com/back/",
        "https://app.example.com/back?x=1",
        "https://app.example.com/back#",
        "https://app.example.com/BACK",
        "https://APP.example.com/back",
        "https://app.example.com:443/back",
        "https://app.example.com/./back",
        "https://app.example.com@evil.example/back",
        "https://app.example.com.evil.example/back",
        "https://evil.example/?https://app.example.com/back",
        "//app.example.com/back",
        "\\\\app.example.com/back",
        "https://app.example.com/back%0d%0aLocation: https://evil.example",
        " https://app.example.com/back",
        "https://app.example.com/back\n",
        "http://app.example.com/back",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_visit_returns_to_exactly_what_is_allowed(house: House, place: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        house.begin_flow(PROVIDER, place, HERE)
    assert caught.value.field == "redirect_uri"


def test_a_flow_works_once(house: House) -> None:
    text, state = begin(house)
    house.take_flow(PROVIDER, text, state, HERE)
    with pytest.raises(InvalidFlow):
        house.take_flow(PROVIDER, text, state, HERE)


def test_a_flow_is_over_after_ten_minutes(house: House) -> None:
    text, state = begin(house)
    house.clock.advance(FLOW_LIFETIME)
    with pytest.raises(InvalidFlow):
        house.take_flow(PROVIDER, text, state, HERE)


@pytest.mark.parametrize("state", ["", "state of flow 2", "state of flow 1 "])
def test_a_wrong_state_is_refused_and_uses_nothing_up(house: House, state: str) -> None:
    text, good = begin(house)
    begin(house)
    with pytest.raises(InvalidFlow):
        house.take_flow(PROVIDER, text, state, HERE)
    house.take_flow(PROVIDER, text, good, HERE)


@pytest.mark.parametrize("text", ["", "flow 9", "nonsense"])
def test_what_is_no_flow_is_refused(house: House, text: str) -> None:
    begin(house)
    with pytest.raises(InvalidFlow):
        house.take_flow(PROVIDER, text, f"state of {text}", HERE)


def test_a_flow_to_one_provider_does_not_come_back_from_another(house: House) -> None:
    text, state = begin(house)
    with pytest.raises(InvalidFlow):
        house.take_flow(OTHER, text, state, HERE)
    house.take_flow(PROVIDER, text, state, HERE)


def test_visits_from_one_network_are_counted_and_so_are_bad_returns(house: House) -> None:
    for _ in range(50):
        begin(house)
        with pytest.raises(InvalidFlow):
            house.take_flow(PROVIDER, "nonsense", "", HERE)
    with pytest.raises(TooManyAttempts):
        begin(house)
    with pytest.raises(TooManyAttempts):
        house.take_flow(PROVIDER, "nonsense", "", HERE)


def test_a_good_return_counts_nothing(house: House) -> None:
    for _ in range(100):
        text, state = begin(house)
        house.take_flow(PROVIDER, text, state, HERE)
    house.clock.advance(timedelta(minutes=5))
    begin(house)


def test_linking_takes_a_flow_only_with_a_fresh_proof(house: House) -> None:
    caller = house.arrive()
    text, state = begin(house)
    house.clock.advance(timedelta(minutes=16))
    text, state = begin(house)
    with pytest.raises(ReauthenticationRequired):
        house.take_flow_to_link(caller, text, state)
    house.clock.advance(-timedelta(minutes=1))
    assert house.take_flow_to_link(caller, text, state).provider == PROVIDER


def test_flows_that_are_over_are_tidied_away() -> None:
    house = House(InMemoryStore())
    begin(house)
    tidy_up = TidyUp(house.store.unit_of_work, house.clock, LIFETIMES)
    assert tidy_up() == 0
    house.clock.advance(FLOW_LIFETIME)
    assert tidy_up() >= 1
    with house.store.reading() as see:
        assert see.flows.get(house.flow_texts.digest("flow 1")) is None
