"""Doing a use case anew when the store undid it for another's sake (deadlock, serialization)."""

import random
import time
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from domain.errors import Conflicted

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 3

BEGUN_WITHIN = 1.5
"""Seconds after the first try within which another one may begin: its caller is still there."""

_PAUSE = 0.05
"""Seconds that a loser waits at most, so that the same two do not meet again at once."""


def persistent(call: Callable[P, T]) -> Callable[P, T]:
    """Return a call that is tried anew when it was undone; all of it, so it sees what is new."""
    return partial(_tried, call)


def _tried(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    deadline = time.monotonic() + BEGUN_WITHIN
    for _ in range(TRIES - 1):
        try:
            return call(*args, **kwargs)
        except Conflicted:
            time.sleep(random.uniform(0, _PAUSE))  # noqa: S311  # nobody gains by guessing it
            if time.monotonic() > deadline:
                raise
    return call(*args, **kwargs)
