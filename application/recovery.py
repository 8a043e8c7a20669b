"""Getting back in, and changing where mail goes: what a token from a mailbox proves."""

from collections.abc import Collection
from dataclasses import dataclass

from application.accounts import PasswordPolicy
from application.auditing import Auditor
from application.codes import FactorRemoval, in_force
from application.leaving import remove_account
from application.mailing import Mailroom, void_tokens
from application.ports.mail import OneTimeMint
from application.ports.security import PasswordHasher
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import PasswordProof, present
from application.sessions import end_all
from application.throttling import Throttle, network
from domain import email as emails
from domain.access import Caller, Origin, Person
from domain.audit import Action, Target, TargetType
from domain.errors import InvalidOneTimeToken, WeakPassword
from domain.mail import OneTimeToken, Topic
from domain.user import User


@dataclass(frozen=True, slots=True)
class MailboxProof:
    """Checks tokens from mails; whoever holds one reads that mailbox, or did within its time."""

    clock: Clock
    mint: OneTimeMint
    by_address: Throttle

    def check(
        self, work: UnitOfWork, text: str, topics: Collection[Topic], origin: Origin
    ) -> OneTimeToken:
        """Return the live token. Raises InvalidOneTimeToken, and TooManyAttempts after many."""
        try:
            claim = self.mint.read(text)
            token = work.one_time_tokens.get(claim.id)
            if (
                token is None
                or token.topic not in topics
                or token.is_over(now=self.clock())
                or not self.mint.is_genuine(claim, token)
            ):
                raise InvalidOneTimeToken
        except InvalidOneTimeToken:
            self.by_address.attempt(work, network(origin.address))
            work.commit()  # the counted attempt outlives the error
            raise
        return token

    def use(self, work: UnitOfWork, token: OneTimeToken) -> User:
        """Return the user held, with the token used up: of all who bring it, one comes past."""
        user = work.users.lock(token.user_id)
        if user is None or not user.is_active or not work.one_time_tokens.take(token.id):
            raise InvalidOneTimeToken
        if token.topic in {Topic.VERIFICATION, Topic.RECOVERY} and token.address != user.email:
            raise InvalidOneTimeToken
        return user


@dataclass(frozen=True, slots=True)
class RequestRecovery:
    """Have a link sent to an address, if it is an account's; nobody here looks whether it is.

    What is stored is only that it was asked for, so known and unknown addresses fare alike in
    everything, time included. Whoever sends the mail looks.
    """

    unit_of_work: UnitsOfWork
    mailroom: Mailroom
    by_address: Throttle
    auditor: Auditor

    def __call__(self, email: str, origin: Origin) -> None:
        address = emails.address(email)
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            self.mailroom.post_if_seldom(work, Topic.RECOVERY, address, None)
            self.auditor.record(
                work,
                Action.RECOVERY_REQUESTED,
                Target(TargetType.USER, None),
                origin=origin,  # and no address: whose it is, nobody has looked yet
            )
            work.commit()


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Give whoever reads the account's mailbox a new password, and nobody else anything.

    Every session, machine key and identity ends, every other link dies, locks are lifted, and the
    address is proved: who had the account before, an impostor who registered it included, is out.
    A second factor stays, unless no address was proved when it came: it may be an impostor's.
    Nobody is signed in by it.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    hasher: PasswordHasher
    policy: PasswordPolicy
    proof: MailboxProof
    mailroom: Mailroom
    remove_factor: FactorRemoval
    sign_ins: Throttle
    proofs: Throttle
    auditor: Auditor

    def __call__(self, text: str, new: str, origin: Origin) -> None:
        with self.unit_of_work() as work:
            token = self.proof.check(work, text, {Topic.RECOVERY}, origin)
            work.commit()
        accepted = self.policy.accept(new, email=token.address)
        with self.reading() as see:
            user = see.users.get(token.user_id)
        if user is not None and self.hasher.matches(accepted, user.password_hash):
            raise WeakPassword("same_as_current")
        hashed = self.hasher.hash(accepted)
        now = self.clock()
        with self.unit_of_work() as work:
            user = self.proof.use(work, token)
            work.users.save(user.with_password(hashed, now=now).verified(now=now))
            shut_out(work, user)
            factor = in_force(work, user.id)
            if factor is None or factor.proved_address is None:
                self.remove_factor(work, user)
            void_tokens(work, user)
            self.sign_ins.clear(work, user.email)
            self.proofs.clear(work, str(user.id))
            self.mailroom.post_if_seldom(work, Topic.PASSWORD_CHANGED, user.email, user)
            self.auditor.record_own(work, Action.PASSWORD_RESET, user.id, origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class RequestVerification:
    """Have a link sent to one's own address, unless it is proved already."""

    unit_of_work: UnitsOfWork
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Caller) -> None:
        with self.unit_of_work() as work:
            user = present(work.users.lock(caller.user_id))
            if user.email_verified:
                return
            self.mailroom.post_if_seldom(work, Topic.VERIFICATION, user.email, user)
            self.auditor.record_own(work, Action.VERIFICATION_REQUESTED, user.id, caller.origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class RequestEmailChange:
    """Ask for another address; nothing changes before that one answers.

    Whether somebody else has it is not told. Only the newest wish counts. Who has no password
    asks with a fresh proof instead.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    proof: PasswordProof
    mailroom: Mailroom
    auditor: Auditor

    def __call__(self, caller: Person, email: str, password: str | None) -> None:
        address = emails.address(email, field="new_email")
        with self.reading() as see:
            user = present(see.users.get(caller.user_id))
        self.proof.check(caller, user, password, before=Action.EMAIL_CHANGE_REQUESTED)
        with self.unit_of_work() as work:
            user = self.proof.still_holds(work, caller, user)
            earlier = work.one_time_tokens.of_user(user.id)
            if self.mailroom.post_if_seldom(work, Topic.NEW_ADDRESS, address, user):
                for token in earlier:
                    if token.topic is Topic.NEW_ADDRESS:
                        work.one_time_tokens.take(token.id)
            self.auditor.record_own(work, Action.EMAIL_CHANGE_REQUESTED, user.id, caller.origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class ConfirmEmail:
    """Make the address to which a token was sent the account's own, and proved.

    What that means depends on the letter: it was the account's already; it becomes that, and the
    one before is told; or it was that, and is again, and whoever changed it is out.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    proof: MailboxProof
    mailroom: Mailroom
    remove_factor: FactorRemoval
    auditor: Auditor

    def __call__(self, text: str, origin: Origin) -> None:
        """Raises InvalidOneTimeToken, and EmailTaken if another account has the address by now."""
        topics = {Topic.VERIFICATION, Topic.NEW_ADDRESS, Topic.OLD_ADDRESS}
        with self.unit_of_work() as work:
            token = self.proof.check(work, text, topics, origin)
            user = self.proof.use(work, token)
            match token.topic:
                case Topic.VERIFICATION:
                    action = self._verify(work, user)
                case Topic.NEW_ADDRESS:
                    action = self._change(work, user, token)
                case _:
                    action = self._restore(work, user, token)
            self.auditor.record_own(work, action, user.id, origin)
            work.commit()

    def _verify(self, work: UnitOfWork, user: User) -> Action:
        work.users.save(user.verified(now=self.clock()))
        return Action.EMAIL_VERIFIED

    def _change(self, work: UnitOfWork, user: User, token: OneTimeToken) -> Action:
        work.users.save(user.readdressed(token.address, now=self.clock()))
        void_tokens(work, user)
        self.mailroom.post(work, Topic.OLD_ADDRESS, user.email, user)
        return Action.EMAIL_CHANGED

    def _restore(self, work: UnitOfWork, user: User, token: OneTimeToken) -> Action:
        now = self.clock()
        squatter = work.users.by_email(token.address)
        if squatter is not None and squatter.id != user.id and not squatter.email_verified:
            # Opened with the address while it was not the account's, and never proved.
            remove_account(work, squatter.id, now=now)
            self.auditor.record_own(work, Action.USER_DELETED, squatter.id, Origin())
        # Whoever moved the address knew the password: the way back in is a mail.
        restored = user.readdressed(token.address, now=now).without_password(now=now)
        work.users.save(restored)
        shut_out(work, user)
        factor = in_force(work, user.id)
        if factor is None or factor.proved_address != token.address:
            self.remove_factor(work, restored)
        void_tokens(work, user, undoing=token)
        self.mailroom.post(work, Topic.RECOVERY, token.address, restored)
        return Action.EMAIL_RESTORED


def shut_out(work: UnitOfWork, user: User) -> None:
    """End every session, machine key and identity: the account may have been in other hands."""
    end_all(work, user.id)
    work.machine_keys.remove_all_of(user.id)
    work.identities.remove_all_of(user.id)
