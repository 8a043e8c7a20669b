"""A session: one sign-in of one user, kept alive by refresh tokens of which one is current.

Nothing is stored per refresh. The row holds a counter and a random seed; the token of each
count is derived from them and from the service's secret, so the current one can be made again
for a client that lost the reply, and every older one is known to be superseded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Self

from domain.access import USER_AGENT_MAX, Origin, Role, Scopes, SessionId, UserId
from domain.user import Status

SEED_BYTES = 32
"""Random bytes in a session's seed: as strong as the hash that tokens are derived with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long sessions last: without a refresh, in all, and how long a lost reply is forgiven."""

    idle: timedelta
    absolute: timedelta
    grace: timedelta


class Verdict(Enum):
    """What presenting a genuine refresh token of a live session means."""

    CURRENT = auto()
    """The newest token: it is exchanged for its successor."""
    REPEATED = auto()
    """The immediate predecessor, again and soon: the reply was lost, and is given again."""
    SUPERSEDED = auto()
    """An older token: somebody holds a copy, so the session must end."""
    NEVER_ISSUED = auto()
    """A count that this session has not reached: proves nothing, ends nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides whether a token is alive: its session's times and its user's role and status."""

    user_id: UserId
    role: Role
    status: Status
    created_at: datetime
    last_used_at: datetime
    proved_at: datetime

    def is_alive(self, *, now: datetime, lifetimes: Lifetimes) -> bool:
        """Whether the user is active and the session neither idle nor past its whole time."""
        return self.status is Status.ACTIVE and now < _end(
            self.created_at, self.last_used_at, lifetimes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in. It lives until it is ended, idle too long, or too old."""

    id: SessionId
    user_id: UserId
    scopes: Scopes
    seed: bytes = field(repr=False)
    counter: int
    secret_id: str
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    proved_at: datetime
    """When whoever holds it last proved to be the user; a refresh proves nothing."""

    @classmethod
    def start(
        cls,
        *,
        id: SessionId,
        user_id: UserId,
        scopes: Scopes,
        seed: bytes,
        secret_id: str,
        origin: Origin,
        now: datetime,
    ) -> Self:
        """Return a new session whose first refresh token is made under the secret `secret_id`."""
        agent = origin.user_agent
        return cls(
            id=id,
            user_id=user_id,
            scopes=scopes,
            seed=seed,
            counter=0,
            secret_id=secret_id,
            address=origin.address,
            user_agent=agent[:USER_AGENT_MAX] if agent else None,
            created_at=now,
            last_used_at=now,
            proved_at=now,
        )

    def expires_at(self, lifetimes: Lifetimes) -> datetime:
        """Return when the session ends if it is not refreshed: whichever limit comes first."""
        return _end(self.created_at, self.last_used_at, lifetimes)

    def is_over(self, *, now: datetime, lifetimes: Lifetimes) -> bool:
        """Whether one of the limits has been reached."""
        return now >= self.expires_at(lifetimes)

    def judge(self, count: int, *, now: datetime, grace: timedelta) -> Verdict:
        """Say what presenting this session's genuine token of that count means now.

        The grace window counts in both directions, so that a clock that was set back neither
        widens it nor closes it on a client whose reply was lost meanwhile.
        """
        if count == self.counter:
            return Verdict.CURRENT
        if count > self.counter:
            return Verdict.NEVER_ISSUED
        if count == self.counter - 1 and abs(now - self.last_used_at) < grace:
            return Verdict.REPEATED
        return Verdict.SUPERSEDED

    def rotated(self, *, secret_id: str, now: datetime) -> Self:
        """Return the session after a refresh: the next token is current, under that secret."""
        return replace(self, counter=self.counter + 1, secret_id=secret_id, last_used_at=now)

    def proved(self, *, now: datetime) -> Self:
        """Return the session of somebody who has just proved again to be the user."""
        return replace(self, proved_at=now)


def surplus(
    sessions: Sequence[Session], *, cap: int, now: datetime, lifetimes: Lifetimes
) -> list[SessionId]:
    """Return which sessions must go before one more begins: those over, then the oldest idle."""
    over = [one.id for one in sessions if one.is_over(now=now, lifetimes=lifetimes)]
    alive = [one for one in sessions if not one.is_over(now=now, lifetimes=lifetimes)]
    alive.sort(key=lambda one: (one.last_used_at, one.id), reverse=True)
    return over + [one.id for one in alive[cap - 1 :]]


def _end(created_at: datetime, last_used_at: datetime, lifetimes: Lifetimes) -> datetime:
    return min(created_at + lifetimes.absolute, last_used_at + lifetimes.idle)
