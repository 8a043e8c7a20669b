"""Signing in, and staying signed in: a password for tokens, a token for its successor."""

from dataclasses import dataclass

from application.auditing import Auditor
from application.codes import in_force
from application.ports.second_factor import SecretTexts
from application.ports.security import AccessClaims, AccessTokens, PasswordHasher, RefreshTokens
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids, Randomness
from application.throttling import Throttle, network
from domain import email as emails
from domain.access import Origin, Scopes, SessionId, names_of, narrowed
from domain.audit import Action, Result, Target, TargetType
from domain.errors import (
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidValue,
    Misused,
    NotAuthenticated,
    RefreshTokenReused,
    SecondFactorRequired,
)
from domain.password import PASSWORD_MAX
from domain.second_factor import Challenge
from domain.session import SEED_BYTES, Lifetimes, Session, Verdict, surplus
from domain.text import composed
from domain.user import User

_LOOKS = 2
"""Looks at an account in one sign-in: another one may have made its hash anew meanwhile."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client needs to act for a user: now, and later."""

    access_token: str
    expires_in: int
    refresh_token: str
    scopes: Scopes

    @property
    def scope(self) -> str:
        """The scopes as OAuth 2 writes them (RFC 6749 §3.3)."""
        return " ".join(names_of(self.scopes))


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Makes the two tokens of a session."""

    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    clock: Clock

    def issue(self, session: Session, scopes: Scopes) -> Tokens:
        """Return a fresh access token with these scopes, and the session's refresh token."""
        access = self.access_tokens.issue(
            AccessClaims(
                user_id=session.user_id,
                session_id=session.id,
                scopes=scopes,
                issued_at=self.clock(),
            )
        )
        return Tokens(access.text, access.expires_in, self.refresh_tokens.of(session), scopes)


@dataclass(frozen=True, slots=True)
class SessionStarter:
    """Starts sessions, and keeps a user's within the cap: the one way in, whatever was proved."""

    clock: Clock
    ids: Ids
    random: Randomness
    lifetimes: Lifetimes
    cap: int
    issuer: TokenIssuer
    challenges: SecretTexts
    auditor: Auditor

    def start(self, work: UnitOfWork, user: User, scopes: Scopes, origin: Origin) -> Session:
        """Start a session of a user who is held and has proved one factor.

        Raises SecondFactorRequired where that is not enough. The challenge, and whatever else was
        done in this unit of work, is stored then.
        """
        if in_force(work, user.id):
            challenge = self._challenge(work, user, scopes, origin)
            work.commit()
            raise SecondFactorRequired(challenge)
        return self.start_proved(work, user, scopes, origin)

    def _challenge(self, work: UnitOfWork, user: User, scopes: Scopes, origin: Origin) -> str:
        text = self.challenges.make()
        digest = self.challenges.digest(text) or b""
        now = self.clock()
        work.challenges.add(Challenge.issue(digest=digest, user=user, scopes=scopes, now=now))
        self.auditor.record(
            work,
            Action.CHALLENGED,
            Target(TargetType.USER, str(user.id)),
            origin=origin,
            actor_id=user.id,
        )
        return text

    def start_proved(self, work: UnitOfWork, user: User, scopes: Scopes, origin: Origin) -> Session:
        """Start a session of a user who is held and has proved all there is to prove."""
        now = self.clock()
        for id in surplus(
            work.sessions.of_user(user.id), cap=self.cap, now=now, lifetimes=self.lifetimes
        ):
            work.sessions.remove(id)
        session = Session.start(
            id=SessionId(self.ids()),
            user_id=user.id,
            scopes=scopes,
            seed=self.random(SEED_BYTES),
            secret_id=self.issuer.refresh_tokens.secret_id,
            origin=origin,
            now=now,
        )
        work.sessions.add(session)
        self.auditor.record(
            work,
            Action.SIGNED_IN,
            Target(TargetType.USER, str(user.id)),
            origin=origin,
            actor_id=user.id,
            email=user.email,
        )
        return session


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


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Exchange a refresh token for its one successor and a fresh access token."""

    unit_of_work: UnitsOfWork
    clock: Clock
    lifetimes: Lifetimes
    issuer: TokenIssuer
    by_address: Throttle
    auditor: Auditor

    def __call__(
        self, refresh_token: str, wanted: Scopes | None, origin: Origin | None = None
    ) -> Tokens:
        origin = origin or Origin()
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            try:
                session, scopes = self._refreshed(work, refresh_token, wanted, origin)
            except (NotAuthenticated, Misused):
                work.commit()  # the verdict, and the counted attempt, outlive the error
                raise
            work.commit()
        return self.issuer.issue(session, scopes)

    def _refreshed(
        self, work: UnitOfWork, refresh_token: str, wanted: Scopes | None, origin: Origin
    ) -> tuple[Session, Scopes]:
        tokens = self.issuer.refresh_tokens
        claim = tokens.read(refresh_token)
        session = work.sessions.lock(claim.session_id)
        now = self.clock()
        if (
            session is None
            or session.is_over(now=now, lifetimes=self.lifetimes)
            or not tokens.is_genuine(claim, session)
        ):
            raise InvalidRefreshToken
        verdict = session.judge(claim.count, now=now, grace=self.lifetimes.grace)
        if verdict is Verdict.SUPERSEDED:
            self._end_reused(work, session, origin)
            raise RefreshTokenReused
        user = work.users.get(session.user_id)
        if user is None or not user.is_active or verdict is Verdict.NEVER_ISSUED:
            raise InvalidRefreshToken
        scopes = narrowed(session.scopes, wanted) & user.role.scopes
        if verdict is Verdict.CURRENT:
            session = session.rotated(secret_id=tokens.secret_id, now=now)
            work.sessions.save(session)
        return session, scopes

    def _end_reused(self, work: UnitOfWork, session: Session, origin: Origin) -> None:
        work.sessions.remove(session.id)
        self.auditor.record(
            work,
            Action.REFRESH_REUSED,
            Target(TargetType.SESSION, str(session.id)),
            origin=origin,
            actor_id=session.user_id,
            result=Result.FAILURE,
        )


def _canonical(email: str) -> str:
    """Return the canonical address, or what was typed where it is none."""
    try:
        return emails.address(email)
    except InvalidValue:
        return email


def _printable(account: str) -> str:
    """Return what was typed so that every store can hold it, and not much of it."""
    return account[: emails.EMAIL_MAX].encode(errors="replace").decode().replace("\x00", "?")
