"""Guessing passwords comes to an end, and only for whoever guesses."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.memory.records import InMemoryTallies
from domain.access import Origin
from domain.errors import InvalidCredentials, TooManyAttempts, Unavailable
from domain.throttle import PASSWORD_OF_ACCOUNT, Tally
from tests.application.house import EMAIL, HERE, PASSWORD, House

MINUTE = timedelta(minutes=1)
WRONG = "a wrong passphrase"


def fail(house: House, email: str = EMAIL, *, origin: Origin = HERE, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            house.sign_in(email, WRONG, None, origin)


def refused_for(house: House, email: str = EMAIL, *, password: str = PASSWORD) -> int:
    """Return for how many seconds even the right password is refused."""
    with pytest.raises(TooManyAttempts) as refused:
        house.sign_in(email, password, None, HERE)
    return refused.value.retry_after


@pytest.fixture(autouse=True)
def anna(house: House) -> None:
    house.register(EMAIL, PASSWORD)


def test_ten_wrong_passwords_in_a_row_lock_an_account_for_a_minute(house: House) -> None:
    fail(house, times=10)
    assert refused_for(house) == 60
    house.clock.advance(MINUTE - timedelta(microseconds=1))
    assert refused_for(house) == 1
    house.clock.advance(timedelta(microseconds=1))
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_the_tenth_may_still_be_right(house: House) -> None:
    fail(house, times=9)
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_a_success_ends_the_row(house: House) -> None:
    for _ in range(3):
        fail(house, times=9)
        house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_the_right_password_is_no_failure_although_no_session_can_be_begun(house: House) -> None:
    def busy(*_: object) -> bytes:
        raise Unavailable

    good = house.sign_in
    broken = replace(good, starter=replace(good.starter, random=busy))
    for _ in range(11):
        with pytest.raises(Unavailable):
            broken(EMAIL, PASSWORD, None, HERE)
    good(EMAIL, PASSWORD, None, HERE)


def test_whoever_waited_for_their_turn_is_judged_by_the_time_at_which_they_got_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(house, times=9)
    hold = InMemoryTallies.hold

    def hold_late(tallies: InMemoryTallies, key: str, *, now: datetime) -> Tally:
        held = hold(tallies, key, now=now)
        house.clock.advance(2 * MINUTE)
        return PASSWORD_OF_ACCOUNT.attempt(held, now=house.clock())  # another's, meanwhile

    with monkeypatch.context() as patched:
        patched.setattr(InMemoryTallies, "hold", hold_late)
        with pytest.raises(TooManyAttempts), house.sign_in.unit_of_work() as work:
            house.sign_in.by_account.attempt(work, EMAIL)


def test_each_further_failure_doubles_the_lock_up_to_an_hour(house: House) -> None:
    fail(house, times=10)
    waits = [refused_for(house)]
    for _ in range(8):
        house.clock.advance(timedelta(seconds=waits[-1]))
        fail(house)
        waits.append(refused_for(house))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_while_locked_nothing_is_hashed_and_nothing_counts(house: House) -> None:
    fail(house, times=10)
    house.hasher.matched.clear()
    for _ in range(20):
        refused_for(house, password=WRONG)
    assert house.hasher.matched == []
    house.clock.advance(MINUTE)
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_an_address_that_nobody_has_is_locked_alike(house: House) -> None:
    fail(house, "bert@example.com", times=10)
    assert refused_for(house, "bert@example.com") == 60
    fail(house, "no address", times=10)
    assert refused_for(house, "no address") == 60


def test_one_account_is_locked_however_its_address_is_written(house: House) -> None:
    fail(house, " ANNA@example.com", times=5)
    fail(house, "anna@EXAMPLE.com", times=5)
    assert refused_for(house) == 60


def test_other_accounts_are_not_locked_with_it(house: House) -> None:
    house.register("bert@example.com", PASSWORD)
    fail(house, times=10)
    house.sign_in("bert@example.com", PASSWORD, None, HERE)


def test_a_lock_stands_in_the_trail(house: House) -> None:
    fail(house, times=10)
    assert house.done().count("session.started failure") == 10
    assert house.done().count("account.locked failure") == 1


def test_a_hundred_failures_from_one_network_stop_it_and_no_other(house: House) -> None:
    for number in range(100):
        fail(house, f"{number}@example.com")
    assert 1 <= refused_for(house) <= 300
    house.sign_in(EMAIL, PASSWORD, None, Origin(address="198.51.100.1"))
    house.clock.advance(5 * MINUTE)
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_one_customers_ipv6_addresses_count_together(house: House) -> None:
    for number in range(100):
        fail(house, f"{number}@example.com", origin=Origin(address=f"2001:db8::{number:x}"))
    for address, is_refused in (("2001:db8::ffff", True), ("2001:db8:0:1::1", False)):
        expected = TooManyAttempts if is_refused else InvalidCredentials
        with pytest.raises(expected):
            house.sign_in("x@example.com", WRONG, None, Origin(address=address))


def test_successes_from_one_network_never_stop_it(house: House) -> None:
    for _ in range(150):
        house.sign_in(EMAIL, PASSWORD, None, HERE)
