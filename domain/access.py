"""Who is calling, from where, and what their role and their token let them do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, TypeAlias
from uuid import UUID

from domain.errors import Forbidden, InsufficientScope, InvalidScope, ReauthenticationRequired

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
MachineKeyId = NewType("MachineKeyId", UUID)

USER_AGENT_MAX = 512
"""Characters of a User-Agent that are kept; the rest says nothing more."""

FRESH_FOR = timedelta(minutes=15)
"""How old a proof may be for what a thief would do first (OWASP ASVS 5.0 §7.5.1)."""


class Scope(StrEnum):
    """One thing that a token can be allowed to do (RFC 6749 §3.3)."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    ITEMS_READ = "items:read"
    ITEMS_WRITE = "items:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ITEMS_ADMIN = "items:admin"
    TOKENS_INTROSPECT = "tokens:introspect"
    AUDIT_READ = "audit:read"


Scopes: TypeAlias = frozenset[Scope]


class Role(StrEnum):
    """What a user is to the service."""

    MEMBER = "member"
    ADMIN = "admin"

    @property
    def scopes(self) -> Scopes:
        """All that this role grants."""
        return ADMIN_SCOPES if self is Role.ADMIN else MEMBER_SCOPES


MEMBER_SCOPES: Scopes = frozenset(
    {Scope.ACCOUNT_READ, Scope.ACCOUNT_WRITE, Scope.ITEMS_READ, Scope.ITEMS_WRITE}
)
ADMIN_SCOPES: Scopes = frozenset(Scope)


def scopes_named(names: Iterable[str]) -> Scopes:
    """Return the scopes with these names. Raises InvalidScope for an unknown one."""
    try:
        return frozenset(Scope(name) for name in names)
    except ValueError:
        raise InvalidScope from None


def names_of(scopes: Scopes) -> tuple[str, ...]:
    """Return the names of these scopes in the order in which the service lists them."""
    return tuple(scope.value for scope in Scope if scope in scopes)


def narrowed(granted: Scopes, wanted: Scopes | None) -> Scopes:
    """Return what of `granted` is wanted: all of it, or a subset. Raises InvalidScope for more."""
    if wanted is None:
        return granted
    if not wanted <= granted:
        raise InvalidScope
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, as far as it can be known."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling in a user's name, with what this request may do and where it came from."""

    user_id: UserId
    role: Role
    scopes: Scopes
    origin: Origin

    def require(self, *needed: Scope) -> None:
        """Raise InsufficientScope unless the caller has every scope that is needed."""
        if not self.scopes.issuperset(needed):
            raise InsufficientScope(names_of(frozenset(needed)))

    def in_person(self) -> "Person":
        """Return the user themselves. Raises Forbidden: no machine decides how one signs in."""
        raise Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Caller):
    """A program with a key."""

    key_id: MachineKeyId
    is_news: bool
    """Whether this use of the key is worth noting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Caller):
    """The user themselves, signed in: in which session, and when they last proved who they are."""

    session_id: SessionId
    proved_at: datetime

    def in_person(self) -> "Person":
        """Return this very caller."""
        return self

    def require_fresh(self, *, now: datetime, since: datetime | None = None) -> None:
        """Raise ReauthenticationRequired unless the proof of who this is is fresh.

        A proof from the future was given before a clock was set back: it counts for as long. One
        from before `since` does not count.
        """
        if abs(now - self.proved_at) > FRESH_FOR or (since is not None and self.proved_at < since):
            raise ReauthenticationRequired
