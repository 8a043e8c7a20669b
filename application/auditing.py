"""The audit trail: writing into it, reading it, and proving that nobody rewrote it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from application.ports.records import AuditFilter
from application.ports.security import AuditChain, Cursors
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids, Randomness
from domain.access import Caller, Origin, UserId
from domain.audit import EMPTY, Act, Action, Entry, EntryId, Head, Personal, Result, Target

SALT_BYTES = 16
"""Random bytes with which an entry's personal part is digested: erased, it cannot be guessed."""

_VERIFIED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Auditor:
    """Writes acts into the trail, in the transaction of the act: both are stored, or neither.

    Whoever adds an entry holds the end of the trail until the transaction ends. So that is done
    last in it: nobody who holds it waits for anybody else, and hardly anybody waits for it.
    """

    clock: Clock
    ids: Ids
    random: Randomness
    chain: AuditChain

    def record(
        self,
        work: UnitOfWork,
        action: Action,
        target: Target,
        *,
        origin: Origin,
        actor_id: UserId | None = None,
        result: Result = Result.SUCCESS,
        email: str | None = None,
    ) -> None:
        """Add an entry, at the end of the unit of work."""
        act = Act(
            id=EntryId(self.ids()),
            at=self.clock(),
            action=action,
            result=result,
            actor_id=actor_id,
            target=target,
            request_id=origin.request_id,
            personal=Personal.of(origin, salt=self.random(SALT_BYTES), email=email),
        )

        def append() -> None:
            work.audit.append(self.chain.link(act, behind=work.audit.lock_head()))

        work.at_the_end(append)


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of the trail, with the cursor of the next one, if there is one."""

    entries: Sequence[Entry]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ReadAudit:
    """Look at the trail, newest first, page by page."""

    reading: Reading
    cursors: Cursors

    def __call__(
        self, caller: Caller, wanted: AuditFilter, *, limit: int, cursor: str | None
    ) -> EntryPage:
        of = f"audit {caller.user_id} {wanted}"
        before = self.cursors.open_number(cursor, of=of)
        with self.reading() as see:
            found = see.audit.matching(wanted, before=before, limit=limit + 1)
        page = found[:limit]
        if len(found) <= limit:
            return EntryPage(page, None)
        return EntryPage(page, self.cursors.seal_number(page[-1].number, of=of))


@dataclass(frozen=True, slots=True)
class ReadActivity:
    """Look at what was done by oneself or to one's account."""

    read_audit: ReadAudit

    def __call__(self, caller: Caller, *, limit: int, cursor: str | None) -> EntryPage:
        own = AuditFilter(concerning=caller.user_id)
        page = self.read_audit(caller, own, limit=limit, cursor=cursor)
        return replace(page, entries=[as_told_to(caller, entry) for entry in page.entries])


def as_told_to(caller: Caller, entry: Entry) -> Entry:
    """Return the entry without where somebody else acted from: an administrator's is not ours."""
    is_theirs = entry.actor_id not in {None, caller.user_id}
    return replace(entry, personal=None) if is_theirs else entry


@dataclass(frozen=True, slots=True)
class NoteRefusal:
    """Remember that a caller was refused on an administrators' operation."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, caller: Caller, target: Target) -> None:
        with self.unit_of_work() as work:
            self.auditor.record(
                work,
                Action.SCOPE_REFUSED,
                target,
                origin=caller.origin,
                actor_id=caller.user_id,
                result=Result.FAILURE,
            )
            work.commit()


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
