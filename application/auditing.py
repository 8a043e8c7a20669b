"""The audit trail: writing into it, and reading it."""

from dataclasses import dataclass, replace

from application.pages import Page, page_of
from application.ports.records import AuditFilter
from application.ports.security import AuditChain, Cursors
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids, Randomness
from domain.access import Caller, Origin, UserId
from domain.audit import (
    Act,
    Action,
    Entry,
    EntryId,
    Personal,
    Result,
    Target,
    TargetType,
)

SALT_BYTES = 16
"""Random bytes with which an entry's personal part is digested: erased, it cannot be guessed."""


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

    def record_own(
        self,
        work: UnitOfWork,
        action: Action,
        user_id: UserId,
        origin: Origin,
        *,
        result: Result = Result.SUCCESS,
        email: str | None = None,
    ) -> None:
        """Add an entry of what is done to an account by its user, as far as is known."""
        target = Target(TargetType.USER, str(user_id))
        self.record(
            work, action, target, origin=origin, actor_id=user_id, result=result, email=email
        )

    def record_wrong_proof(
        self, work: UnitOfWork, before: Action, caller: Caller, *, locks: bool
    ) -> None:
        """Add that users could not prove to be themselves, and that it was too often if it was."""
        for action in (before, *([Action.ACCOUNT_LOCKED] if locks else [])):
            self.record_own(work, action, caller.user_id, caller.origin, result=Result.FAILURE)

    def record_upon(self, work: UnitOfWork, action: Action, user_id: UserId, by: Caller) -> None:
        """Add an entry of what a caller does to somebody's account."""
        target = Target(TargetType.USER, str(user_id))
        self.record(work, action, target, origin=by.origin, actor_id=by.user_id)


@dataclass(frozen=True, slots=True)
class ReadAudit:
    """Look at the trail, newest first, page by page."""

    reading: Reading
    cursors: Cursors

    def __call__(
        self, caller: Caller, wanted: AuditFilter, *, limit: int, cursor: str | None
    ) -> Page[Entry]:
        of = f"audit {caller.user_id} {wanted}"
        before = self.cursors.open_number(cursor, of=of)
        with self.reading() as see:
            found = see.audit.matching(wanted, before=before, limit=limit + 1)
        return page_of(found, limit, lambda entry: self.cursors.seal_number(entry.number, of=of))


@dataclass(frozen=True, slots=True)
class ReadActivity:
    """Look at what was done by oneself or to one's account."""

    read_audit: ReadAudit

    def __call__(self, caller: Caller, *, limit: int, cursor: str | None) -> Page[Entry]:
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
