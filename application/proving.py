"""Proving again who one is, before what cannot be undone: a signed-in caller's own password."""

from dataclasses import dataclass

from application.auditing import Auditor
from application.ports.security import PasswordHasher
from application.ports.store import UnitOfWork, UnitsOfWork
from application.throttling import Throttle
from domain.access import Caller
from domain.audit import Action, Result, Target, TargetType
from domain.errors import TokenRevoked, WrongPassword
from domain.text import composed
from domain.user import User


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """Checks a caller's own password, with a throttle that outsiders cannot close."""

    unit_of_work: UnitsOfWork
    hasher: PasswordHasher
    throttle: Throttle
    auditor: Auditor

    def check(self, caller: Caller, user: User, password: str, *, before: Action) -> None:
        """Raise WrongPassword, or TooManyAttempts, unless this is the user's password."""
        with self.unit_of_work() as work:
            self.throttle.attempt(work, str(user.id))
            work.commit()
        if self.hasher.matches(composed(password), user.password_hash):
            with self.unit_of_work() as work:  # now, for what it is asked for may yet fail
                self.throttle.clear(work, str(user.id))
                work.commit()
            return
        with self.unit_of_work() as work:
            self.auditor.record(
                work,
                before,
                Target(TargetType.USER, str(user.id)),
                origin=caller.origin,
                actor_id=user.id,
                result=Result.FAILURE,
            )
            work.commit()
        raise WrongPassword

    def still_holds(self, work: UnitOfWork, proved: User) -> User:
        """Return the user held, if the password that was checked outside is still theirs."""
        user = present(work.users.lock(proved.id))
        if user.password_hash != proved.password_hash:
            raise WrongPassword
        return user


def present(user: User | None) -> User:
    """Return the caller's user, who may have been deleted since the caller was identified."""
    if user is None:
        raise TokenRevoked
    return user
