"""Proving again who one is, before what cannot be undone: by one's password, or by a code."""

from dataclasses import dataclass
from datetime import datetime

from application.auditing import Auditor
from application.codes import CodeProof, in_force
from application.ports.security import PasswordHasher
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.throttling import Throttle
from domain.access import Person
from domain.audit import Action
from domain.errors import InvalidValue, TokenRevoked, WrongPassword
from domain.text import composed
from domain.user import User


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """Checks a caller's own password, with a throttle that outsiders cannot close.

    Where an account has no password, a fresh proof of another kind stands in for it. Where it has
    a second factor, the password alone is none: a fresh proof by a code stands beside it.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    hasher: PasswordHasher
    throttle: Throttle
    auditor: Auditor

    def check(self, caller: Person, user: User, password: str | None, *, before: Action) -> None:
        """Raise WrongPassword, or TooManyAttempts, unless this is the user's password.

        Raises ReauthenticationRequired where a fresh proof is needed and there is none.
        """
        require_given(user, password)
        with self.unit_of_work() as work:
            if password is None or in_force(work, user.id):
                require_fresh(work, caller, now=self.clock())
            if password is None:
                return
            locks = self.throttle.attempt(work, str(user.id))
            work.commit()
        if self.hasher.matches(composed(password), user.password_hash):
            with self.unit_of_work() as work:  # now, for what it is asked for may yet fail
                self.throttle.clear(work, str(user.id))
                work.commit()
            return
        with self.unit_of_work() as work:
            # Of whoever left while we hashed, nothing is written any more.
            present(work.users.lock(user.id))
            self.auditor.record_wrong_proof(work, before, caller, locks=locks)
            work.commit()
        raise WrongPassword

    def still_holds(self, work: UnitOfWork, caller: Person, proved: User) -> User:
        """Return the user held, if the password that was checked outside is still theirs.

        Raises as `check` does: a second factor may have come into force while we hashed.
        """
        user = held(work, caller)
        if user.password_hash != proved.password_hash:
            raise WrongPassword
        if in_force(work, user.id):
            require_fresh(work, caller, now=self.clock())
        return user


@dataclass(frozen=True, slots=True)
class Reauthenticate:
    """Prove again who one is: for a while, the session may do what a thief would do first.

    Where a second factor is in force, only a code proves it.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    proof: PasswordProof
    auditor: Auditor

    def __call__(self, caller: Person, password: str) -> None:
        with self.reading() as see:
            user = present(see.users.get(caller.user_id))
            _require_no_code(see, user)
        self.proof.check(caller, user, password, before=Action.REAUTHENTICATED)
        with self.unit_of_work() as work:
            _require_no_code(work, held(work, caller))  # it may have come while we hashed
            self.proof.still_holds(work, caller, user)
            _prove(work, caller, self.clock(), self.auditor)
            work.commit()


@dataclass(frozen=True, slots=True)
class ReauthenticateByCode:
    """As Reauthenticate, by a code of one's second factor: with a password or without one."""

    unit_of_work: UnitsOfWork
    clock: Clock
    proof: CodeProof
    auditor: Auditor

    def __call__(self, caller: Person, code: str) -> None:
        with self.unit_of_work() as work:
            user = held(work, caller)
            if not in_force(work, user.id):
                raise InvalidValue("password", "missing", "There is no second factor to prove it.")
            self.proof.check(work, caller, user, code, before=Action.REAUTHENTICATED)
            _prove(work, caller, self.clock(), self.auditor)
            work.commit()


def _prove(work: UnitOfWork, caller: Person, now: datetime, auditor: Auditor) -> None:
    session = work.sessions.lock(caller.session_id)
    if session is None:
        raise TokenRevoked
    work.sessions.save(session.proved(now=now))
    auditor.record_own(work, Action.REAUTHENTICATED, caller.user_id, caller.origin)


def _require_no_code(see: Repositories, user: User) -> None:
    if in_force(see, user.id):
        raise InvalidValue("code", "missing", "A code of your second factor is required.")


def require_fresh(see: Repositories, caller: Person, *, now: datetime) -> None:
    """Raise ReauthenticationRequired unless the caller gave a fresh proof, by a code if need be.

    Since a second factor is in force, nobody proves anything without a code of it; so a proof of
    that time is one by a code.
    """
    factor = in_force(see, caller.user_id)
    caller.require_fresh(now=now, since=None if factor is None else factor.confirmed_at)


def require_given(user: User, password: str | None, *, field: str = "password") -> None:
    """Raise InvalidValue if the account has a password and none was given as a proof."""
    if password is None and user.password_hash is not None:
        raise InvalidValue(field, "missing", "This is required.")


def held(work: UnitOfWork, caller: Person) -> User:
    """Return the caller's user, held, if the caller's session has not ended meanwhile.

    Whoever ends sessions holds the user too: so nothing that decides about credentials is done
    in the name of a session that somebody else is just ending. Raises TokenRevoked.
    """
    user = present(work.users.lock(caller.user_id))
    if work.sessions.lock(caller.session_id) is None:
        raise TokenRevoked
    return user


def present(user: User | None) -> User:
    """Return the caller's user, who may have been deleted since the caller was identified."""
    if user is None:
        raise TokenRevoked
    return user
