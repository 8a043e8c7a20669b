"""Every store counts attempts as the port promises."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.throttle import Tally
from tests.application.house import Store
from tests.domain.examples import LATER, NOW

TICK = timedelta(microseconds=1)


def keep(store: Store, *tallies: Tally) -> None:
    with store.unit_of_work() as work:
        for tally in tallies:
            work.tallies.hold(tally.key, now=NOW)
            work.tallies.save(tally)
        work.commit()


def counted(key: str, **fields: Any) -> Tally:
    """Return a tally of three attempts that is forgotten a second later."""
    return replace(Tally.fresh(key, now=LATER), count=3, **fields)


def held(store: Store, *keys: str) -> list[Tally]:
    with store.unit_of_work() as work:
        return [work.tallies.hold(key, now=NOW) for key in keys]


def test_a_key_that_is_not_known_has_a_fresh_tally(store: Store) -> None:
    assert held(store, "a key") == [Tally.fresh("a key", now=NOW)]


@pytest.mark.parametrize("closed_until", [None, LATER + TICK])
def test_a_tally_that_was_saved_is_held_again(store: Store, closed_until: object) -> None:
    tally = counted("a key", closed_until=closed_until)
    keep(store, tally, counted("another"))
    assert held(store, "a key", "another") == [tally, counted("another")]


def test_a_removed_tally_begins_afresh(store: Store) -> None:
    keep(store, counted("a key"), counted("another"))
    with store.unit_of_work() as work:
        work.tallies.remove("a key")
        work.tallies.remove("unknown")
        work.commit()
    assert held(store, "a key", "another") == [Tally.fresh("a key", now=NOW), counted("another")]


def test_what_is_over_is_forgotten_at_the_very_moment(store: Store) -> None:
    keep(store, counted("over", forget_at=NOW), counted("not yet", forget_at=NOW + TICK))
    with store.unit_of_work() as work:
        assert work.tallies.remove_forgettable(now=NOW, keep=10) == 1
        work.commit()
    assert held(store, "over", "not yet") == [
        Tally.fresh("over", now=NOW),
        counted("not yet", forget_at=NOW + TICK),
    ]


@pytest.mark.parametrize("keep_count", [0, 1, 2, 4, 5])
def test_the_oldest_are_forgotten_when_there_are_too_many(store: Store, keep_count: int) -> None:
    tallies = [counted(str(number), forget_at=LATER + number * TICK) for number in (3, 1, 4, 2)]
    keep(store, *tallies)
    with store.unit_of_work() as work:
        gone = work.tallies.remove_forgettable(now=NOW, keep=keep_count)
        work.commit()
    assert gone == max(0, 4 - keep_count)
    left = [tally.key for tally in held(store, "1", "2", "3", "4") if tally.count]
    assert left == ["1", "2", "3", "4"][gone:]
