"""What a proven identity is good for: signing in, opening an account, and linking it to one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from application.admission import SessionStarter, Tokens
from application.auditing import Auditor
from application.codes import FactorRemoval
from application.mailing import Mailroom
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids
from application.proving import held, require_fresh
from application.recovery import shut_out
from application.throttling import Throttle, network
from domain.access import Origin, Person, UserId
from domain.audit import Action, Result, Target, TargetType
from domain.errors import (
    AddressTaken,
    AddressUnproved,
    Conflicted,
    EmailTaken,
    IdentityNotFound,
    IdentityTaken,
    InvalidIdentity,
)
from domain.identity import (
    Identity,
    IdentityId,
    ProvenIdentity,
    ProviderName,
    check_not_last,
)
from domain.mail import Topic
from domain.user import User


@dataclass(frozen=True, slots=True)
class Registrar:
    """Finds or makes the account of whoever proved an identity, and writes down which it is."""

    clock: Clock
    ids: Ids
    trusted: Collection[ProviderName]
    """Providers whose word is enough that somebody's address is theirs."""
    sign_ups: Throttle
    mailroom: Mailroom
    remove_factor: FactorRemoval
    auditor: Auditor
    needs_verified: bool = False
    """Whether nobody signs in before their address is proved."""

    def welcome(self, work: UnitOfWork, proven: ProvenIdentity, origin: Origin) -> User:
        """Return the user, held. Raises InvalidIdentity, EmailTaken; what is done then stays."""
        known = work.identities.known_by(proven.issuer, proven.subject)
        if known is not None:
            return self._known(work, known)
        address = proven.address()
        self.sign_ups.attempt(work, network(origin.address))  # before anybody looks who has it
        found = work.users.by_email(address)
        owner = found and work.users.lock(found.id)
        if owner is None or owner.email != address:
            return self._newcomer(work, proven, address, origin)
        return self._joined(work, proven, owner, origin)

    def link(
        self, work: UnitOfWork, proven: ProvenIdentity, user: User, origin: Origin
    ) -> Identity:
        """Add the identity to an account that is held. Raises IdentityTaken."""
        identity = proven.linked(id=IdentityId(self.ids()), user_id=user.id, now=self.clock())
        work.identities.add(identity)
        note(work, self.auditor, Action.IDENTITY_LINKED, identity, origin)
        return identity

    def _known(self, work: UnitOfWork, known: Identity) -> User:
        user = work.users.lock(known.user_id)
        if user is None or known.id not in {one.id for one in work.identities.of_user(user.id)}:
            raise Conflicted  # unlinked, or gone, while we waited for the user
        if not user.is_active:
            raise InvalidIdentity
        if self.needs_verified and not user.email_verified:
            self.mailroom.post_if_seldom(work, Topic.VERIFICATION, user.email, user)
            raise AddressUnproved
        return user

    def _newcomer(
        self, work: UnitOfWork, proven: ProvenIdentity, address: str, origin: Origin
    ) -> User:
        now = self.clock()
        user = User.register(
            id=UserId(self.ids()),
            email=address,
            password_hash=None,
            name=proven.display_name(),
            now=now,
        )
        if proven.owns_address(self.trusted):
            user = user.verified(now=now)
        try:
            work.users.add(user)
            self._note_account(work, Action.ACCOUNT_CREATED, user, origin)
            self.link(work, proven, user, origin)
        except (EmailTaken, IdentityTaken):
            raise Conflicted from None  # somebody was faster: look again
        if not user.email_verified:
            self.mailroom.post_if_seldom(work, Topic.VERIFICATION, address, user)
            if self.needs_verified:
                raise AddressUnproved
        return user

    def _joined(
        self, work: UnitOfWork, proven: ProvenIdentity, owner: User, origin: Origin
    ) -> User:
        if not proven.owns_address(self.trusted):
            if self.needs_verified:  # as at sign-up: the owner is told, and nobody else
                self.mailroom.post_if_seldom(work, Topic.KNOWN_ADDRESS, owner.email, owner)
                raise AddressUnproved
            raise AddressTaken
        if not owner.is_active:
            raise InvalidIdentity
        if not owner.email_verified:
            owner = self._handed_over(work, owner, origin)
        try:
            self.link(work, proven, owner, origin)
        except IdentityTaken:
            raise Conflicted from None
        self.sign_ups.take_back(work, network(origin.address))
        self.mailroom.post_if_seldom(work, Topic.IDENTITY_LINKED, owner.email, owner)
        return owner

    def _handed_over(self, work: UnitOfWork, claimed: User, origin: Origin) -> User:
        """Return the account as its address's owner has it: whoever claimed it before is out."""
        now = self.clock()
        user = claimed.without_password(now=now).verified(now=now)
        work.users.save(user)
        shut_out(work, user)
        self.remove_factor(work, user)
        for token in work.one_time_tokens.of_user(user.id):
            work.one_time_tokens.take(token.id)
        self.mailroom.post_if_seldom(work, Topic.ACCOUNT_HANDED_OVER, user.email, user)
        self._note_account(work, Action.ACCOUNT_HANDED_OVER, user, origin)
        return user

    def _note_account(self, work: UnitOfWork, action: Action, user: User, origin: Origin) -> None:
        target = Target(TargetType.USER, str(user.id))
        self.auditor.record(work, action, target, origin=origin, actor_id=user.id)


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
        proven.check()
        with self.unit_of_work() as work:
            try:
                user = self.registrar.welcome(work, proven, origin)
            except (InvalidIdentity, EmailTaken):
                self._note_failure(work, proven, origin)
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

    def _note_failure(self, work: UnitOfWork, proven: ProvenIdentity, origin: Origin) -> None:
        self.auditor.record(
            work,
            Action.IDENTITY_USED,
            Target(TargetType.IDENTITY, proven.provider),
            origin=origin,
            result=Result.FAILURE,
        )


@dataclass(frozen=True, slots=True)
class NoteUnproved:
    """Write into the trail that a provider's answer proved nothing."""

    unit_of_work: UnitsOfWork
    auditor: Auditor

    def __call__(self, provider: ProviderName, origin: Origin) -> None:
        target = Target(TargetType.IDENTITY, provider)
        with self.unit_of_work() as work:
            self.auditor.record(
                work, Action.IDENTITY_USED, target, origin=origin, result=Result.FAILURE
            )
            work.commit()


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Let a proven identity sign in to one's account from now on. Needs a fresh proof."""

    unit_of_work: UnitsOfWork
    clock: Clock
    registrar: Registrar

    def __call__(self, caller: Person, proven: ProvenIdentity) -> Identity:
        """Return the identity, also if it was one's own already. Raises IdentityTaken."""
        proven.check()
        with self.unit_of_work() as work:
            user = held(work, caller)
            require_fresh(work, caller, now=self.clock())
            known = work.identities.known_by(proven.issuer, proven.subject)
            if known is not None:
                if known.user_id != user.id:
                    raise IdentityTaken
                return known
            identity = self.registrar.link(work, proven, user, caller.origin)
            mailroom = self.registrar.mailroom
            mailroom.post_if_seldom(work, Topic.IDENTITY_LINKED, user.email, user)
            work.commit()
        return identity


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


def note(
    work: UnitOfWork, auditor: Auditor, action: Action, identity: Identity, origin: Origin
) -> None:
    """Write into the trail what became of an identity: with which provider, too."""
    target = Target(TargetType.IDENTITY, f"{identity.provider}/{identity.id}")
    auditor.record(work, action, target, origin=origin, actor_id=identity.user_id)
