"""Staying signed in: each refresh token is good once, and a lost reply is no theft."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.admission import Tokens
from domain.access import Origin
from domain.errors import (
    InvalidRefreshToken,
    RefreshTokenReused,
    TokenRevoked,
    TooManyAttempts,
)
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House

TICK = timedelta(microseconds=1)
GRACE = timedelta(seconds=10)


@pytest.fixture
def first(house: House) -> Tokens:
    house.register(EMAIL, PASSWORD)
    return house.sign_in(EMAIL, PASSWORD, None, HERE)


def refuse(house: House, token: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        house.refresh(token, None)


def is_alive(house: House, tokens: Tokens) -> bool:
    try:
        house.caller(tokens)
    except TokenRevoked:
        return False
    return True


def test_a_refresh_gives_a_successor_and_a_fresh_access_token(house: House, first: Tokens) -> None:
    second = house.refresh(first.refresh_token, None)
    third = house.refresh(second.refresh_token, None)
    texts = {first.refresh_token, second.refresh_token, third.refresh_token}
    assert len(texts) == 3
    assert len({first.access_token, second.access_token, third.access_token}) == 3
    assert is_alive(house, first)
    assert is_alive(house, third)
    assert len(house.sessions()) == 1


@pytest.mark.parametrize("after", [timedelta(0), GRACE - TICK])
def test_a_reply_that_was_lost_is_given_again(
    house: House, first: Tokens, after: timedelta
) -> None:
    lost = house.refresh(first.refresh_token, None)
    house.clock.advance(after)
    again = house.refresh(first.refresh_token, None)
    assert again.refresh_token == lost.refresh_token
    assert again.access_token != lost.access_token
    assert is_alive(house, again)
    house.refresh(lost.refresh_token, None)


def test_a_reply_may_be_lost_more_than_once(house: House, first: Tokens) -> None:
    given = {house.refresh(first.refresh_token, None).refresh_token for _ in range(5)}
    assert len(given) == 1


def test_asking_again_does_not_make_the_grace_last_longer(house: House, first: Tokens) -> None:
    house.refresh(first.refresh_token, None)
    house.clock.advance(GRACE / 2)
    house.refresh(first.refresh_token, None)
    house.clock.advance(GRACE / 2)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)


@pytest.mark.parametrize("after", [GRACE, GRACE + TICK, timedelta(days=1)])
def test_a_token_that_comes_back_after_the_grace_ends_its_session(
    house: House, first: Tokens, after: timedelta
) -> None:
    house.refresh(first.refresh_token, None)
    house.clock.advance(after)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)
    assert house.sessions() == []


def test_a_grandparent_ends_its_session_within_the_grace_too(house: House, first: Tokens) -> None:
    second = house.refresh(first.refresh_token, None)
    house.refresh(second.refresh_token, None)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)
    assert house.sessions() == []


def test_the_verdict_stays_although_it_is_an_error(house: House, first: Tokens) -> None:
    second = house.refresh(first.refresh_token, None)
    third = house.refresh(second.refresh_token, None)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)
    for token in (first, second, third):
        refuse(house, token.refresh_token)
    assert not is_alive(house, third)
    assert house.done()[-1] == "session.refresh_reused failure"


def test_a_reuse_ends_one_session_and_no_other(house: House, first: Tokens) -> None:
    other = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.refresh(house.refresh(first.refresh_token, None).refresh_token, None)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)
    assert is_alive(house, other)
    house.refresh(other.refresh_token, None)


@pytest.mark.parametrize("text", ["", "nonsense", "refresh x 0 00", "access 0"])
def test_what_is_no_token_is_refused(house: House, first: Tokens, text: str) -> None:
    refuse(house, text)
    assert is_alive(house, first)


def test_a_forged_token_ends_nothing(house: House, first: Tokens) -> None:
    (session,) = house.sessions()
    other = house.sign_in(EMAIL, PASSWORD, None, HERE)
    theirs = next(each for each in house.sessions() if each.id != session.id)
    forgeries = [
        house.refresh_tokens.of(replace(session, seed=bytes(32))),
        house.refresh_tokens.of(replace(session, seed=theirs.seed)),
        house.refresh_tokens.of(replace(session, id=theirs.id)),
        first.refresh_token[:-2] + "00",
        first.refresh_token.replace(" 0 ", " 1 "),
    ]
    for forged in forgeries:
        refuse(house, forged)
    house.refresh(first.refresh_token, None)
    house.refresh(other.refresh_token, None)


@pytest.mark.parametrize("ahead", [1, 2, 1000])
def test_a_token_from_the_future_ends_nothing(house: House, first: Tokens, ahead: int) -> None:
    """As after a database was restored from a backup."""
    (session,) = house.sessions()
    refuse(house, house.refresh_tokens.of(replace(session, counter=ahead)))
    house.refresh(first.refresh_token, None)


def test_a_session_that_was_idle_too_long_is_over(house: House, first: Tokens) -> None:
    house.clock.advance(house.lifetimes.idle)
    refuse(house, first.refresh_token)


def test_each_refresh_lets_a_session_be_idle_anew_but_not_live_for_ever(
    house: House, first: Tokens
) -> None:
    token = first.refresh_token
    for _ in range(6):
        house.clock.advance(house.lifetimes.idle - TICK)
        token = house.refresh(token, None).refresh_token
    (session,) = house.sessions()
    house.clock.now = session.created_at + house.lifetimes.absolute - TICK
    token = house.refresh(token, None).refresh_token
    house.clock.advance(TICK)
    refuse(house, token)


def test_a_session_that_is_over_reports_no_reuse(house: House, first: Tokens) -> None:
    second = house.refresh(first.refresh_token, None)
    house.refresh(second.refresh_token, None)
    house.clock.advance(house.lifetimes.absolute)
    refuse(house, first.refresh_token)


def test_a_suspended_or_removed_users_session_is_not_refreshed(house: House, first: Tokens) -> None:
    house.change(status=Status.SUSPENDED)
    refuse(house, first.refresh_token)
    house.change(status=Status.ACTIVE)
    house.remove()
    refuse(house, first.refresh_token)


def test_a_reply_lost_while_the_secret_was_rotated_is_given_again(
    house: House, first: Tokens
) -> None:
    lost = house.refresh(first.refresh_token, None)
    house.refresh_tokens.secrets.insert(0, "another secret")
    assert house.refresh(first.refresh_token, None).refresh_token == lost.refresh_token
    house.refresh(lost.refresh_token, None)
    (session,) = house.sessions()
    assert session.secret_id == "another secret"


def test_a_token_of_a_secret_that_was_given_up_is_refused(house: House, first: Tokens) -> None:
    house.refresh_tokens.secrets[:] = ["another secret"]
    refuse(house, first.refresh_token)


def test_a_hundred_and_fifty_refreshes_in_five_minutes_are_enough_for_one_network(
    house: House, first: Tokens
) -> None:
    for _ in range(149):
        with pytest.raises(InvalidRefreshToken):
            house.refresh("nonsense", None, HERE)
    house.refresh(first.refresh_token, None, HERE)
    with pytest.raises(TooManyAttempts):
        house.refresh(first.refresh_token, None, HERE)
    house.refresh(first.refresh_token, None, Origin(address="198.51.100.1"))
