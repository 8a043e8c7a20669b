"""One's own second factor: setting it up, looking at it, making new codes, and giving it up.

All that changes it takes a fresh proof, and where it is in force, a proof by a code: a password
alone must not switch off what stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.auditing import Auditor
from application.codes import CodeProof, Codes, FactorRemoval, in_force, sealed_as
from application.mailing import Mailroom
from application.ports.second_factor import AppSetup, AuthenticatorApps
from application.ports.security import Sealer
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Randomness
from application.proving import held, require_fresh
from application.throttling import Throttle
from domain.access import Person, UserId
from domain.audit import Action
from domain.errors import SecondFactorInForce, SecondFactorNotFound, TokenRevoked
from domain.mail import Topic
from domain.second_factor import SECRET_BYTES, SecondFactor
from domain.user import User


@dataclass(frozen=True, slots=True)
class BeginSecondFactor:
    """Make the secret for an authenticator app. It is not in force before a code confirms it.

    Beginning again replaces what was not confirmed.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    random: Randomness
    sealer: Sealer
    apps: AuthenticatorApps
    by_user: Throttle
    auditor: Auditor

    def __call__(self, caller: Person) -> AppSetup:
        with self.unit_of_work() as work:
            user = self._free(work, caller)
            self.by_user.attempt(work, str(user.id))  # before a picture is drawn
            work.commit()
        secret = self.random(SECRET_BYTES)
        setup = self.apps.setup(secret, account=user.email)  # not while we hold
        sealed = self.sealer.seal(sealed_as(user.id), secret)
        with self.unit_of_work() as work:
            user = self._free(work, caller)
            work.second_factors.put(SecondFactor.begin(user_id=user.id, sealed=sealed))
            self.auditor.record_own(work, Action.SECOND_FACTOR_BEGUN, user.id, caller.origin)
            work.commit()
        return setup

    def _free(self, work: UnitOfWork, caller: Person) -> User:
        """Return the caller's user, held, if one may be set up."""
        user = held(work, caller)
        require_fresh(work, caller, now=self.clock())
        if in_force(work, user.id):
            raise SecondFactorInForce
        return user


@dataclass(frozen=True, slots=True)
class ConfirmSecondFactor:
    """Put the second factor in force with a code of the app; return the first recovery codes.

    The code proves this session as well. Other sessions go on, and their proofs of before are
    none where a code is asked for.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    proof: CodeProof
    codes: Codes
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Person, code: str) -> Sequence[str]:
        with self.unit_of_work() as work:
            user = held(work, caller)
            factor = work.second_factors.lock(user.id)
            session = work.sessions.lock(caller.session_id)
            if factor is None:
                raise SecondFactorNotFound
            if session is None:
                raise TokenRevoked
            now = self.clock()
            require_fresh(work, caller, now=now)
            if factor.is_in_force:
                raise SecondFactorInForce
            step = self.proof.check_new(work, caller, factor, code)
            work.second_factors.put(factor.confirmed(step, user=user, now=now))
            codes = self.codes.renew(work, user)
            work.sessions.save(session.proved(now=now))
            self.mailroom.post_if_seldom(work, Topic.SECOND_FACTOR_ADDED, user.email, user)
            self.auditor.record_own(work, Action.SECOND_FACTOR_CONFIRMED, user.id, caller.origin)
            work.commit()
        return codes


@dataclass(frozen=True, slots=True)
class SecondFactorStatus:
    """Whether signing in takes a code, since when, and how many recovery codes are left."""

    confirmed_at: datetime | None
    recovery_codes_left: int

    @property
    def enabled(self) -> bool:
        """Whether it is in force."""
        return self.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class ReadSecondFactor:
    """Look at one's second factor; nothing of its secrets can be seen again."""

    reading: Reading

    def __call__(self, caller: Person) -> SecondFactorStatus:
        with self.reading() as see:
            return status_of(see, caller.user_id)


def status_of(see: Repositories, user_id: UserId) -> SecondFactorStatus:
    """Return how a user's second factor stands."""
    factor = in_force(see, user_id)
    return SecondFactorStatus(
        None if factor is None else factor.confirmed_at, see.second_factors.count_codes(user_id)
    )


@dataclass(frozen=True, slots=True)
class RenewRecoveryCodes:
    """Make ten new recovery codes; those of before are void."""

    unit_of_work: UnitsOfWork
    clock: Clock
    codes: Codes
    mailroom: Mailroom
    by_user: Throttle
    auditor: Auditor

    def __call__(self, caller: Person) -> Sequence[str]:
        with self.unit_of_work() as work:
            user = held(work, caller)
            if not in_force(work, user.id):
                raise SecondFactorNotFound
            require_fresh(work, caller, now=self.clock())
            self.by_user.attempt(work, str(user.id))
            codes = self.codes.renew(work, user)
            self.mailroom.post_if_seldom(work, Topic.RECOVERY_CODES_MADE, user.email, user)
            self.auditor.record_own(work, Action.RECOVERY_CODES_MADE, user.id, caller.origin)
            work.commit()
        return codes


@dataclass(frozen=True, slots=True)
class RemoveSecondFactor:
    """Give up one's second factor, or what was begun of one: the first factor is enough again."""

    unit_of_work: UnitsOfWork
    clock: Clock
    remove_factor: FactorRemoval
    auditor: Auditor

    def __call__(self, caller: Person) -> None:
        with self.unit_of_work() as work:
            user = held(work, caller)
            if work.second_factors.get(user.id) is None:
                raise SecondFactorNotFound
            require_fresh(work, caller, now=self.clock())
            self.remove_factor(work, user)
            self.auditor.record_own(work, Action.SECOND_FACTOR_REMOVED, user.id, caller.origin)
            work.commit()
