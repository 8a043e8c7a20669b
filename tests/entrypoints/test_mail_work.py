"""Proves that the mail's thread outlives failures, ends when it is asked to, and wastes nothing."""

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from domain.errors import Unavailable
from entrypoints import mail_work
from entrypoints.mail_work import deliver_until, delivering


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("EVERY", "AFTER_FAILURE"):
        monkeypatch.setattr(mail_work, pause, 0.01)


def steps(*outcomes: bool | Exception, end: threading.Event) -> Callable[[], bool]:
    """Return what comes to these outcomes, one after another, and then to the end."""
    left: Iterator[bool | Exception] = iter(outcomes)

    def deliver() -> bool:
        outcome = next(left, None)
        if outcome is None:
            end.set()
            return False
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return deliver


def test_it_goes_on_after_every_failure_and_tells_of_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop = threading.Event()
    deliver_until(stop, steps(True, Unavailable(), True, ZeroDivisionError(), False, end=stop))
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.WARNING, "mail put off: SERVICE_UNAVAILABLE"),
        (logging.ERROR, "mail put off"),
    ]


def test_it_ends_with_what_it_runs_beside() -> None:
    begun = threading.Event()

    def look() -> bool:
        begun.set()
        return False

    with delivering(look):
        assert begun.wait(10)
        assert any(thread.name == "mail" for thread in threading.enumerate())
    assert not any(thread.name == "mail" for thread in threading.enumerate())


def test_a_mail_that_hangs_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_work, "FINISHES_WITHIN", 0.05)
    begun, let_go = threading.Event(), threading.Event()

    def hang() -> bool:
        begun.set()
        let_go.wait(10)
        return False

    with delivering(hang):
        assert begun.wait(10)
    let_go.set()
