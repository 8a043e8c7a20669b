"""Signing in with a password."""

from dataclasses import dataclass

from application.admission import SessionStarter, Tokens
from application.auditing import Auditor
from application.ports.security import PasswordHasher
from application.ports.store import Reading, UnitsOfWork
from application.throttling import Throttle, network
from domain import email as emails
from domain.access import Origin, Scopes, narrowed
from domain.audit import Action, Result, Target, TargetType
from domain.errors import (
    InvalidCredentials,
    InvalidValue,
)
from domain.password import PASSWORD_MAX
from domain.text import composed
from domain.user import User

_LOOKS = 2
"""Looks at an account in one sign-in: another one may have made its hash anew meanwhile."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Start a session for whoever knows the password, and tell nobody else anything.

    Every attempt takes its slot before anything is hashed or looked up, so that attempts side
    by side cannot outrun the limits, and known and unknown addresses fare alike.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    hasher: PasswordHasher
    starter: SessionStarter
    by_address: Throttle
    by_account: Throttle
    auditor: Auditor
    needs_verified: bool = False
    """Whether an account whose address is not proved is as good as none."""

    def __call__(self, email: str, password: str, wanted: Scopes | None, origin: Origin) -> Tokens:
        account = _canonical(email)
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            locks = self.by_account.attempt(work, account)
            work.commit()
        for _ in range(_LOOKS):
            user = self._user(account)
            if not self._proves(password, user) or user is None:
                self._note_failure(account, user, origin, locks=locks)
                raise InvalidCredentials
            self._forgive(account, origin)
            tokens = self._begin(user, self._rehashed(password, user), wanted, origin)
            if tokens:
                return tokens
        raise InvalidCredentials

    def _user(self, account: str) -> User | None:
        try:
            address = emails.address(account)
        except InvalidValue:
            return None  # nobody has that one
        with self.reading() as see:
            return see.users.by_email(address)

    def _proves(self, password: str, user: User | None) -> bool:
        """Whether this is the user's password; every way to fail takes exactly one hash."""
        text = composed(password)
        usable = user is not None and self._is_open(user) and len(text) <= PASSWORD_MAX
        hashed = user.password_hash if user and usable else None
        return self.hasher.matches(text[:PASSWORD_MAX], hashed)

    def _is_open(self, user: User) -> bool:
        return user.is_active and (user.email_verified or not self.needs_verified)

    def _forgive(self, account: str, origin: Origin) -> None:
        """Take the attempt back: now, for what follows may yet fail, and the password was right."""
        with self.unit_of_work() as work:
            self.by_address.take_back(work, network(origin.address))
            self.by_account.clear(work, account)
            work.commit()

    def _begin(
        self, proved: User, stronger: str | None, wanted: Scopes | None, origin: Origin
    ) -> Tokens | None:
        """Start the session, unless the account changed while we hashed."""
        with self.unit_of_work() as work:
            user = work.users.lock(proved.id)
            if user is None or not self._is_open(user):
                return None
            if user.password_hash != proved.password_hash or user.email != proved.email:
                return None
            if stronger:
                work.users.save(user.rehashed(stronger))
            scopes = narrowed(user.role.scopes, wanted)
            session = self.starter.start(work, user, scopes, origin)
            work.commit()
        return self.starter.issuer.issue(session, session.scopes)

    def _note_failure(
        self, account: str, user: User | None, origin: Origin, *, locks: bool
    ) -> None:
        target = Target(TargetType.USER, None if user is None else str(user.id))
        with self.unit_of_work() as work:
            for action in (Action.SIGNED_IN, *([Action.ACCOUNT_LOCKED] if locks else [])):
                self.auditor.record(
                    work,
                    action,
                    target,
                    origin=origin,
                    result=Result.FAILURE,
                    email=_printable(account),
                )
            work.commit()

    def _rehashed(self, password: str, user: User) -> str | None:
        if user.password_hash and self.hasher.is_outdated(user.password_hash):
            return self.hasher.hash(composed(password))
        return None


def _canonical(email: str) -> str:
    """Return the canonical address, or what was typed where it is none."""
    try:
        return emails.address(email)
    except InvalidValue:
        return email


def _printable(account: str) -> str:
    """Return what was typed so that every store can hold it, and not much of it."""
    return account[: emails.EMAIL_MAX].encode(errors="replace").decode().replace("\x00", "?")
