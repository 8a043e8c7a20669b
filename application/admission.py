"""Letting in whoever has proved who they are: a session and its tokens, or a challenge first."""

from dataclasses import dataclass

from application.auditing import Auditor
from application.codes import in_force
from application.ports.second_factor import SecretTexts
from application.ports.security import AccessClaims, AccessTokens, RefreshTokens
from application.ports.store import UnitOfWork
from application.ports.surroundings import Clock, Ids, Randomness
from domain.access import Origin, Scopes, SessionId, names_of
from domain.audit import Action
from domain.errors import (
    SecondFactorRequired,
)
from domain.second_factor import Challenge
from domain.session import SEED_BYTES, Lifetimes, Session, surplus
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
        text, digest = self.challenges.make()
        now = self.clock()
        work.challenges.add(Challenge.issue(digest=digest, user=user, scopes=scopes, now=now))
        self.auditor.record_own(work, Action.CHALLENGED, user.id, origin)
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
        self.auditor.record_own(work, Action.SIGNED_IN, user.id, origin, email=user.email)
        return session
