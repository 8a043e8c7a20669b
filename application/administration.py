"""What administrators do to accounts: find them, change them, end their sessions, remove them."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.auditing import Auditor
from application.leaving import remove_account
from application.pages import Page, page_of
from application.ports.accounts import UserFilter
from application.ports.places import Place
from application.ports.security import Cursors
from application.ports.store import Reading, UnitsOfWork
from application.ports.surroundings import Clock
from application.sessions import LiveSession, LiveSessions, end_all
from domain.access import Caller, Role, UserId
from domain.audit import Action
from domain.errors import LastAdmin, UserNotFound
from domain.user import Status, User


@dataclass(frozen=True, slots=True)
class ListUsers:
    """Find accounts, newest first, page by page."""

    reading: Reading
    cursors: Cursors

    def __call__(
        self, caller: Caller, wanted: UserFilter, *, limit: int, cursor: str | None
    ) -> Page[User]:
        of = f"users {caller.user_id} {wanted}"
        after = self.cursors.open(cursor, of=of)
        with self.reading() as see:
            found = see.users.matching(wanted, after=after, limit=limit + 1)
        return page_of(
            found, limit, lambda user: self.cursors.seal(Place(user.created_at, user.id), of=of)
        )


@dataclass(frozen=True, slots=True)
class ReadUser:
    """Look at any account."""

    reading: Reading

    def __call__(self, id: UserId) -> User:
        with self.reading() as see:
            return _found(see.users.get(id))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEdit:
    """What an administrator changes of an account; None leaves it, a name of None clears it."""

    role: Role | None = None
    status: Status | None = None
    renames: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EditUser:
    """Change an account's role, status or name. Suspending it ends its sessions at once."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, caller: Caller, id: UserId, edit: UserEdit) -> User:
        now = self.clock()
        with self.unit_of_work() as work:
            admins = work.users.lock_active_admins()
            user = _found(work.users.lock(id))
            _not_by_key(caller, id)
            if edit.role is not None:
                caller.in_person()  # or a key could make itself a user who may do everything
            edited = user.administered(role=edit.role, status=edit.status, now=now)
            if edit.renames:
                edited = edited.renamed(edit.name, now=now)
            if edited == user:
                return user
            if admins == {id} and not edited.is_active_admin:
                raise LastAdmin
            work.users.save(edited)
            if not edited.is_active:
                end_all(work, id)
            self.auditor.record_upon(work, Action.USER_UPDATED, id, caller)
            work.commit()
        return edited


@dataclass(frozen=True, slots=True)
class RemoveUser:
    """Remove an account with its items and its sessions."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, caller: Caller, id: UserId) -> None:
        with self.unit_of_work() as work:
            admins = work.users.lock_active_admins()
            _found(work.users.lock(id))
            _not_by_key(caller, id)
            if admins == {id}:
                raise LastAdmin
            remove_account(work, id, now=self.clock())
            self.auditor.record_upon(work, Action.USER_DELETED, id, caller)
            work.commit()


@dataclass(frozen=True, slots=True)
class ListUserSessions:
    """Look at the sign-ins of any account."""

    reading: Reading
    live: LiveSessions

    def __call__(self, caller: Caller, id: UserId) -> Sequence[LiveSession]:
        _not_by_key(caller, id)
        with self.reading() as see:
            _found(see.users.get(id))
            return self.live.of_user(see, id)


@dataclass(frozen=True, slots=True)
class EndUserSessions:
    """End all sessions of an account."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, caller: Caller, id: UserId) -> None:
        with self.unit_of_work() as work:
            _found(work.users.lock(id))
            _not_by_key(caller, id)
            end_all(work, id)
            self.auditor.record_upon(work, Action.USER_SESSIONS_ENDED, id, caller)
            work.commit()


def _not_by_key(caller: Caller, id: UserId) -> None:
    """Raise Forbidden where a key would do to its own user what is done in person only."""
    if id == caller.user_id:
        caller.in_person()


def _found(user: User | None) -> User:
    if user is None:
        raise UserNotFound
    return user
