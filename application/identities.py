"""What a proven identity is good for: signing in, and being linked to one's account."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from application.admission import SessionStarter, Tokens
from application.auditing import Auditor
from application.joining import Registrar, note
from application.mailing import Mailroom
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import held, present, require_fresh
from domain.access import Origin, Person
from domain.audit import Action, Result, Target, TargetType
from domain.errors import (
    EmailTaken,
    IdentityNotFound,
    IdentityTaken,
    InvalidIdentity,
    TooManyIdentities,
)
from domain.identity import (
    IDENTITIES_MAX,
    Identity,
    IdentityId,
    ProvenIdentity,
    ProviderName,
    check_not_last,
)
from domain.mail import Topic
from domain.user import User


@dataclass(frozen=True, slots=True)
class SignInByProvider:
    """Start a session for whoever proved an identity, in an account of their own if need be.

    A second factor is asked for as with a password. Which accounts are suspended is not told.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    registrar: Registrar
    starter: SessionStarter
    auditor: Auditor

    def __call__(self, proven: ProvenIdentity, origin: Origin) -> Tokens:
        with self.unit_of_work() as work:
            try:
                proven.check()
                user = self.registrar.welcome(work, proven, origin)
            except (InvalidIdentity, EmailTaken):
                note_failure(work, self.auditor, proven.provider, origin)
                work.commit()  # the verdict, and the mail about it, outlive the error
                raise
            self._note_use(work, proven, origin)
            session = self.starter.start(work, user, user.role.scopes, origin)  # or a challenge
            work.commit()
        return self.starter.issuer.issue(session, session.scopes)

    def _note_use(self, work: UnitOfWork, proven: ProvenIdentity, origin: Origin) -> None:
        identity = work.identities.known_by(proven.issuer, proven.subject)
        if identity is not None:
            work.identities.save(identity.used(now=self.clock()))
            note(work, self.auditor, Action.IDENTITY_USED, identity, origin)


@dataclass(frozen=True, slots=True)
class NoteUnproved:
    """Write into the trail that a provider's answer proved nothing; `by` wanted to link it."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, provider: ProviderName, origin: Origin, by: Person | None = None) -> None:
        with self.unit_of_work() as work:
            if by is not None:  # of whoever left meanwhile, nothing is written any more
                present(work.users.lock(by.user_id))
            note_failure(work, self.auditor, provider, origin, by)
            work.commit()


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Let a proven identity sign in to one's account from now on. Needs a fresh proof."""

    unit_of_work: UnitsOfWork
    clock: Clock
    registrar: Registrar
    auditor: Auditor

    def __call__(self, caller: Person, proven: ProvenIdentity) -> Identity:
        """Return the identity, also if it was one's own already.

        Raises IdentityTaken, TooManyIdentities.
        """
        with self.unit_of_work() as work:
            user = held(work, caller)
            require_fresh(work, caller, now=self.clock())
            try:
                known = self._known(work, proven, user)
            except (InvalidIdentity, IdentityTaken):
                note_failure(work, self.auditor, proven.provider, caller.origin, caller)
                work.commit()  # the verdict outlives the error
                raise
            if known is not None:
                return known
            if len(work.identities.of_user(user.id)) >= IDENTITIES_MAX:
                raise TooManyIdentities
            identity = self.registrar.link(work, proven, user, caller.origin)
            mailroom = self.registrar.mailroom
            mailroom.post_if_seldom(work, Topic.IDENTITY_LINKED, user.email, user)
            work.commit()
        return identity

    def _known(self, work: UnitOfWork, proven: ProvenIdentity, user: User) -> Identity | None:
        proven.check()
        known = work.identities.known_by(proven.issuer, proven.subject)
        if known is not None and known.user_id != user.id:
            raise IdentityTaken
        return known


@dataclass(frozen=True, slots=True)
class ListIdentities:
    """Look at the identities that sign in to one's account, the newest first."""

    reading: Reading

    def __call__(self, caller: Person) -> Sequence[Identity]:
        with self.reading() as see:
            return see.identities.of_user(caller.user_id)


@dataclass(frozen=True, slots=True)
class UnlinkIdentity:
    """Let an identity sign in no more, unless it is the last way in. Needs a fresh proof."""

    unit_of_work: UnitsOfWork
    clock: Clock
    issuers: Collection[str]
    """Those that are set up: an identity of another one lets nobody in."""
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Person, id: IdentityId) -> None:
        with self.unit_of_work() as work:
            user = held(work, caller)
            all_of_user = work.identities.of_user(user.id)
            identity = next((one for one in all_of_user if one.id == id), None)
            if identity is None:
                raise IdentityNotFound
            require_fresh(work, caller, now=self.clock())
            check_not_last(user, identity, all_of_user, issuers=self.issuers)
            work.identities.remove(id)
            work.challenges.remove_all_of(user.id)  # it may have begun one of them
            self.mailroom.post_if_seldom(work, Topic.IDENTITY_UNLINKED, user.email, user)
            note(work, self.auditor, Action.IDENTITY_UNLINKED, identity, caller.origin)
            work.commit()


def note_failure(
    work: UnitOfWork,
    auditor: Auditor,
    provider: ProviderName,
    origin: Origin,
    by: Person | None = None,
) -> None:
    """Write into the trail that an identity let nobody in, or was not linked by somebody."""
    auditor.record(
        work,
        Action.IDENTITY_USED if by is None else Action.IDENTITY_LINKED,
        Target(TargetType.IDENTITY, provider),
        origin=origin,
        actor_id=None if by is None else by.user_id,
        result=Result.FAILURE,
    )
