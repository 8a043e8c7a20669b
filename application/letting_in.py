"""Letting in whoever has lost their authenticator app, and their recovery codes too."""

from dataclasses import dataclass

from application.auditing import Auditor
from application.codes import in_force
from application.mailing import Mailroom
from application.ports.store import UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import held, require_fresh
from domain import email as emails
from domain.access import Origin, Person, UserId
from domain.audit import Action, Target, TargetType
from domain.errors import SecondFactorNotFound, UserNotFound
from domain.mail import Topic
from domain.second_factor import SecondFactor
from domain.user import User


@dataclass(frozen=True, slots=True)
class RemoveUserSecondFactor:
    """Let in somebody who has lost their app and their recovery codes. Needs a fresh proof.

    Their password, or whatever else they sign in with, is enough again, and they are told by mail.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Person, id: UserId) -> None:
        with self.unit_of_work() as work:
            work.users.lock_active_admins()  # two who help each other would wait for each other
            held(work, caller)
            user, factor = _found(work, id)
            own = factor if id == caller.user_id else in_force(work, caller.user_id)
            require_fresh(caller, own, now=self.clock())
            _take_away(work, user, self.mailroom, self.auditor, caller.origin, caller.user_id)
            work.commit()


@dataclass(frozen=True, slots=True)
class LetIn:
    """As RemoveUserSecondFactor, by the operator: when it is the last administrator, say."""

    unit_of_work: UnitsOfWork
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, email: str) -> User:
        """Return whom. Raises InvalidValue, UserNotFound, SecondFactorNotFound."""
        address = emails.address(email)
        with self.unit_of_work() as work:
            known = work.users.by_email(address)
            user, _ = _found(work, None if known is None else known.id)
            _take_away(work, user, self.mailroom, self.auditor, Origin())
            work.commit()
        return user


def _found(work: UnitOfWork, id: UserId | None) -> tuple[User, SecondFactor]:
    user = None if id is None else work.users.lock(id)
    if user is None:
        raise UserNotFound
    factor = in_force(work, user.id)
    if factor is None:
        raise SecondFactorNotFound
    return user, factor


def _take_away(
    work: UnitOfWork,
    user: User,
    mailroom: Mailroom,
    auditor: Auditor,
    origin: Origin,
    actor_id: UserId | None = None,
) -> None:
    work.second_factors.remove(user.id)
    mailroom.post_if_seldom(work, Topic.SECOND_FACTOR_REMOVED, user.email, user)
    target = Target(TargetType.USER, str(user.id))
    action = Action.USER_SECOND_FACTOR_REMOVED
    auditor.record(work, action, target, origin=origin, actor_id=actor_id)
