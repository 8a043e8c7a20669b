"""When a second factor is in force, which codes are used up, and how long a sign-in waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.second_factor import (
    CHALLENGE_FOR,
    GUESSES,
    STEP,
    Challenge,
    SecondFactor,
    step_at,
)
from domain.user import Status
from tests.domain.examples import ANNA, LATER, NOW, a_user

TICK = timedelta(microseconds=1)
HERE = step_at(NOW)


def test_steps_are_those_of_rfc_6238() -> None:
    begin = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    assert step_at(begin + STEP) == step_at(begin) + 1
    assert step_at(begin + STEP - TICK) == step_at(begin)
    assert step_at(begin) == int(begin.timestamp()) // 30


def test_a_factor_is_in_force_once_it_is_confirmed() -> None:
    begun = SecondFactor.begin(user_id=ANNA, sealed=b"sealed")
    assert not begun.is_in_force
    confirmed = begun.confirmed(HERE, user=a_user(email_verified=False), now=NOW)
    assert confirmed.is_in_force
    assert (confirmed.confirmed_at, confirmed.spent_step) == (NOW, HERE)
    assert confirmed.proved_address is None
    proved = a_user(email_verified=True)
    assert begun.confirmed(HERE, user=proved, now=NOW).proved_address == proved.email


def test_its_secret_is_in_no_representation() -> None:
    assert "canary" not in repr(SecondFactor.begin(user_id=ANNA, sealed=b"canary"))


def test_no_code_and_no_earlier_one_works_twice() -> None:
    factor = SecondFactor.begin(user_id=ANNA, sealed=b"sealed")
    assert not factor.is_spent(HERE, now=NOW)
    spent = factor.spent(HERE)
    assert [spent.is_spent(HERE + ahead, now=NOW) for ahead in (-1, 0, 1)] == [True, True, False]


def test_the_code_of_an_app_that_is_ahead_counts_as_used() -> None:
    ahead = SecondFactor.begin(user_id=ANNA, sealed=b"sealed").spent(HERE + 1)
    assert ahead.is_spent(HERE + 1, now=NOW)
    assert ahead.is_spent(HERE, now=NOW)


def test_a_clock_that_was_set_back_shuts_nobody_out() -> None:
    noted = SecondFactor.begin(user_id=ANNA, sealed=b"sealed").spent(HERE + 120)
    assert not noted.is_spent(HERE, now=NOW)
    assert noted.is_spent(HERE + 120, now=NOW + 120 * STEP)


def challenge() -> Challenge:
    return Challenge.issue(digest=b"d", user=a_user(), scopes=frozenset(), now=NOW)


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        (timedelta(), True),
        (CHALLENGE_FOR - TICK, True),
        (CHALLENGE_FOR, False),
        (-CHALLENGE_FOR + TICK, True),
        (-CHALLENGE_FOR, False),
    ],
)
def test_a_sign_in_waits_five_minutes_whatever_the_clock_does(
    after: timedelta, is_open: bool
) -> None:
    assert challenge().is_open(a_user(), now=NOW + after) is is_open


def test_wrong_codes_end_it() -> None:
    waiting = challenge()
    for _ in range(GUESSES):
        assert waiting.is_open(a_user(), now=NOW)
        waiting = waiting.guessed()
    assert not waiting.is_open(a_user(), now=NOW)


def test_whatever_changed_in_the_account_ends_it() -> None:
    user = a_user()
    for changed in (
        user.with_password("another hash", now=LATER),
        user.without_password(now=LATER),
        user.readdressed("bert@example.com", now=LATER),
        user.administered(role=None, status=Status.SUSPENDED, now=LATER),
        replace(user, status=Status.SUSPENDED),
    ):
        assert not challenge().is_open(changed, now=LATER)
    assert challenge().is_open(user.rehashed("the same password"), now=LATER)
    assert challenge().is_open(a_user(), now=LATER)
