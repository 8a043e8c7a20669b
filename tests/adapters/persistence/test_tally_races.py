"""Tallies are held, kept and forgotten by many at once, and nobody falls between two of them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from domain.throttle import Tally
from tests.application.house import Store
from tests.domain.examples import NOW

SIDE_BY_SIDE = 6
TIMES = 25


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
