"""Accounts: making one, looking at one's own, changing it, and leaving."""

from dataclasses import dataclass, replace

from application.auditing import Auditor
from application.leaving import remove_account
from application.mailing import Mailroom, void_tokens
from application.ports.security import CommonPasswords, PasswordHasher
from application.ports.store import Reading, UnitsOfWork
from application.ports.surroundings import Clock, Ids
from application.proving import PasswordProof, present, require_given
from application.sessions import end_all
from application.throttling import Throttle, network
from domain import email as emails
from domain import password as passwords
from domain.access import Caller, Origin, Person, Role, UserId
from domain.audit import Action, Result, Target, TargetType
from domain.errors import EmailTaken, LastAdmin, WeakPassword
from domain.mail import Topic
from domain.text import composed
from domain.user import User, display_name


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Decides whether a new password is good enough."""

    shortest: int
    is_common: CommonPasswords

    def accept(self, password: str, *, email: str) -> str:
        """Return the password as it is to be hashed. Raises WeakPassword."""
        return passwords.accepted(
            password, email=email, shortest=self.shortest, is_common=self.is_common
        )


@dataclass(frozen=True, slots=True)
class Register:
    """Open an account with an address that no other account has."""

    unit_of_work: UnitsOfWork
    clock: Clock
    ids: Ids
    hasher: PasswordHasher
    policy: PasswordPolicy
    by_address: Throttle
    mailroom: Mailroom
    auditor: Auditor
    needs_verified: bool = False
    """Whether nobody signs in before their address is proved; an operator's word is a proof."""

    def __call__(
        self,
        email: str,
        password: str,
        name: str | None = None,
        role: Role = Role.MEMBER,
        origin: Origin | None = None,
    ) -> User:
        """Return the new user. Without an origin, it is the operator who opens the account."""
        by_operator = origin is None
        id = UserId(self.ids())
        actor = None if origin is None else id
        origin = origin or Origin()
        address = emails.address(email)
        display_name(name)
        accepted = self.policy.accept(password, email=address)
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            is_taken = work.users.by_email(address) is not None
            work.commit()
        if is_taken and not self.needs_verified:
            raise EmailTaken  # before a hash is spent on it; `add` decides races
        user = User.register(
            id=id,
            email=address,
            password_hash=self.hasher.hash(accepted),
            name=name,
            role=role,
            now=self.clock(),
        )
        if by_operator:
            user = replace(user, email_verified=True)
        with self.unit_of_work() as work:
            work.users.add(user)
            if not by_operator:
                self.mailroom.post_if_seldom(work, Topic.VERIFICATION, address, user)
            target = Target(TargetType.USER, str(id))
            self.auditor.record(work, Action.ACCOUNT_CREATED, target, origin=origin, actor_id=actor)
            work.commit()
        return user


@dataclass(frozen=True, slots=True)
class SignUp:
    """Open an account for whoever comes.

    Where addresses have to be proved first, nobody is told whether one has an account already:
    its owner is, by mail, and a hash is made all the same.
    """

    register: Register

    def __call__(self, email: str, password: str, name: str | None, origin: Origin) -> User | None:
        """Return the new user, or None where nothing is told before the address is proved."""
        is_silent = self.register.needs_verified
        try:
            user = self.register(email, password, name, origin=origin)
        except EmailTaken:
            if not is_silent:
                raise
            self._tell_owner(emails.address(email), origin)
            return None
        return None if is_silent else user

    def _tell_owner(self, address: str, origin: Origin) -> None:
        register = self.register
        with register.unit_of_work() as work:
            owner = work.users.by_email(address)
            if owner is None:
                return  # gone just now
            register.mailroom.post_if_seldom(work, Topic.KNOWN_ADDRESS, address, owner)
            register.auditor.record(
                work,
                Action.ACCOUNT_CREATED,
                Target(TargetType.USER, str(owner.id)),
                origin=origin,
                result=Result.FAILURE,
            )
            work.commit()


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """Look at one's own account."""

    reading: Reading

    def __call__(self, caller: Caller) -> User:
        with self.reading() as see:
            return present(see.users.get(caller.user_id))


@dataclass(frozen=True, slots=True)
class RenameProfile:
    """Change the name that others see."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, caller: Caller, name: str | None) -> User:
        with self.unit_of_work() as work:
            user = present(work.users.lock(caller.user_id))
            renamed = user.renamed(name, now=self.clock())
            if renamed is not user:
                work.users.save(renamed)
                self.auditor.record_own(work, Action.ACCOUNT_UPDATED, user.id, caller.origin)
                work.commit()
        return renamed


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replace one's password; every other session ends, for a thief may hold one.

    Who has none yet sets the first one with a fresh proof instead.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    hasher: PasswordHasher
    policy: PasswordPolicy
    proof: PasswordProof
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Person, current: str | None, new: str) -> None:
        with self.reading() as see:
            user = present(see.users.get(caller.user_id))
        require_given(user, current, field="current_password")
        accepted = self.policy.accept(new, email=user.email)
        self.proof.check(caller, user, current, before=Action.PASSWORD_CHANGED)
        if current is not None and accepted == composed(current):
            raise WeakPassword("same_as_current")
        hashed = self.hasher.hash(accepted)
        with self.unit_of_work() as work:
            user = self.proof.still_holds(work, caller, user)
            work.users.save(user.with_password(hashed, now=self.clock()))
            end_all(work, user.id, keep=caller.session_id)
            void_tokens(work, user)
            self.mailroom.post_if_seldom(work, Topic.PASSWORD_CHANGED, user.email, user)
            self.auditor.record_own(work, Action.PASSWORD_CHANGED, user.id, caller.origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    """Leave: the account, its items and its sessions are gone at once.

    Who has no password leaves with a fresh proof instead.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    proof: PasswordProof
    auditor: Auditor

    def __call__(self, caller: Person, password: str | None) -> None:
        with self.reading() as see:
            user = present(see.users.get(caller.user_id))
        self.proof.check(caller, user, password, before=Action.ACCOUNT_DELETED)
        with self.unit_of_work() as work:
            admins = work.users.lock_active_admins()
            user = self.proof.still_holds(work, caller, user)
            if admins == {user.id}:
                raise LastAdmin
            remove_account(work, user.id, now=self.clock())
            anonymous = Origin(request_id=caller.origin.request_id)
            self.auditor.record_own(work, Action.ACCOUNT_DELETED, user.id, anonymous)
            work.commit()
