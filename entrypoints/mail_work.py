"""The mail's own thread: a server that does not answer delays nobody but the mail behind it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import BasaltError

EVERY = 1.0
"""Seconds between two looks into an outbox in which nothing is due."""

AFTER_FAILURE = 5.0
"""Seconds before the next look when the store could not answer."""

FINISHES_WITHIN = 5.0
"""Seconds that a letter under way is waited for at the end; others send it otherwise."""

log = logging.getLogger("basalt.mail")


def deliver_until(stop: threading.Event, deliver: Callable[[], bool]) -> None:
    """Deliver one letter after another until that is enough; a failure is told and outlived."""
    while not stop.is_set():
        try:
            pause = 0.0 if deliver() else EVERY
        except BasaltError as error:
            log.warning("mail put off: %s", error.code)
            pause = AFTER_FAILURE
        except Exception:
            log.exception("mail put off")
            pause = AFTER_FAILURE
        stop.wait(pause)


@contextmanager
def delivering(deliver: Callable[[], bool]) -> Iterator[None]:
    """Deliver mail beside whatever is done meanwhile."""
    stop = threading.Event()
    thread = threading.Thread(target=deliver_until, args=(stop, deliver), name="mail", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(FINISHES_WITHIN)
