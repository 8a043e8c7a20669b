"""What is stored of accounts and their sign-ins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.places import Place
from domain.access import MachineKeyId, Role, SessionId, UserId
from domain.machine_key import KeyStanding, MachineKey
from domain.session import Lifetimes, Session, Standing
from domain.user import Status, User


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which accounts are looked for; None where it does not matter."""

    words: str | None = None
    role: Role | None = None
    status: Status | None = None


class Users(Protocol):
    """The accounts."""

    def get(self, id: UserId) -> User | None:
        """Return the user with this id."""

    def by_email(self, email: str) -> User | None:
        """Return the user with this canonical address."""

    def lock(self, id: UserId) -> User | None:
        """As `get`, and hold the user against other writers until the unit of work ends."""

    def lock_active_admins(self) -> frozenset[UserId]:
        """Return who can administer the service, and hold them all, before any other user."""

    def matching(self, wanted: UserFilter, *, after: Place | None, limit: int) -> Sequence[User]:
        """Return at most `limit` users, newest first, from behind that place."""

    def add(self, user: User) -> None:
        """Add a user. Raises EmailTaken, whoever was first."""

    def save(self, user: User) -> None:
        """Write a user who is locked."""

    def remove(self, id: UserId) -> None:
        """Remove a user with all that is theirs."""


class Sessions(Protocol):
    """The live sign-ins; what is over is not kept."""

    def standing(self, id: SessionId) -> Standing | None:
        """Return what decides whether the session's tokens are alive, in one look."""

    def standings(self, ids: Collection[SessionId]) -> Mapping[SessionId, Standing]:
        """Return that of many sessions, of those that there are, in one look."""

    def of_user(self, user_id: UserId) -> Sequence[Session]:
        """Return the sessions of a user, the one used last first."""

    def lock(self, id: SessionId) -> Session | None:
        """Return a session and hold it against other writers until the unit of work ends."""

    def add(self, session: Session) -> None:
        """Add a session."""

    def save(self, session: Session) -> None:
        """Write a session that is locked."""

    def remove(self, id: SessionId) -> None:
        """End a session, if it is there."""

    def remove_all_of(self, user_id: UserId, *, keep: SessionId | None = None) -> None:
        """End all sessions of a user, or all but one."""

    def remove_everybodys(self) -> int:
        """End all sessions of all users; return how many there were."""

    def remove_over(self, lifetimes: Lifetimes, *, now: datetime, at_most: int) -> int:
        """Remove sessions that are idle too long or too old; return how many there were."""


class MachineKeys(Protocol):
    """What programs call with in their users' names; what was deleted is not kept."""

    def standing(self, digest: bytes) -> KeyStanding | None:
        """Return what decides whether the key of this digest is good, in one look."""

    def of_user(self, user_id: UserId) -> Sequence[MachineKey]:
        """Return the keys of a user, the newest first."""

    def lock(self, id: MachineKeyId) -> MachineKey | None:
        """Return a key and hold it against other writers until the unit of work ends."""

    def lock_known_by(self, digest: bytes) -> MachineKey | None:
        """As `lock`, for the key of this digest."""

    def add(self, key: MachineKey) -> None:
        """Add a key."""

    def save(self, key: MachineKey) -> None:
        """Write a key that is locked."""

    def remove(self, id: MachineKeyId) -> None:
        """End a key, if it is there."""

    def remove_all_of(self, user_id: UserId) -> None:
        """End all keys of a user."""
