"""Proves that the coarse limit counts by the minute, and that spraying addresses fills nothing."""

import pytest

from entrypoints.http import request_limit
from entrypoints.http.request_limit import RequestLimit

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Watch:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(request_limit, "time", watch)
    return watch


def test_so_many_a_minute_are_welcome_and_no_more(watch: Watch) -> None:
    limit = RequestLimit(3)
    assert [limit.wait_for(HERE) for _ in range(4)] == [0, 0, 0, 60]
    assert limit.wait_for(THERE) == 0
    watch.seconds += 59.5
    assert limit.wait_for(HERE) == 1
    watch.seconds += 0.5
    assert limit.wait_for(HERE) == 0


def test_no_limit_and_no_address_are_never_refused(watch: Watch) -> None:
    assert [RequestLimit(0).wait_for(HERE) for _ in range(3)] == [0, 0, 0]
    assert [RequestLimit(1).wait_for(None) for _ in range(3)] == [0, 0, 0]


def test_one_customers_ipv6_addresses_count_together(watch: Watch) -> None:
    limit = RequestLimit(2)
    assert [limit.wait_for(f"2001:db8::{number}") for number in range(3)] == [0, 0, 60]
    assert limit.wait_for("2001:db8:0:1::1") == 0


def test_addresses_beyond_what_is_remembered_share_one_count(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_limit, "KEYS_MAX", 10)
    limit = RequestLimit(2)
    assert [limit.wait_for(f"192.0.2.{number}") for number in range(12)] == [0] * 12
    assert limit.wait_for("192.0.2.99") == 60
    assert limit.wait_for("192.0.2.1") == 0  # one of those that are counted apart
    assert len(vars(limit)["_counts"]) == 11
    watch.seconds += 60
    assert limit.wait_for("192.0.2.99") == 0
    assert len(vars(limit)["_counts"]) == 1
