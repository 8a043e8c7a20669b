"""How often is too often: windows that count, locks that double, and clocks that are set anew."""

from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts
from domain.throttle import (
    PASSWORD_OF_ACCOUNT,
    REFRESH_BY_ADDRESS,
    SIGN_IN_BY_ADDRESS,
    SIGN_UP_BY_ADDRESS,
    Lockout,
    Rule,
    Tally,
    Window,
    key_of,
    network_of,
)
from tests.domain.examples import NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
WINDOW = Window(3, 5 * MINUTE)
LOCKOUT = Lockout(tolerated=3, shortest=MINUTE, longest=60 * MINUTE, memory=DAY)


def fresh() -> Tally:
    return Tally.fresh("a key", now=NOW)


def after(rule: Rule, times: int) -> Tally:
    """Return what is remembered after so many attempts at one moment."""
    tally = fresh()
    for _ in range(times):
        tally = rule.attempt(tally, now=NOW)
    return tally


def wait(rule: Rule, tally: Tally, *, later: timedelta = timedelta()) -> int:
    """Return for how long one more attempt is refused; 0 if it is not."""
    try:
        rule.attempt(tally, now=NOW + later)
    except TooManyAttempts as refused:
        return refused.retry_after
    return 0


# ----------------------------------------------------------------------------------- windows
def test_a_window_lets_its_limit_in_and_no_more() -> None:
    assert [wait(WINDOW, after(WINDOW, times)) for times in range(3)] == [0, 0, 0]
    assert wait(WINDOW, after(WINDOW, 3)) == 300


def test_a_window_says_how_long_is_left_rounded_up_and_at_least_a_second() -> None:
    full = after(WINDOW, 3)
    assert wait(WINDOW, full, later=TICK) == 300
    assert wait(WINDOW, full, later=SECOND) == 299
    assert wait(WINDOW, full, later=5 * MINUTE - TICK) == 1


def test_a_window_that_is_over_begins_anew_with_the_attempt_after_it() -> None:
    full = after(WINDOW, 3)
    assert wait(WINDOW, full, later=5 * MINUTE) == 0
    begun = WINDOW.attempt(full, now=NOW + 5 * MINUTE)
    assert (begun.count, begun.forget_at) == (1, NOW + 10 * MINUTE)


def test_attempts_within_a_window_do_not_prolong_it() -> None:
    tally = WINDOW.attempt(after(WINDOW, 1), now=NOW + 4 * MINUTE)
    assert (tally.count, tally.forget_at) == (2, NOW + 5 * MINUTE)


@pytest.mark.parametrize("later", [DAY, -DAY])
def test_a_clock_that_is_set_a_day_on_or_back_closes_no_window(later: timedelta) -> None:
    assert wait(WINDOW, after(WINDOW, 3), later=later) == 0


@pytest.mark.parametrize(("rule", "longest"), [(WINDOW, 300), (LOCKOUT, 60)])
def test_hosts_whose_clocks_are_a_minute_apart_keep_one_limit(rule: Rule, longest: int) -> None:
    full = after(rule, 3)
    assert wait(rule, full, later=-SECOND) == longest
    assert wait(rule, full, later=-MINUTE) == longest
    assert wait(rule, full, later=-MINUTE - TICK) == 0


def test_an_attempt_taken_back_makes_room_for_one_and_never_for_more() -> None:
    full = after(WINDOW, 3)
    assert wait(WINDOW, full.less_one()) == 0
    assert fresh().less_one().count == 0


@pytest.mark.parametrize(
    ("rule", "limit", "span"),
    [
        (SIGN_IN_BY_ADDRESS, 100, 300),
        (SIGN_UP_BY_ADDRESS, 30, 3600),
        (REFRESH_BY_ADDRESS, 150, 300),
    ],
)
def test_the_limits_by_address_are_those_of_the_contract(
    rule: Window, limit: int, span: int
) -> None:
    assert wait(rule, after(rule, limit - 1)) == 0
    assert wait(rule, after(rule, limit)) == span


# ------------------------------------------------------------------------------------- locks
def test_an_account_stands_ten_failures_in_a_row_and_is_then_locked_for_a_minute() -> None:
    assert wait(PASSWORD_OF_ACCOUNT, after(PASSWORD_OF_ACCOUNT, 9)) == 0
    assert wait(PASSWORD_OF_ACCOUNT, after(PASSWORD_OF_ACCOUNT, 10)) == 60


def test_each_further_failure_doubles_the_lock_up_to_an_hour() -> None:
    tally, now, waits = after(PASSWORD_OF_ACCOUNT, 10), NOW, []
    for _ in range(9):
        assert tally.closed_until
        waits.append(int((tally.closed_until - now).total_seconds()))
        now = tally.closed_until
        tally = PASSWORD_OF_ACCOUNT.attempt(tally, now=now)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_lock_never_outgrows_an_hour_however_many_failures_there_were() -> None:
    tally = Tally(key="a key", count=100_000, closed_until=None, forget_at=NOW + DAY)
    assert wait(PASSWORD_OF_ACCOUNT, PASSWORD_OF_ACCOUNT.attempt(tally, now=NOW)) == 3600


def test_what_is_refused_counts_for_nothing_and_prolongs_nothing() -> None:
    locked = after(LOCKOUT, 3)
    assert wait(LOCKOUT, locked, later=MINUTE - TICK) == 1
    assert wait(LOCKOUT, locked, later=MINUTE) == 0
    assert LOCKOUT.attempt(locked, now=NOW + MINUTE).closed_until == NOW + 3 * MINUTE


def test_failures_are_forgotten_a_day_after_the_last_one() -> None:
    failed = after(LOCKOUT, 2)
    assert LOCKOUT.attempt(failed, now=NOW + DAY - TICK).count == 3
    assert LOCKOUT.attempt(failed, now=NOW + DAY).count == 1


def test_a_clock_that_is_set_back_a_day_leaves_nobody_locked_for_longer_than_it_was() -> None:
    locked = after(LOCKOUT, 3)
    assert wait(LOCKOUT, locked, later=-DAY) == 0
    again = LOCKOUT.attempt(locked, now=NOW - DAY)
    assert (again.count, again.closed_until) == (4, NOW - DAY + 2 * MINUTE)


def test_a_clock_that_is_set_on_a_day_opens_every_lock_and_forgets_the_row() -> None:
    assert LOCKOUT.attempt(after(LOCKOUT, 3), now=NOW + DAY).count == 1


# -------------------------------------------------------------------------------------- keys
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:0DB8:0000:0001::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
    ],
)
def test_attempts_count_together_by_address_or_by_customers_network(
    address: str, network: str
) -> None:
    assert network_of(address) == network


def test_a_key_tells_nothing_and_is_one_for_each_kind_and_value() -> None:
    keys = {key_of(kind, value) for kind in ("a", "b") for value in ("", "x", "x y", "\ud800")}
    assert len(keys) == 8
    assert {len(key) for key in keys} == {32}
    assert "anna" not in key_of("account", "anna@example.com")
    assert key_of("a", "x") == key_of("a", "x")


def test_a_key_is_of_one_length_however_long_the_value_is() -> None:
    assert len(key_of("account", "x" * 1_000_000)) == 32
