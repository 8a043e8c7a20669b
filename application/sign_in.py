"""Signing in, staying signed in, signing out, and saying who is calling."""

from dataclasses import dataclass

from application.ports import (
    AccessClaims,
    AccessTokens,
    Clock,
    Ids,
    PasswordHasher,
    Randomness,
    Reading,
    RefreshTokens,
    UnitsOfWork,
)
from domain import email as emails
from domain.access import (
    Caller,
    Origin,
    Scopes,
    SessionId,
    names_of,
    narrowed,
)
from domain.errors import (
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidValue,
    RefreshTokenReused,
    TokenRevoked,
)
from domain.password import PASSWORD_MAX
from domain.session import SEED_BYTES, Lifetimes, Session, Verdict
from domain.text import composed
from domain.user import User


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
class SignIn:
    """Start a session for whoever knows the password, and tell nobody else anything."""

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    ids: Ids
    random: Randomness
    hasher: PasswordHasher
    issuer: TokenIssuer

    def __call__(self, email: str, password: str, wanted: Scopes | None, origin: Origin) -> Tokens:
        proved = self._prove(email, password)
        scopes = narrowed(proved.role.scopes, wanted)
        stronger = self._rehashed(password, proved)
        with self.unit_of_work() as work:
            user = work.users.lock(proved.id)
            if user is None or not user.is_active or user.password_hash != proved.password_hash:
                raise InvalidCredentials  # changed while we hashed
            if stronger:
                work.users.save(user.rehashed(stronger))
            session = Session.start(
                id=SessionId(self.ids()),
                user_id=user.id,
                scopes=scopes & user.role.scopes,
                seed=self.random(SEED_BYTES),
                secret_id=self.issuer.refresh_tokens.secret_id,
                origin=origin,
                now=self.clock(),
            )
            work.sessions.add(session)
            work.commit()
        return self.issuer.issue(session, session.scopes)

    def _prove(self, email: str, password: str) -> User:
        """Return the active user with this password; every way to fail takes one hash."""
        user = None
        try:
            address = emails.address(email)
        except InvalidValue:
            pass
        else:
            with self.reading() as see:
                user = see.users.by_email(address)
        text = composed(password)
        usable = user is not None and user.is_active and len(text) <= PASSWORD_MAX
        hashed = user.password_hash if user and usable else None
        if not self.hasher.matches(text[:PASSWORD_MAX], hashed) or user is None:
            raise InvalidCredentials
        return user

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

    def __call__(self, refresh_token: str, wanted: Scopes | None) -> Tokens:
        tokens = self.issuer.refresh_tokens
        claim = tokens.read(refresh_token)
        now = self.clock()
        with self.unit_of_work() as work:
            session = work.sessions.lock(claim.session_id)
            if (
                session is None
                or session.is_over(now=now, lifetimes=self.lifetimes)
                or not tokens.is_genuine(claim, session)
            ):
                raise InvalidRefreshToken
            verdict = session.judge(claim.count, now=now, grace=self.lifetimes.grace)
            if verdict is Verdict.SUPERSEDED:
                work.sessions.remove(session.id)
                work.commit()  # the verdict outlives the error
                raise RefreshTokenReused
            user = work.users.get(session.user_id)
            if user is None or not user.is_active or verdict is Verdict.NEVER_ISSUED:
                raise InvalidRefreshToken
            scopes = narrowed(session.scopes, wanted) & user.role.scopes
            if verdict is Verdict.CURRENT:
                session = session.rotated(secret_id=tokens.secret_id, now=now)
                work.sessions.save(session)
                work.commit()
        return self.issuer.issue(session, scopes)


@dataclass(frozen=True, slots=True)
class SignOut:
    """End the caller's session: its tokens are dead before this returns."""

    unit_of_work: UnitsOfWork

    def __call__(self, caller: Caller) -> None:
        with self.unit_of_work() as work:
            work.sessions.remove(caller.session_id)
            work.commit()


@dataclass(frozen=True, slots=True)
class Identify:
    """Say who is calling: a good token of a live session, with what its user's role allows now."""

    reading: Reading
    clock: Clock
    lifetimes: Lifetimes
    access_tokens: AccessTokens

    def __call__(self, access_token: str, origin: Origin) -> Caller:
        now = self.clock()
        claims = self.access_tokens.read(access_token, now=now)
        with self.reading() as see:
            standing = see.sessions.standing(claims.session_id)
        if standing is None or not standing.is_alive(now=now, lifetimes=self.lifetimes):
            raise TokenRevoked
        return Caller(
            user_id=standing.user_id,
            session_id=claims.session_id,
            role=standing.role,
            scopes=claims.scopes & standing.role.scopes,
            origin=origin,
        )
