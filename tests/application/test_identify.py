"""Who is calling: decided anew at every request."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.store import InMemoryStore
from application.admission import Tokens
from domain.access import Origin, Role, Scope
from domain.errors import InvalidToken, TokenExpired, TokenRevoked
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.application.stand_in_tokens import ACCESS_TTL
from tests.domain.examples import LIFETIMES

TICK = timedelta(microseconds=1)


@pytest.fixture
def tokens(house: House) -> Tokens:
    house.register(EMAIL, PASSWORD)
    return house.sign_in(EMAIL, PASSWORD, None, HERE)


def revoked(house: House, tokens: Tokens) -> bool:
    with pytest.raises(TokenRevoked):
        house.caller(tokens)
    return True


def test_a_caller_is_a_user_in_a_session_from_somewhere(house: House, tokens: Tokens) -> None:
    elsewhere = Origin(address="198.51.100.1", user_agent="another", request_id="another")
    caller = house.identify(tokens.access_token, elsewhere).in_person()
    (session,) = house.sessions()
    assert (caller.user_id, caller.session_id) == (session.user_id, session.id)
    assert (caller.role, caller.scopes) == (Role.MEMBER, Role.MEMBER.scopes)
    assert caller.origin == elsewhere


def test_what_is_no_access_token_proves_nothing(house: House, tokens: Tokens) -> None:
    for text in ("", "nonsense", tokens.refresh_token):
        with pytest.raises(InvalidToken):
            house.identify(text, HERE)


def test_a_token_is_good_until_it_expires(house: House, tokens: Tokens) -> None:
    house.clock.advance(ACCESS_TTL - TICK)
    house.caller(tokens)
    house.clock.advance(TICK)
    with pytest.raises(TokenExpired):
        house.caller(tokens)


def test_an_expired_token_of_an_ended_session_is_expired_first(
    house: House, tokens: Tokens
) -> None:
    house.sign_out(house.caller(tokens))
    assert revoked(house, tokens)
    house.clock.advance(ACCESS_TTL)
    with pytest.raises(TokenExpired):
        house.caller(tokens)


def test_a_suspended_users_token_is_dead_at_once_and_alive_again_after(
    house: House, tokens: Tokens
) -> None:
    house.change(status=Status.SUSPENDED)
    assert revoked(house, tokens)
    house.change(status=Status.ACTIVE)
    house.caller(tokens)


def test_a_removed_users_token_is_dead_also_after_they_came_back(
    house: House, tokens: Tokens
) -> None:
    house.remove()
    assert revoked(house, tokens)
    house.register(EMAIL, PASSWORD)
    assert revoked(house, tokens)


@pytest.mark.parametrize("limit", ["idle", "absolute"])
def test_a_session_that_is_over_has_no_callers_though_the_token_is_young(limit: str) -> None:
    soon = ACCESS_TTL / 2
    house = House(InMemoryStore(), lifetimes=replace(LIFETIMES, **{limit: soon}))
    house.register(EMAIL, PASSWORD)
    tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.clock.advance(soon - TICK)
    house.caller(tokens)
    house.clock.advance(TICK)
    assert revoked(house, tokens)


def test_a_request_may_do_what_token_and_role_both_allow(house: House) -> None:
    house.register(EMAIL, PASSWORD, role=Role.ADMIN)
    wanted = frozenset({Scope.ITEMS_READ, Scope.ITEMS_ADMIN})
    tokens = house.sign_in(EMAIL, PASSWORD, wanted, HERE)
    assert house.caller(tokens).scopes == wanted
    house.change(role=Role.MEMBER)
    lowered = house.caller(tokens)
    assert (lowered.role, lowered.scopes) == (Role.MEMBER, frozenset({Scope.ITEMS_READ}))
    house.change(role=Role.ADMIN)
    assert house.caller(tokens).scopes == wanted


def test_a_raised_role_gives_an_old_token_nothing_new(house: House, tokens: Tokens) -> None:
    house.change(role=Role.ADMIN)
    caller = house.caller(tokens)
    assert (caller.role, caller.scopes) == (Role.ADMIN, Role.MEMBER.scopes)


def test_of_many_who_call_at_one_time_each_is_told_what_they_would_be_alone(
    house: House, tokens: Tokens
) -> None:
    other = house.sign_in(EMAIL, PASSWORD, None, HERE)
    ended = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.sign_out(house.caller(ended))
    elsewhere = Origin(address="198.51.100.1", user_agent="another", request_id="another")
    found = house.identify_many(
        [
            (tokens.access_token, HERE),
            ("nonsense", HERE),
            (ended.access_token, HERE),
            (other.access_token, elsewhere),
            (tokens.access_token, elsewhere),
        ]
    )
    assert found[0] == house.identify(tokens.access_token, HERE)
    assert [type(refused) for refused in found[1:3]] == [InvalidToken, TokenRevoked]
    assert found[3] == house.identify(other.access_token, elsewhere)
    assert found[4] == house.identify(tokens.access_token, elsewhere)
    house.clock.advance(ACCESS_TTL)
    assert [type(late) for late in house.identify_many([(other.access_token, HERE)])] == [
        TokenExpired
    ]
