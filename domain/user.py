"""A user: an account with an address, a role, and perhaps a password."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain import email as emails
from domain.access import Role, UserId
from domain.text import line

DISPLAY_NAME_MAX = 100
"""Characters in a display name, after trimming."""


class Status(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


def display_name(name: str | None, *, field: str = "display_name") -> str | None:
    """Return a display name trimmed, or None for none. Raises InvalidValue."""
    return None if name is None else line(name, field=field, longest=DISPLAY_NAME_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Its address is unique in canonical form; its hash never leaves the service."""

    id: UserId
    email: str
    display_name: str | None
    role: Role
    status: Status
    email_verified: bool
    password_hash: str | None = field(repr=False)
    created_at: datetime
    updated_at: datetime

    @classmethod
    def register(
        cls,
        *,
        id: UserId,
        email: str,
        password_hash: str | None,
        now: datetime,
        name: str | None = None,
        role: Role = Role.MEMBER,
    ) -> Self:
        """Return a new, active account whose address is not verified yet."""
        return cls(
            id=id,
            email=emails.address(email),
            display_name=display_name(name),
            role=role,
            status=Status.ACTIVE,
            email_verified=False,
            password_hash=password_hash,
            created_at=now,
            updated_at=now,
        )

    @property
    def is_active(self) -> bool:
        """Whether the account may be used at all."""
        return self.status is Status.ACTIVE

    @property
    def is_active_admin(self) -> bool:
        """Whether the account can administer the service now."""
        return self.is_active and self.role is Role.ADMIN

    def renamed(self, name: str | None, *, now: datetime) -> Self:
        """Return the user with another display name; the same user if it is the same name."""
        wanted = display_name(name)
        return (
            self
            if wanted == self.display_name
            else replace(self, display_name=wanted, updated_at=now)
        )

    def administered(self, *, role: Role | None, status: Status | None, now: datetime) -> Self:
        """Return the user with another role or status; the same user if nothing changes."""
        wanted = role or self.role, status or self.status
        if wanted == (self.role, self.status):
            return self
        return replace(self, role=wanted[0], status=wanted[1], updated_at=now)

    def with_password(self, password_hash: str, *, now: datetime) -> Self:
        """Return the user with another password."""
        return replace(self, password_hash=password_hash, updated_at=now)

    def without_password(self, *, now: datetime) -> Self:
        """Return the user whose password opens nothing any more."""
        return replace(self, password_hash=None, updated_at=now)

    def verified(self, *, now: datetime) -> Self:
        """Return the user whose address is proved; the same user if it was."""
        return self if self.email_verified else replace(self, email_verified=True, updated_at=now)

    def readdressed(self, email: str, *, now: datetime) -> Self:
        """Return the user with another address, which is proved."""
        return replace(self, email=emails.address(email), email_verified=True, updated_at=now)

    def rehashed(self, password_hash: str) -> Self:
        """Return the user with the same password under stronger parameters: no visible change."""
        return replace(self, password_hash=password_hash)
