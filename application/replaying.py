"""Doing a request once, however often a client has to repeat it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from application.ports.items import Attempt
from application.ports.store import UnitOfWork
from application.ports.surroundings import Clock
from domain.access import Caller
from domain.errors import IdempotencyKeyReused

KEPT_FOR = timedelta(hours=24)
"""How long a result is kept for a client that repeats its request."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A result, and whether it is the first attempt's, given again."""

    result: T
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Replayer:
    """Keeps results in the transaction of their effect: a crash leaves both, or neither."""

    clock: Clock

    def once(
        self,
        work: UnitOfWork,
        caller: Caller,
        attempt: Attempt | None,
        kind: type[T],
        act: Callable[[], T],
    ) -> Done[T]:
        """Do `act` and commit, or return what the first attempt with this key came to.

        Raises what `act` raises, which is not kept, IdempotencyKeyReused, and
        IdempotencyInProgress.
        """
        if attempt is None:
            done = Done(act())
            work.commit()
            return done
        now = self.clock()
        kept = work.replays.find(caller.user_id, attempt, now=now)
        if kept is not None:
            if not isinstance(kept, kind):
                raise IdempotencyKeyReused
            return Done(kept, replayed=True)
        done = Done(act())
        work.replays.keep(caller.user_id, attempt, done.result, expires_at=now + KEPT_FOR)
        work.commit()
        return done
