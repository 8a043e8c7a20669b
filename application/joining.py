"""Whose account a proven identity is: one that it knows, a new one, or one with its address."""

from collections.abc import Collection
from dataclasses import dataclass

from application.auditing import Auditor
from application.codes import FactorRemoval
from application.mailing import Mailroom
from application.ports.store import UnitOfWork
from application.ports.surroundings import Clock, Ids
from application.recovery import shut_out
from application.throttling import Throttle, network
from domain.access import Origin, UserId
from domain.audit import Action, Target, TargetType
from domain.errors import (
    AddressTaken,
    AddressUnproved,
    Conflicted,
    EmailTaken,
    IdentityTaken,
    InvalidIdentity,
)
from domain.identity import (
    IDENTITIES_MAX,
    Identity,
    IdentityId,
    ProvenIdentity,
    ProviderName,
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
            return self._known(work, proven, known)
        address = proven.address()
        self.sign_ups.attempt(work, network(origin.address))  # before anybody looks who has it
        found = work.users.by_email(address)
        owner = found and work.users.lock(found.id)
        if owner is None or owner.email != address:
            return self._newcomer(work, proven, address, origin)
        if work.identities.known_by(proven.issuer, proven.subject) is not None:
            raise Conflicted  # the account was made for it just now: look again
        return self._joined(work, proven, owner, origin)

    def link(
        self, work: UnitOfWork, proven: ProvenIdentity, user: User, origin: Origin
    ) -> Identity:
        """Add the identity to an account that is held. Raises IdentityTaken."""
        identity = proven.linked(id=IdentityId(self.ids()), user_id=user.id, now=self.clock())
        work.identities.add(identity)
        note(work, self.auditor, Action.IDENTITY_LINKED, identity, origin)
        return identity

    def _known(self, work: UnitOfWork, proven: ProvenIdentity, known: Identity) -> User:
        user = work.users.lock(known.user_id)
        if user is None or known.id not in {one.id for one in work.identities.of_user(user.id)}:
            raise Conflicted  # unlinked, or gone, while we waited for the user
        if not user.is_active:
            raise InvalidIdentity(proven.cause("a suspended account"))
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
            self.auditor.record_own(work, Action.ACCOUNT_CREATED, user.id, origin)
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
            raise InvalidIdentity(proven.cause("a suspended account"))
        if len(work.identities.of_user(owner.id)) >= IDENTITIES_MAX:
            raise InvalidIdentity(proven.cause("an account with too many identities"))
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
        self.auditor.record_own(work, Action.ACCOUNT_HANDED_OVER, user.id, origin)
        return user


def note(
    work: UnitOfWork, auditor: Auditor, action: Action, identity: Identity, origin: Origin
) -> None:
    """Write into the trail what became of an identity: with which provider, too."""
    target = Target(TargetType.IDENTITY, f"{identity.provider}/{identity.id}")
    auditor.record(work, action, target, origin=origin, actor_id=identity.user_id)
