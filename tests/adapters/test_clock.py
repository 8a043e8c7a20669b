"""The clock tells the time of this machine, in UTC."""

import time
from datetime import UTC, datetime, timedelta

from adapters.clock import utc_now


def of_the_machine() -> datetime:
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)


def test_the_time_is_that_of_the_machine_in_utc() -> None:
    rounding = timedelta(microseconds=1)
    before, now, after = of_the_machine(), utc_now(), of_the_machine()
    assert before - rounding <= now <= after + rounding
    assert now.tzinfo is UTC


def test_the_time_has_microseconds() -> None:
    assert any(utc_now().microsecond % 1000 for _ in range(100))
