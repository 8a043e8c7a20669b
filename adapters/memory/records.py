"""Keys, tallies, the audit trail and the vault in dictionaries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.shelves import Shelves
from application.ports.records import AuditFilter, AuditTrail, SigningKeys, Tallies, Vault
from domain.access import UserId
from domain.audit import EMPTY, Entry, Head
from domain.key import KeyId, SigningKey
from domain.throttle import Tally


class InMemorySigningKeys(SigningKeys):
    """Signing keys in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def all(self) -> Sequence[SigningKey]:
        return sorted(self._shelves.keys.values(), key=lambda key: (key.created_at, key.id))

    def lock_all(self) -> Sequence[SigningKey]:
        return self.all()

    def add(self, key: SigningKey) -> None:
        self._shelves.keys[key.id] = key

    def save(self, key: SigningKey) -> None:
        self._shelves.keys[key.id] = key

    def remove(self, id: KeyId) -> None:
        self._shelves.keys.pop(id, None)


class InMemoryTallies(Tallies):
    """Tallies in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def hold(self, key: str, *, now: datetime) -> Tally:
        return self._shelves.tallies.setdefault(key, Tally.fresh(key, now=now))

    def save(self, tally: Tally) -> None:
        self._shelves.tallies[tally.key] = tally

    def remove(self, key: str) -> None:
        self._shelves.tallies.pop(key, None)

    def remove_forgettable(self, *, now: datetime, keep: int) -> int:
        tallies = sorted(self._shelves.tallies.values(), key=lambda tally: tally.forget_at)
        alive = [tally for tally in tallies if tally.forget_at > now]
        kept = alive[max(0, len(alive) - keep) :]
        self._shelves.tallies = {tally.key: tally for tally in kept}
        return len(tallies) - len(kept)


class InMemoryAuditTrail(AuditTrail):
    """The trail in a list."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def lock_head(self) -> Head:
        entries = self._shelves.audit
        return Head(entries[-1].number, entries[-1].mac) if entries else EMPTY

    def append(self, entry: Entry) -> None:
        self._shelves.audit.append(entry)

    def matching(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        found = [
            entry
            for entry in reversed(self._shelves.audit)
            if _is_wanted(entry, wanted) and (before is None or entry.number < before)
        ]
        return found[:limit]

    def following(self, number: int, *, limit: int) -> Sequence[Entry]:
        return [entry for entry in self._shelves.audit if entry.number > number][:limit]

    def erase(self, user_id: UserId) -> None:
        self._shelves.audit = [
            replace(entry, personal=None) if _concerns(entry, user_id) else entry
            for entry in self._shelves.audit
        ]


class InMemoryVault(Vault):
    """A vault in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, name: str) -> bytes | None:
        return self._shelves.vault.get(name)

    def put(self, name: str, sealed: bytes) -> None:
        self._shelves.vault[name] = sealed


def _is_wanted(entry: Entry, wanted: AuditFilter) -> bool:
    return (
        (wanted.concerning is None or _concerns(entry, wanted.concerning))
        and wanted.actor_id in (None, entry.actor_id)
        and wanted.action in (None, entry.action)
        and wanted.target_id in (None, entry.target_id)
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )


def _concerns(entry: Entry, user_id: UserId) -> bool:
    return entry.actor_id == user_id or entry.target_id == str(user_id)
