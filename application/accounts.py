"""Accounts: making one, looking at one's own, changing it, and leaving."""

from dataclasses import dataclass

from application.ports import (
    Clock,
    CommonPasswords,
    Ids,
    PasswordHasher,
    Reading,
    UnitOfWork,
    UnitsOfWork,
)
from domain import email as emails
from domain import password as passwords
from domain.access import Caller, Role, UserId
from domain.errors import EmailTaken, LastAdmin, TokenRevoked, WeakPassword, WrongPassword
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
    reading: Reading
    clock: Clock
    ids: Ids
    hasher: PasswordHasher
    policy: PasswordPolicy

    def __call__(
        self, email: str, password: str, name: str | None = None, role: Role = Role.MEMBER
    ) -> User:
        address = emails.address(email)
        display_name(name)
        accepted = self.policy.accept(password, email=address)
        with self.reading() as see:
            if see.users.by_email(address):
                raise EmailTaken  # before a hash is spent on it; `add` decides races
        user = User.register(
            id=UserId(self.ids()),
            email=address,
            password_hash=self.hasher.hash(accepted),
            name=name,
            role=role,
            now=self.clock(),
        )
        with self.unit_of_work() as work:
            work.users.add(user)
            work.commit()
        return user


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """Look at one's own account."""

    reading: Reading

    def __call__(self, caller: Caller) -> User:
        with self.reading() as see:
            return _present(see.users.get(caller.user_id))


@dataclass(frozen=True, slots=True)
class RenameProfile:
    """Change the name that others see."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(self, caller: Caller, name: str | None) -> User:
        with self.unit_of_work() as work:
            user = _present(work.users.lock(caller.user_id))
            renamed = user.renamed(name, now=self.clock())
            if renamed is not user:
                work.users.save(renamed)
                work.commit()
        return renamed


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replace one's password; every other session ends, for a thief may hold one."""

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    hasher: PasswordHasher
    policy: PasswordPolicy

    def __call__(self, caller: Caller, current: str, new: str) -> None:
        with self.reading() as see:
            user = _present(see.users.get(caller.user_id))
        accepted = self.policy.accept(new, email=user.email)
        _prove(self.hasher, current, user)
        if accepted == composed(current):
            raise WeakPassword("same_as_current")
        hashed = self.hasher.hash(accepted)
        with self.unit_of_work() as work:
            user = _unchanged(work, user)
            work.users.save(user.with_password(hashed, now=self.clock()))
            work.sessions.remove_all_of(user.id, keep=caller.session_id)
            work.commit()


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    """Leave: the account, its items and its sessions are gone at once."""

    unit_of_work: UnitsOfWork
    reading: Reading
    hasher: PasswordHasher

    def __call__(self, caller: Caller, password: str) -> None:
        with self.reading() as see:
            user = _present(see.users.get(caller.user_id))
        _prove(self.hasher, password, user)
        with self.unit_of_work() as work:
            admins = work.users.lock_active_admins()
            user = _unchanged(work, user)
            if admins == {user.id}:
                raise LastAdmin
            work.users.remove(user.id)
            work.commit()


def _present(user: User | None) -> User:
    """Return the caller's user, who may have been deleted since the caller was identified."""
    if user is None:
        raise TokenRevoked
    return user


def _prove(hasher: PasswordHasher, password: str, user: User) -> None:
    if not hasher.matches(composed(password), user.password_hash):
        raise WrongPassword


def _unchanged(work: UnitOfWork, proved: User) -> User:
    """Return the user locked, if the password that was proved outside is still theirs."""
    user = _present(work.users.lock(proved.id))
    if user.password_hash != proved.password_hash:
        raise WrongPassword
    return user
