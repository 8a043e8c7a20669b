"""Mail: what a letter is about, when it is tried again, and the tokens that letters carry.

A letter is stored with the act that causes it and sent later, so it outlives both a crash of
ours and an outage of theirs. A token has the id of the letter that carries it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

from domain.access import UserId

LetterId = NewType("LetterId", UUID)

SEED_BYTES = 32
"""Random bytes in a token's seed: as strong as the hash that tokens are derived with."""

LEASE = timedelta(minutes=2)
"""How long whoever took a letter has it to themselves; after that, another one sends it."""

FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=15)
ATTEMPTS = 100
"""Attempts before a letter is given up: about a day of them."""


CAUSE_MAX = 200
"""Characters that are kept of why an attempt failed."""


class Topic(StrEnum):
    """What a letter is about; a token that it carries is good for that and nothing else."""

    VERIFICATION = "verification"
    """To an account's address: confirm that it is yours."""
    RECOVERY = "recovery"
    """To the address for which recovery was asked: choose a new password."""
    NEW_ADDRESS = "new_address"
    """To the address that an account is to have: confirm that it is yours."""
    OLD_ADDRESS = "old_address"
    """To the address that an account had: it was changed, and can be changed back."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a topic's name
    KEY_CREATED = "key_created"
    """To an account's address: a key for machines was made."""
    SECOND_FACTOR_ADDED = "second_factor_added"
    """To an account's address: signing in takes a code from now on."""
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    """To an account's address: signing in takes no code any more."""
    RECOVERY_CODES_MADE = "recovery_codes_made"
    """To an account's address: there are new codes, and those of before are void."""
    SECOND_STEP_LOCKED = "second_step_locked"
    """To an account's address: somebody knows the first factor, and guessed at the second."""
    RECOVERY_CODE_USED = "recovery_code_used"
    """To an account's address: one of the codes that are kept elsewhere was used."""
    IDENTITY_LINKED = "identity_linked"
    """To an account's address: another way to sign in was added."""
    ACCOUNT_HANDED_OVER = "account_handed_over"
    """To an account's address: its owner came, and whoever had claimed it before is out."""
    IDENTITY_UNLINKED = "identity_unlinked"
    """To an account's address: a way to sign in was taken away."""
    KNOWN_ADDRESS = "known_address"
    """To an account's address: somebody wanted to open an account with it."""

    @property
    def token_lifetime(self) -> timedelta | None:
        """How long its token can be used once the letter was sent; None if it carries none."""
        return _LIFETIMES.get(self)


_LIFETIMES = {
    Topic.VERIFICATION: timedelta(hours=1),
    Topic.RECOVERY: timedelta(hours=1),
    Topic.NEW_ADDRESS: timedelta(hours=1),
    Topic.OLD_ADDRESS: timedelta(days=7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Something to be sent, at least once. Whom it goes to is sealed while it waits.

    An attempt counts from when it begins, so that a letter that kills its senders is given up
    like one that nobody takes.
    """

    id: LetterId
    topic: Topic
    user_id: UserId | None
    """Whom it concerns; None as long as nobody has looked whether there is an account."""
    sealed: bytes = field(repr=False)
    attempts: int
    due_at: datetime | None
    """When it is tried next; None once it was given up."""
    cause: str | None
    """Why the last attempt failed."""
    created_at: datetime

    @classmethod
    def write(
        cls, *, id: LetterId, topic: Topic, user_id: UserId | None, sealed: bytes, now: datetime
    ) -> Self:
        """Return a new letter, due at once."""
        return cls(
            id=id,
            topic=topic,
            user_id=user_id,
            sealed=sealed,
            attempts=0,
            due_at=now,
            cause=None,
            created_at=now,
        )

    @property
    def is_given_up(self) -> bool:
        """Whether nobody tries it any more, until an operator asks for it."""
        return self.due_at is None

    def taken(self, *, now: datetime) -> Self:
        """Return the letter while somebody tries it; given up if it was tried too often."""
        if self.attempts >= ATTEMPTS:
            return replace(self, due_at=None)
        return replace(self, attempts=self.attempts + 1, due_at=now + LEASE)

    def failed(self, cause: str, *, now: datetime, for_good: bool = False) -> Self:
        """Return the letter after an attempt that failed: later again, and ever later."""
        if for_good or self.attempts >= ATTEMPTS:
            return replace(self, due_at=None, cause=cause[:CAUSE_MAX])
        doublings = min(max(0, self.attempts - 1), 32)
        delay = min(LONGEST_DELAY, FIRST_DELAY * (1 << doublings))
        return replace(self, due_at=now + delay, cause=cause[:CAUSE_MAX])

    def addressed(self, user_id: UserId) -> Self:
        """Return the letter once the account is known that it concerns."""
        return replace(self, user_id=user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """What a letter lets its reader do, once: its row is removed by whoever does it."""

    id: LetterId
    user_id: UserId
    topic: Topic
    address: str
    seed: bytes = field(repr=False)
    expires_at: datetime

    @classmethod
    def issue(
        cls,
        *,
        id: LetterId,
        user_id: UserId,
        topic: Topic,
        address: str,
        seed: bytes,
        now: datetime,
    ) -> Self:
        """Return a new token of a letter that carries one."""
        return cls(
            id=id,
            user_id=user_id,
            topic=topic,
            address=address,
            seed=seed,
            expires_at=now + (topic.token_lifetime or timedelta()),
        )

    def mailed(self, *, now: datetime) -> Self:
        """Return the token as its letter goes out: from then on its time runs."""
        return replace(self, expires_at=now + (self.topic.token_lifetime or timedelta()))

    def is_over(self, *, now: datetime) -> bool:
        """Whether its time has passed."""
        return now >= self.expires_at


def voided(
    tokens: Iterable[OneTimeToken], *, undoing: OneTimeToken | None = None
) -> list[LetterId]:
    """Return which of a user's tokens die with a change of password or address: all but undos.

    Whoever takes an account over can change both, so neither may take the undo from its owner.
    An undo voids those that were issued after it: they would bring back what it undid.
    """
    return [
        token.id
        for token in tokens
        if token.topic is not Topic.OLD_ADDRESS or (undoing is not None and token.id >= undoing.id)
    ]
