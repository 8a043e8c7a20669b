"""Ids are UUIDs of version 7: sorted by time, and beyond guessing."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import RFC_4122, UUID

import pytest

from adapters.ids import uuid7

MILLISECOND = 1_000_000
RANDOM_BITS = (1 << 62) - 1


class StoppedClock(SimpleNamespace):
    """A clock that goes when it is told to."""

    nanoseconds = 1_772_600_767_891 * MILLISECOND

    def time_ns(self) -> int:
        return self.nanoseconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    clock = StoppedClock()
    monkeypatch.setattr("adapters.ids.time", clock)
    return clock


def made_at(id: UUID) -> int:
    """Return the time in an id: milliseconds, then 4096ths of one (RFC 9562 §6.2, method 3)."""
    return id.int >> 80 << 12 | id.int >> 64 & 0xFFF


def test_an_id_is_of_version_7_and_the_usual_variant() -> None:
    ids = [uuid7() for _ in range(100)]
    assert {id.version for id in ids} == {7}
    assert {id.variant for id in ids} == {RFC_4122}


def test_an_id_begins_with_the_time_in_milliseconds(clock: StoppedClock) -> None:
    assert uuid7().int >> 80 == 1_772_600_767_891


def test_ids_sort_by_the_time_at_which_they_were_made(clock: StoppedClock) -> None:
    ids = []
    for step in (0, 250, 500_000, 1, MILLISECOND, 999_999, 1000 * MILLISECOND):
        clock.nanoseconds += step
        ids.append(uuid7())
    assert [made_at(id) for id in ids] == sorted(made_at(id) for id in ids)
    spread = [ids[0], *ids[2:3], *ids[4:]]  # more than a quarter of a microsecond apart
    assert spread == sorted(spread)
    assert [str(id) for id in spread] == sorted(str(id) for id in spread)


def test_the_fraction_of_a_millisecond_stays_within_its_bits(clock: StoppedClock) -> None:
    for fraction, bits in ((0, 0), (500_000, 2048), (999_999, 4095)):
        clock.nanoseconds = fraction + 5 * MILLISECOND
        assert made_at(uuid7()) == 5 << 12 | bits
        assert uuid7().version == 7


def test_each_of_62_bits_is_chosen_anew_and_by_itself_within_one_moment(
    clock: StoppedClock,
) -> None:
    numbers = [uuid7().int & RANDOM_BITS for _ in range(200)]
    columns = ["".join(str(number >> bit & 1) for number in numbers) for bit in range(62)]
    opposites = [column.translate(str.maketrans("01", "10")) for column in columns]
    assert len({*columns, *opposites, "0" * 200, "1" * 200}) == 2 * 62 + 2


def test_threads_side_by_side_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: uuid7(), range(8000)))
    assert len(set(ids)) == 8000
