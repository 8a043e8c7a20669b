"""What the service stores for itself: keys, attempts, the audit trail, its own secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.access import UserId
from domain.audit import Entry, Head
from domain.key import KeyId, SigningKey
from domain.throttle import Tally


class SigningKeys(Protocol):
    """The keys that access tokens are signed with, sealed."""

    def all(self) -> Sequence[SigningKey]:
        """Return every key, oldest first."""

    def lock_all(self) -> Sequence[SigningKey]:
        """As `all`, and hold the whole set, also an empty one, until the unit of work ends."""

    def add(self, key: SigningKey) -> None:
        """Add a key to the set."""

    def save(self, key: SigningKey) -> None:
        """Write a key of the locked set."""

    def remove(self, id: KeyId) -> None:
        """Remove a key from the set."""


class Tallies(Protocol):
    """How often things were tried."""

    def hold(self, key: str, *, now: datetime) -> Tally:
        """Return the tally of a key, a fresh one if need be, and hold it against others."""

    def save(self, tally: Tally) -> None:
        """Write a tally that is held."""

    def remove(self, key: str) -> None:
        """Forget a tally."""

    def remove_forgettable(self, *, now: datetime, keep: int) -> int:
        """Forget what is over, and the oldest of what is more than `keep`; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are looked for; None where it does not matter."""

    concerning: UserId | None = None
    actor_id: UserId | None = None
    action: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditTrail(Protocol):
    """What happened, entry by entry; nothing is ever changed in it, and nothing removed."""

    def lock_head(self) -> Head:
        """Return the newest entry's number and MAC, and hold the trail's end against others."""

    def append(self, entry: Entry) -> None:
        """Add the next entry behind the head that is held."""

    def matching(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        """Return at most `limit` entries, newest first, with smaller numbers than `before`."""

    def following(self, number: int, *, limit: int) -> Sequence[Entry]:
        """Return at most `limit` entries behind that number, oldest first."""

    def erase(self, user_id: UserId) -> None:
        """Erase what entries by or about a user say of persons; the chain stays whole."""


class Vault(Protocol):
    """Secrets that the service made for itself, sealed."""

    def get(self, name: str) -> bytes | None:
        """Return a sealed secret."""

    def put(self, name: str, sealed: bytes) -> None:
        """Keep a sealed secret under a name, in place of what was there."""
