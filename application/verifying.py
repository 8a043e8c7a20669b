"""Proving that nobody rewrote the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from application.ports.records import AuditFilter
from application.ports.security import AuditChain
from application.ports.store import Reading
from domain.audit import EMPTY, Entry, Head

_VERIFIED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ReadHead:
    """Return the trail's head, to be noted where an intruder here cannot reach."""

    reading: Reading

    def __call__(self) -> Head:
        with self.reading() as see:
            newest = see.audit.matching(AuditFilter(), before=None, limit=1)
        return Head(newest[0].number, newest[0].mac) if newest else EMPTY


class Damage(StrEnum):
    """What can be wrong with a trail."""

    MISSING = "an entry is missing"
    CHANGED = "the entry was changed, or is not where it was written"
    PERSONAL_CHANGED = "the entry's address, user agent or e-mail was changed"
    HEAD_MISSING = "the trail ends before the head that was noted"
    HEAD_CHANGED = "the entry at the noted head is another one"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: how many entries, how many of them erased, and the first damage."""

    head: Head
    erased: int
    damage: Damage | None = None
    damaged: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """Go through the whole trail and find the first entry that is not as it was written."""

    reading: Reading
    chain: AuditChain

    def __call__(self, noted: Head | None = None) -> Verdict:
        head, erased = EMPTY, 0
        while entries := self._behind(head):
            for entry in entries:
                damage = self._damage(entry, head, noted)
                if damage:
                    return Verdict(head, erased, damage, entry.number)
                erased += entry.personal is None
                head = Head(entry.number, entry.mac)
        if noted and head.number < noted.number:
            return Verdict(head, erased, Damage.HEAD_MISSING, noted.number)
        return Verdict(head, erased)

    def _behind(self, head: Head) -> Sequence[Entry]:
        with self.reading() as see:
            return see.audit.following(head.number, limit=_VERIFIED_AT_ONCE)

    def _damage(self, entry: Entry, behind: Head, noted: Head | None) -> Damage | None:
        if entry.number != behind.number + 1:
            return Damage.MISSING
        if not self.chain.is_linked(entry, behind=behind):
            return Damage.CHANGED
        if not self.chain.is_whole(entry):
            return Damage.PERSONAL_CHANGED
        if noted and noted.number == entry.number and noted.mac != entry.mac:
            return Damage.HEAD_CHANGED
        return None
