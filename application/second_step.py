"""The second step of signing in: a challenge and a code for tokens."""

from dataclasses import dataclass

from application.admission import SessionStarter, Tokens
from application.auditing import Auditor
from application.codes import Codes
from application.ports.store import UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.throttling import Throttle, network
from domain.access import Origin
from domain.audit import Action, Result, Target, TargetType
from domain.errors import InvalidSecondFactor, WrongSecondFactor
from domain.mail import Topic
from domain.second_factor import Challenge
from domain.session import Session
from domain.user import User


@dataclass(frozen=True, slots=True)
class FinishSignIn:
    """Start the session that a challenge waits for, for whoever brings a code of the user's.

    Guesses are counted for each account, across all challenges, and apart from its password's: a
    right password clears none of them. Whoever holds the user comes first, so of many who bring
    one code, or one challenge, one comes through.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    codes: Codes
    starter: SessionStarter
    by_address: Throttle
    by_account: Throttle
    auditor: Auditor

    def __call__(self, text: str, code: str, origin: Origin) -> Tokens:
        """Raises InvalidSecondFactor, WrongSecondFactor, and TooManyAttempts."""
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            try:
                session = self._started(work, text, code, origin)
            except InvalidSecondFactor:
                work.commit()  # the counted guess outlives the error
                raise
            self.by_address.take_back(work, network(origin.address))
            work.commit()
        return self.starter.issuer.issue(session, session.scopes)

    def _started(self, work: UnitOfWork, text: str, code: str, origin: Origin) -> Session:
        challenge, user = self._waiting(work, text)
        locks = self.by_account.attempt(work, str(user.id))
        if not self.codes.spend(work, user, code, origin):
            work.challenges.save(challenge.guessed())
            self._note_failure(work, user, origin, locks=locks)
            raise WrongSecondFactor
        self.by_account.clear(work, str(user.id))
        work.challenges.take(challenge.digest)
        return self.starter.start_proved(work, user, challenge.scopes, origin)

    def _waiting(self, work: UnitOfWork, text: str) -> tuple[Challenge, User]:
        """Return the open challenge with its user, who is held from then on."""
        digest = self.starter.challenges.digest(text)
        found = None if digest is None else work.challenges.get(digest)
        user = None if found is None else work.users.lock(found.user_id)
        waits = None if found is None else work.challenges.get(found.digest)  # not used meanwhile
        if user is None or waits is None or not waits.is_open(user, now=self.clock()):
            raise InvalidSecondFactor
        return waits, user

    def _note_failure(self, work: UnitOfWork, user: User, origin: Origin, *, locks: bool) -> None:
        if locks:
            self.codes.mailroom.post_if_seldom(work, Topic.SECOND_STEP_LOCKED, user.email, user)
        for action in (Action.SIGNED_IN, *([Action.ACCOUNT_LOCKED] if locks else [])):
            self.auditor.record(
                work,
                action,
                Target(TargetType.USER, str(user.id)),
                origin=origin,
                result=Result.FAILURE,
                email=user.email,
            )
