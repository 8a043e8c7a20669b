"""Who is calling, what one's sign-ins are, and ending them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.auditing import Auditor
from application.machine_keys import end_key
from application.ports.security import (
    AccessTokens,
    MachineKeyTexts,
    ReadAccessToken,
    RefreshTokens,
)
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import present
from domain.access import Caller, Machine, Origin, Person, Scopes, SessionId, UserId
from domain.audit import Action, Target, TargetType
from domain.errors import (
    InvalidRefreshToken,
    InvalidToken,
    KeyRevoked,
    SessionNotFound,
    TokenExpired,
    TokenRevoked,
)
from domain.machine_key import is_news
from domain.session import Lifetimes, Session


@dataclass(frozen=True, slots=True)
class Identify:
    """Say who is calling: a good token of a live session, or a good key of a machine.

    Either may do what it was made for, as far as its user's role allows it now.
    """

    reading: Reading
    clock: Clock
    lifetimes: Lifetimes
    access_tokens: AccessTokens
    key_texts: MachineKeyTexts

    def __call__(self, token: str, origin: Origin) -> Caller:
        now = self.clock()
        if self.key_texts.is_one(token):
            return self._machine(token, origin, now)
        claims = self.access_tokens.read(token, now=now)
        with self.reading() as see:
            standing = see.sessions.standing(claims.session_id)
        if standing is None or not standing.is_alive(now=now, lifetimes=self.lifetimes):
            raise TokenRevoked
        return Person(
            user_id=standing.user_id,
            session_id=claims.session_id,
            proved_at=standing.proved_at,
            role=standing.role,
            scopes=claims.scopes & standing.role.scopes,
            origin=origin,
        )

    def _machine(self, text: str, origin: Origin, now: datetime) -> Machine:
        digest = self.key_texts.digest(text)
        with self.reading() as see:
            standing = see.machine_keys.standing(digest)
        if standing is None:
            raise KeyRevoked
        standing.check(now=now)
        return Machine(
            user_id=standing.user_id,
            key_id=standing.id,
            is_news=is_news(standing.last_used_at, now=now),
            role=standing.role,
            scopes=standing.scopes & standing.role.scopes,
            origin=origin,
        )


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is not over, and when it will be unless it is refreshed."""

    session: Session
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LiveSessions:
    """Looks up the sessions of a user that are not over."""

    clock: Clock
    lifetimes: Lifetimes

    def of_user(self, see: Repositories, user_id: UserId) -> Sequence[LiveSession]:
        """Return them, the one used last first."""
        now = self.clock()
        return [
            LiveSession(session, session.expires_at(self.lifetimes))
            for session in see.sessions.of_user(user_id)
            if not session.is_over(now=now, lifetimes=self.lifetimes)
        ]


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Look at one's sign-ins: from where, since when, and until when."""

    reading: Reading
    live: LiveSessions

    def __call__(self, caller: Person) -> Sequence[LiveSession]:
        with self.reading() as see:
            return self.live.of_user(see, caller.user_id)


@dataclass(frozen=True, slots=True)
class EndSession:
    """End one of one's own sessions: its tokens are dead before this returns."""

    unit_of_work: UnitsOfWork
    live: LiveSessions
    auditor: Auditor

    def __call__(self, caller: Person, id: SessionId) -> None:
        with self.unit_of_work() as work:
            if id not in {one.session.id for one in self.live.of_user(work, caller.user_id)}:
                raise SessionNotFound
            work.sessions.remove(id)
            note_end(work, self.auditor, id, caller.origin, caller.user_id)
            work.commit()


@dataclass(frozen=True, slots=True)
class EndSessions:
    """End all of one's sessions, or all others."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, caller: Person, *, include_current: bool) -> None:
        with self.unit_of_work() as work:
            present(work.users.lock(caller.user_id))
            keep = None if include_current else caller.session_id
            work.sessions.remove_all_of(caller.user_id, keep=keep)
            self.auditor.record_own(work, Action.SESSIONS_ENDED, caller.user_id, caller.origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class SignOut:
    """End the session that is calling."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, caller: Person) -> None:
        with self.unit_of_work() as work:
            present(work.users.lock(caller.user_id))
            work.sessions.remove(caller.session_id)
            note_end(work, self.auditor, caller.session_id, caller.origin, caller.user_id)
            work.commit()


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """End the session of a token, whoever brings it (RFC 7009); anything else changes nothing.

    Every genuine token will do: access or refresh, expired or superseded. A machine key ends
    itself, so that whoever finds a leaked one can see to it.
    """

    unit_of_work: UnitsOfWork
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    key_texts: MachineKeyTexts
    auditor: Auditor

    def __call__(self, token: str, origin: Origin) -> None:
        with self.unit_of_work() as work:
            if self.key_texts.is_one(token):
                self._end_key(work, token, origin)
                return
            session = self._session_of(work, token)
            if session is not None:
                work.sessions.remove(session.id)
                note_end(work, self.auditor, session.id, origin, session.user_id)
                work.commit()

    def _end_key(self, work: UnitOfWork, token: str, origin: Origin) -> None:
        try:
            digest = self.key_texts.digest(token)
        except InvalidToken:
            return
        key = work.machine_keys.lock_known_by(digest)
        if key is not None:
            end_key(work, self.auditor, key, origin)
            work.commit()

    def _session_of(self, work: UnitOfWork, token: str) -> Session | None:
        try:
            claim = self.refresh_tokens.read(token)
        except InvalidRefreshToken:
            return self._session_of_access(work, token)
        session = work.sessions.lock(claim.session_id)
        genuine = session is not None and self.refresh_tokens.is_genuine(claim, session)
        return session if genuine else None

    def _session_of_access(self, work: UnitOfWork, token: str) -> Session | None:
        try:
            found = self.access_tokens.inspect(token)
        except InvalidToken:
            return None
        return work.sessions.lock(found.claims.session_id)


@dataclass(frozen=True, slots=True)
class LiveToken:
    """An access token that is accepted now, with what it is good for."""

    token: ReadAccessToken
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Introspect:
    """Say whether an access token is alive (RFC 7662), and no more of anything else."""

    identify: Identify
    access_tokens: AccessTokens

    def __call__(self, token: str, origin: Origin) -> LiveToken | None:
        try:
            caller = self.identify(token, origin)
            return LiveToken(self.access_tokens.inspect(token), caller.scopes)
        except (InvalidToken, TokenExpired, TokenRevoked):
            return None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Who a token speaks for now, and until when at the latest (Unix time)."""

    caller: Caller
    until: float


@dataclass(frozen=True, slots=True)
class Foresee:
    """Say who a token speaks for, for whoever stays connected and asks again and again."""

    identify: Identify
    access_tokens: AccessTokens

    def __call__(self, token: str, origin: Origin) -> Outlook:
        caller = self.identify(token, origin)
        if isinstance(caller, Machine):
            return Outlook(caller, math.inf)  # its end is seen when it is asked again
        return Outlook(caller, self.access_tokens.inspect(token).expires_at)


def note_end(
    work: UnitOfWork, auditor: Auditor, id: SessionId, origin: Origin, user_id: UserId
) -> None:
    """Write into the trail that a session was ended."""
    auditor.record(
        work,
        Action.SESSION_ENDED,
        Target(TargetType.SESSION, str(id)),
        origin=origin,
        actor_id=user_id,
    )
