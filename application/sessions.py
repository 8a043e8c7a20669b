"""What one's sign-ins are, and ending them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.auditing import Auditor
from application.machine_keys import end_key
from application.ports.security import AccessTokens, MachineKeyTexts, RefreshTokens
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import present
from domain.access import Origin, Person, SessionId, UserId
from domain.audit import Action, Target, TargetType
from domain.errors import InvalidRefreshToken, InvalidToken, SessionNotFound
from domain.session import Lifetimes, Session


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
            end_all(work, caller.user_id, keep=keep)
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


def end_all(work: UnitOfWork, user_id: UserId, *, keep: SessionId | None = None) -> None:
    """End a user's sessions, and the sign-ins that wait for a code to become some."""
    work.sessions.remove_all_of(user_id, keep=keep)
    work.challenges.remove_all_of(user_id)


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
