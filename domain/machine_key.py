"""A machine key: what a program calls with in its user's name, until it is deleted or expires.

Its text is told once, when it is made. What is kept is a digest, by which it is found again.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from domain.access import MachineKeyId, Role, Scopes, UserId
from domain.errors import InvalidValue, KeyExpired, KeyRevoked
from domain.text import line
from domain.user import Status

NAME_MAX = 100
"""Characters in a key's name, after trimming."""

KEYS_MAX = 50
"""Keys that one user may have, expired ones included."""

NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""


def key_name(text: str) -> str:
    """Return a key's name trimmed. Raises InvalidValue."""
    return line(text, field="name", longest=NAME_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineKey:
    """One key of one user. It never grants more than its user's role does."""

    id: MachineKeyId
    user_id: UserId
    name: str
    scopes: Scopes
    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def create(
        cls,
        *,
        id: MachineKeyId,
        user_id: UserId,
        name: str,
        scopes: Scopes,
        digest: bytes,
        now: datetime,
        expires_at: datetime | None = None,
    ) -> Self:
        """Return a new key. Raises InvalidValue for a name that is none or an end that is past."""
        if expires_at is not None and expires_at <= now:
            raise InvalidValue("expires_at", "datetime_future", "The time must be in the future.")
        return cls(
            id=id,
            user_id=user_id,
            name=key_name(name),
            scopes=scopes,
            digest=digest,
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
        )

    def used(self, *, now: datetime) -> Self:
        """Return the key with this use noted."""
        return replace(self, last_used_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """What decides whether a key is good: its own end, and its user's role and status."""

    id: MachineKeyId
    user_id: UserId
    role: Role
    status: Status
    scopes: Scopes
    expires_at: datetime | None
    last_used_at: datetime | None

    def check(self, *, now: datetime) -> None:
        """Raise KeyExpired, or KeyRevoked if the user may not use their account."""
        if self.expires_at is not None and now >= self.expires_at:
            raise KeyExpired
        if self.status is not Status.ACTIVE:
            raise KeyRevoked


def is_news(last_used_at: datetime | None, *, now: datetime) -> bool:
    """Whether a use is worth noting after that one; a clock may have been set back since."""
    return last_used_at is None or abs(now - last_used_at) >= NOTED_EVERY
