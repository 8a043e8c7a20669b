"""A second factor: codes of an authenticator app, codes for when it is lost, and waiting sign-ins.

Codes follow RFC 6238. Each belongs to a time step, and a step that was used is never used again.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from domain.access import Scopes, UserId
from domain.throttle import CLOCKS_DIFFER
from domain.user import User

SECRET_BYTES = 20
"""Random bytes that a user's app and the service share (RFC 4226 §4, R6)."""

DIGITS = 6
STEP = timedelta(seconds=30)
"""How long a code stands in the app."""

STEPS_APART = 1
"""Steps that an app's clock may be behind or ahead (RFC 6238 §5.2)."""

RECOVERY_CODES = 10
"""Codes that a user is given to keep elsewhere; each works once."""

CHALLENGE_FOR = timedelta(minutes=5)
"""How long a sign-in waits for its second factor."""

GUESSES = 5
"""Wrong codes that end a waiting sign-in; the account's own limit goes across all of them."""


def step_at(moment: datetime) -> int:
    """Return the number of the time step that a moment is in."""
    return int(moment.timestamp() // STEP.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A user's authenticator app. Until a code of it has confirmed it, it changes nothing."""

    user_id: UserId
    sealed: bytes = field(repr=False)
    """The secret that it shares with the service, sealed."""
    confirmed_at: datetime | None
    spent_step: int | None
    """The newest step of which a code was used."""
    proved_address: str | None = None
    """The address that its user had proved to have when it came into force; None without one."""

    @classmethod
    def begin(cls, *, user_id: UserId, sealed: bytes) -> Self:
        """Return a factor that is not in force yet."""
        return cls(user_id=user_id, sealed=sealed, confirmed_at=None, spent_step=None)

    @property
    def is_in_force(self) -> bool:
        """Whether signing in needs it."""
        return self.confirmed_at is not None

    def confirmed(self, step: int, *, user: User, now: datetime) -> Self:
        """Return the factor in force, with the code that showed that the app works used up."""
        return replace(
            self,
            confirmed_at=now,
            spent_step=step,
            proved_address=user.email if user.email_verified else None,
        )

    def is_spent(self, step: int, *, now: datetime) -> bool:
        """Whether a code of that step, or of a later one, was used.

        A step that is far ahead was noted by a clock that has been set back since: it must not
        shut its user out until then.
        """
        if self.spent_step is None or self.spent_step > step_at(now + CLOCKS_DIFFER):
            return False
        return step <= self.spent_step

    def spent(self, step: int) -> Self:
        """Return the factor with a code of that step used up."""
        return replace(self, spent_step=step)

    def resealed(self, sealed: bytes) -> Self:
        """Return the factor with its secret sealed anew."""
        return replace(self, sealed=sealed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A sign-in that has proved one factor and waits for the second, for whoever holds its text."""

    digest: bytes = field(repr=False)
    user_id: UserId
    scopes: Scopes
    account_at: datetime
    """When the account was last changed before that; any change since voids the challenge."""
    guesses: int
    begun_at: datetime

    @classmethod
    def issue(cls, *, digest: bytes, user: User, scopes: Scopes, now: datetime) -> Self:
        """Return a new challenge of a user whose first factor was just proved."""
        return cls(
            digest=digest,
            user_id=user.id,
            scopes=scopes,
            account_at=user.updated_at,
            guesses=0,
            begun_at=now,
        )

    def is_open(self, user: User, *, now: datetime) -> bool:
        """Whether it waits still: in time, not guessed at too often, and the account is as it was.

        One from the future was begun before a clock was set back: it waits for as long.
        """
        return (
            abs(now - self.begun_at) < CHALLENGE_FOR
            and self.guesses < GUESSES
            and user.is_active
            and user.updated_at == self.account_at
        )

    def guessed(self) -> Self:
        """Return the challenge after a wrong code."""
        return replace(self, guesses=self.guesses + 1)
