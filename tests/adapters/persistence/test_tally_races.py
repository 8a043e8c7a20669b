"""Tallies are held, kept and forgotten by many at once, and nobody falls between two of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

from adapters.clock import utc_now
from application.throttling import Throttle
from domain.errors import TooManyAttempts
from domain.throttle import PASSWORD_OF_ACCOUNT, Rule, Tally, Window
from tests.adapters.persistence.conftest import POOL_SIZE
from tests.application.house import Store
from tests.domain.examples import NOW

SIDE_BY_SIDE = 6
TIMES = 25
HOUR = timedelta(hours=1)


def let_in(store: Store, rule: Rule) -> int:
    """Return how many of a crowd were let in by a rule."""
    throttle = Throttle("crowd", rule, utc_now)
    barrier = Barrier(POOL_SIZE)

    def attempt(_: int) -> int:
        barrier.wait(10)
        count = 0
        for _ in range(TIMES):
            with store.unit_of_work() as work:
                try:
                    throttle.attempt(work, "somebody")
                except TooManyAttempts:
                    continue
                work.commit()
                count += 1
        return count

    with ThreadPoolExecutor(POOL_SIZE) as threads:
        return sum(threads.map(attempt, range(POOL_SIZE)))


def test_a_crowd_gets_as_many_guesses_as_one(store: Store) -> None:
    assert let_in(store, PASSWORD_OF_ACCOUNT) == PASSWORD_OF_ACCOUNT.tolerated


def test_a_crowd_gets_no_more_of_a_window_than_one(store: Store) -> None:
    assert let_in(store, Window(50, HOUR)) == 50


def test_tidying_leaves_alone_what_is_renewed_meanwhile(store: Store) -> None:
    with store.unit_of_work() as work:
        work.tallies.hold("a key", now=NOW)
        work.commit()
    held, tidying = Event(), Event()

    def renew() -> None:
        with store.unit_of_work() as work:
            tally = work.tallies.hold("a key", now=NOW)
            held.set()
            assert tidying.wait(10)
            time.sleep(0.1)  # until whoever tidies waits for it, if they do
            work.tallies.save(Window(9, HOUR).attempt(tally, now=NOW + HOUR))
            work.commit()

    def tidy() -> None:
        assert held.wait(10)
        tidying.set()
        with store.unit_of_work() as work:
            work.tallies.remove_forgettable(now=NOW + HOUR, keep=1)
            work.commit()

    with ThreadPoolExecutor(2) as threads:
        both = threads.submit(renew), threads.submit(tidy)
        for each in both:
            each.result()
    with store.unit_of_work() as work:
        assert work.tallies.hold("a key", now=NOW).count == 1


def test_a_tally_that_is_forgotten_while_it_is_asked_for_is_a_fresh_one(store: Store) -> None:
    barrier = Barrier(SIDE_BY_SIDE)

    def hold_or_forget(number: int) -> list[Tally]:
        barrier.wait(10)
        held = []
        for _ in range(TIMES):
            with store.unit_of_work() as work:
                if number % 2:
                    work.tallies.remove("a key")
                else:
                    held.append(work.tallies.hold("a key", now=NOW))
                work.commit()
        return held

    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        held = [each for many in threads.map(hold_or_forget, range(SIDE_BY_SIDE)) for each in many]
    assert held == [Tally.fresh("a key", now=NOW)] * len(held)
    assert len(held) == SIDE_BY_SIDE // 2 * TIMES
