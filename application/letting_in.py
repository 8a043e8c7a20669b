"""Letting in whoever has lost their authenticator app, and their recovery codes too."""

from dataclasses import dataclass

from application.auditing import Auditor
from application.codes import FactorRemoval, in_force
from application.ports.store import UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import held, require_fresh
from domain import email as emails
from domain.access import Origin, Person, UserId
from domain.audit import Action, Target, TargetType
from domain.errors import SecondFactorNotFound, UserNotFound
from domain.user import User


@dataclass(frozen=True, slots=True)
class RemoveUserSecondFactor:
    """Let in somebody who has lost their app and their recovery codes. Needs a fresh proof.

    Their password, or whatever else they sign in with, is enough again, and they are told by mail.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    remove_factor: FactorRemoval
    auditor: Auditor

    def __call__(self, caller: Person, id: UserId) -> None:
        with self.unit_of_work() as work:
            work.users.lock_active_admins()  # two who help each other would wait for each other
            held(work, caller)
            user = _found(work, id)
            require_fresh(work, caller, now=self.clock())
            self.remove_factor(work, user)
            self.auditor.record_upon(work, Action.USER_SECOND_FACTOR_REMOVED, user.id, caller)
            work.commit()


@dataclass(frozen=True, slots=True)
class LetIn:
    """As RemoveUserSecondFactor, by the operator: when it is the last administrator, say."""

    unit_of_work: UnitsOfWork
    remove_factor: FactorRemoval
    auditor: Auditor

    def __call__(self, email: str) -> User:
        """Return whom. Raises InvalidValue, UserNotFound, SecondFactorNotFound."""
        address = emails.address(email)
        with self.unit_of_work() as work:
            known = work.users.by_email(address)
            user = _found(work, None if known is None else known.id)
            self.remove_factor(work, user)
            target = Target(TargetType.USER, str(user.id))
            action = Action.USER_SECOND_FACTOR_REMOVED
            self.auditor.record(work, action, target, origin=Origin())
            work.commit()
        return user


def _found(work: UnitOfWork, id: UserId | None) -> User:
    user = None if id is None else work.users.lock(id)
    if user is None:
        raise UserNotFound
    if not in_force(work, user.id):
        raise SecondFactorNotFound
    return user
