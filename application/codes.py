"""Codes of second factors: whether one is good, and that it is good once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from application.auditing import Auditor
from application.mailing import Mailroom
from application.ports.second_factor import AuthenticatorApps, SecretTexts
from application.ports.security import Sealer
from application.ports.store import Repositories, UnitOfWork
from application.ports.surroundings import Clock
from application.throttling import Throttle
from domain.access import Origin, Person, UserId
from domain.audit import Action
from domain.errors import WrongCode
from domain.mail import Topic
from domain.second_factor import RECOVERY_CODES, SecondFactor
from domain.user import User


@dataclass(frozen=True, slots=True)
class Codes:
    """Knows good codes: those of the user's app, and those that they keep for when it is lost."""

    clock: Clock
    sealer: Sealer
    apps: AuthenticatorApps
    recovery: SecretTexts
    mailroom: Mailroom
    auditor: Auditor

    def step_of(self, factor: SecondFactor, code: str) -> int | None:
        """Return the step of the app's code if it was not used, nor a later one.

        Raises StoreUnfit if the secret was sealed with one that is not known any more.
        """
        now = self.clock()
        secret = self.sealer.open(sealed_as(factor.user_id), factor.sealed)
        step = self.apps.step_of(code, secret, now=now)
        return None if step is None or factor.is_spent(step, now=now) else step

    def spend(self, work: UnitOfWork, user: User, code: str, origin: Origin) -> bool:
        """Use up a code of a user who is held; return whether it was good."""
        factor = work.second_factors.lock(user.id)
        if factor is None or not factor.is_in_force:
            return False
        digest = self.recovery.digest(code)
        if digest is not None:
            return self._spend_recovery(work, user, digest, origin)
        step = self.step_of(factor, code)
        if step is None:
            return False
        work.second_factors.put(sealed_today(self.sealer, factor).spent(step))
        return True

    def _spend_recovery(self, work: UnitOfWork, user: User, digest: bytes, origin: Origin) -> bool:
        if not work.second_factors.take_code(user.id, digest):
            return False
        self.mailroom.post_if_seldom(work, Topic.RECOVERY_CODE_USED, user.email, user)
        self.auditor.record_own(work, Action.RECOVERY_CODE_USED, user.id, origin)
        return True

    def renew(self, work: UnitOfWork, user: User) -> Sequence[str]:
        """Return new recovery codes, which are told once; those of before are void."""
        made = [self.recovery.make() for _ in range(RECOVERY_CODES)]
        work.second_factors.put_codes(user.id, [digest for _, digest in made])
        return [code for code, _ in made]


@dataclass(frozen=True, slots=True)
class FactorRemoval:
    """Takes a user's second factor away, with all that belongs to it; they are told by mail."""

    guesses: Throttle
    mailroom: Mailroom

    def __call__(self, work: UnitOfWork, user: User) -> None:
        """Do so for a user who is held; nothing if they have none."""
        factor = in_force(work, user.id)
        work.second_factors.remove(user.id)
        work.challenges.remove_all_of(user.id)
        self.guesses.clear(work, str(user.id))  # there is nothing to guess any more
        if factor is not None:
            self.mailroom.post_if_seldom(work, Topic.SECOND_FACTOR_REMOVED, user.email, user)


@dataclass(frozen=True, slots=True)
class CodeProof:
    """Checks a caller's own code, with a throttle that outsiders cannot close.

    Wrong codes are counted apart from wrong passwords: a good one of either must not clear the
    guesses at the other.
    """

    codes: Codes
    throttle: Throttle
    auditor: Auditor

    def check(
        self, work: UnitOfWork, caller: Person, user: User, code: str, *, before: Action
    ) -> None:
        """Use up a code of the user, who is held. Raises WrongCode, or TooManyAttempts."""
        locks = self.throttle.attempt(work, str(user.id))
        if not self.codes.spend(work, user, code, caller.origin):
            self._refuse(work, caller, before, locks=locks)
        self.throttle.clear(work, str(user.id))

    def check_new(self, work: UnitOfWork, caller: Person, factor: SecondFactor, code: str) -> int:
        """Return the step of a code that shows that a new app works. Raises as `check` does."""
        locks = self.throttle.attempt(work, str(factor.user_id))
        step = self.codes.step_of(factor, code)
        if step is None:
            self._refuse(work, caller, Action.SECOND_FACTOR_CONFIRMED, locks=locks)
        self.throttle.clear(work, str(factor.user_id))
        return step

    def _refuse(self, work: UnitOfWork, caller: Person, before: Action, *, locks: bool) -> NoReturn:
        self.auditor.record_wrong_proof(work, before, caller, locks=locks)
        work.commit()  # the counted attempt outlives the error
        raise WrongCode


def in_force(see: Repositories, user_id: UserId) -> SecondFactor | None:
    """Return the factor without which the user cannot sign in, if there is one."""
    factor = see.second_factors.get(user_id)
    return factor if factor is not None and factor.is_in_force else None


def sealed_as(user_id: UserId) -> str:
    """Return the name that a user's secret is sealed for."""
    return f"second factor {user_id}"


def sealed_today(sealer: Sealer, factor: SecondFactor) -> SecondFactor:
    """Return the factor sealed with the secret of today; the same one if it is already.

    Raises StoreUnfit if no known secret opens it.
    """
    if sealer.is_current(factor.sealed):
        return factor
    name = sealed_as(factor.user_id)
    return factor.resealed(sealer.seal(name, sealer.open(name, factor.sealed)))
