"""The audit trail: who did what to what, from where and how it ended, written once and for all."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

from domain.access import Origin, UserId

EntryId = NewType("EntryId", UUID)


TARGET_ID_MAX = 256
"""Characters of a target's id that are kept."""


class Action(StrEnum):
    """What can be done that is worth remembering."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    ACCOUNT_EXPORTED = "account.exported"
    ACCOUNT_DELETED = "account.deleted"
    ACCOUNT_LOCKED = "account.locked"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  # an action's name
    PASSWORD_RESET = "password.reset"  # noqa: S105  # an action's name
    RECOVERY_REQUESTED = "password.reset_requested"
    VERIFICATION_REQUESTED = "email.verification_requested"
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    EMAIL_RESTORED = "email.restored"
    SIGNED_IN = "session.started"
    CHALLENGED = "session.challenged"
    SESSION_ENDED = "session.ended"
    SESSIONS_ENDED = "session.all_ended"
    REAUTHENTICATED = "session.reauthenticated"
    REFRESH_REUSED = "session.refresh_reused"
    SECOND_FACTOR_BEGUN = "second_factor.begun"
    SECOND_FACTOR_CONFIRMED = "second_factor.confirmed"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    RECOVERY_CODES_MADE = "second_factor.recovery_codes_made"
    RECOVERY_CODE_USED = "second_factor.recovery_code_used"
    USER_UPDATED = "user.updated"
    USER_DELETED = "user.deleted"
    USER_SESSIONS_ENDED = "user.sessions_ended"
    USER_SECOND_FACTOR_REMOVED = "user.second_factor_removed"
    KEY_CREATED = "key.created"
    KEY_RETIRED = "key.retired"
    MACHINE_KEY_CREATED = "machine_key.created"
    MACHINE_KEY_USED = "machine_key.first_used"
    MACHINE_KEY_DELETED = "machine_key.deleted"
    ACCOUNT_HANDED_OVER = "account.handed_over"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_USED = "identity.used"
    IDENTITY_UNLINKED = "identity.unlinked"
    SCOPE_REFUSED = "scope.refused"
    STORE_RESTORED = "store.restored"


class Result(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"


class TargetType(StrEnum):
    """What kind of thing was acted on."""

    USER = "user"
    SESSION = "session"
    KEY = "key"
    MACHINE_KEY = "machine_key"
    IDENTITY = "identity"
    ROUTE = "route"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Target:
    """What was acted on."""

    type: TargetType
    id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What of an entry belongs to a person and can be erased: the chain holds only its digest."""

    salt: bytes
    address: str | None
    user_agent: str | None
    email: str | None

    @classmethod
    def of(cls, origin: Origin, *, salt: bytes, email: str | None) -> Self:
        """Return what an act from there says of a person."""
        return cls(salt=salt, address=origin.address, user_agent=origin.user_agent, email=email)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that happened, before it has its place in the chain."""

    id: EntryId
    at: datetime
    action: Action
    result: Result
    actor_id: UserId | None
    target: Target
    request_id: str | None
    personal: Personal


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry's number and MAC: noted elsewhere, it proves that no tail was cut off."""

    number: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.mac.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An act in its place: numbered without gaps, and chained to the one before by a MAC."""

    number: int
    id: EntryId
    at: datetime
    action: str
    result: str
    actor_id: UserId | None
    target_type: str
    target_id: str | None
    request_id: str | None
    personal_digest: bytes
    mac: bytes
    personal: Personal | None
    """None once it was erased."""

    @classmethod
    def of(cls, act: Act, *, behind: Head, personal_digest: bytes) -> Self:
        """Return an act in its place behind a head, still without its MAC."""
        return cls(
            number=behind.number + 1,
            id=act.id,
            at=act.at,
            action=act.action.value,
            result=act.result.value,
            actor_id=act.actor_id,
            target_type=act.target.type.value,
            target_id=act.target.id,
            request_id=act.request_id,
            personal_digest=personal_digest,
            mac=b"",
            personal=act.personal,
        )


EMPTY = Head(0, b"")
"""The head of a trail without entries."""
