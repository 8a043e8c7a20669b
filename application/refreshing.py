"""Staying signed in: a refresh token for its one successor."""

from dataclasses import dataclass

from application.admission import TokenIssuer, Tokens
from application.auditing import Auditor
from application.ports.store import UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.throttling import Throttle, network
from domain.access import Origin, Scopes, narrowed
from domain.audit import Action, Result, Target, TargetType
from domain.errors import (
    InvalidRefreshToken,
    Misused,
    NotAuthenticated,
    RefreshTokenReused,
)
from domain.session import Lifetimes, Session, Verdict


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
