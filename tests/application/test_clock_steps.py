"""A clock that is set anew prolongs nothing by more than it was set, and locks nobody out."""

from datetime import timedelta

import pytest

from application.admission import Tokens
from domain.errors import (
    InvalidCredentials,
    InvalidRefreshToken,
    TokenExpired,
    TokenRevoked,
    TooManyAttempts,
)
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.application.stand_in_tokens import ACCESS_TTL

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
STEPS = [HOUR, -HOUR, DAY, -DAY]

pytestmark = pytest.mark.parametrize("step", STEPS, ids=str)


@pytest.fixture
def ada(house: House) -> Tokens:
    house.register(EMAIL, PASSWORD)
    return house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_a_refresh_works_at_once_and_its_token_lasts_as_long_as_ever(
    house: House, ada: Tokens, step: timedelta
) -> None:
    house.clock.advance(step)
    fresh = house.refresh(ada.refresh_token, None)
    assert fresh.expires_in == ACCESS_TTL.total_seconds()
    house.caller(fresh)
    house.clock.advance(ACCESS_TTL)
    with pytest.raises(TokenExpired):
        house.caller(fresh)


def test_a_session_that_is_used_no_more_ends_with_the_step_at_the_latest(
    house: House, ada: Tokens, step: timedelta
) -> None:
    house.clock.advance(step)
    house.clock.advance(house.lifetimes.idle + abs(step))
    with pytest.raises(InvalidRefreshToken):
        house.refresh(ada.refresh_token, None)


def test_a_session_in_use_ends_with_the_step_at_the_latest(
    house: House, ada: Tokens, step: timedelta
) -> None:
    ends_at = house.clock.now + house.lifetimes.absolute
    house.clock.advance(step)
    token = ada.refresh_token
    while house.clock.now + house.lifetimes.idle / 2 < ends_at:
        house.clock.advance(house.lifetimes.idle / 2)
        token = house.refresh(token, None).refresh_token
    house.clock.now = ends_at
    with pytest.raises(InvalidRefreshToken):
        house.refresh(token, None)


def test_a_session_that_was_ended_stays_so(house: House, ada: Tokens, step: timedelta) -> None:
    house.sign_out(house.caller(ada))
    house.clock.advance(step)
    with pytest.raises((TokenRevoked, TokenExpired)):
        house.caller(ada)
    with pytest.raises(InvalidRefreshToken):
        house.refresh(ada.refresh_token, None)


@pytest.mark.usefixtures("ada")
def test_an_account_that_is_locked_is_open_again_after_its_minute(
    house: House, step: timedelta
) -> None:
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(EMAIL, "wrong", None, HERE)
    with pytest.raises(TooManyAttempts):
        house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.clock.advance(step)
    house.clock.advance(MINUTE)
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_nobody_is_told_to_wait_for_longer_than_a_limit_lasts(
    house: House, ada: Tokens, step: timedelta
) -> None:
    token = ada.refresh_token
    for _ in range(150):
        token = house.refresh(token, None, HERE).refresh_token
    with pytest.raises(TooManyAttempts):
        house.refresh(token, None, HERE)
    house.clock.advance(step)
    waits, token = waited(house, token)
    assert waits <= 300
    house.clock.advance(timedelta(minutes=5))
    assert waited(house, token)[0] == 0


def waited(house: House, token: str) -> tuple[int, str]:
    """Refresh; return how long that is refused, if it is, and the token that is current then."""
    try:
        return 0, house.refresh(token, None, HERE).refresh_token
    except TooManyAttempts as refused:
        return refused.retry_after, token
