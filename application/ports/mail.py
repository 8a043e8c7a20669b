"""What is stored of mail, and what sends it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access import UserId
from domain.mail import Letter, LetterId, OneTimeToken


class Outbox(Protocol):
    """The letters that are still to be sent."""

    def has_due(self, *, now: datetime) -> bool:
        """Whether there is a letter to be tried now."""

    def lock_due(self, *, now: datetime) -> Letter | None:
        """Return the letter that is due longest and hold it; pass over those that others hold."""

    def lock(self, id: LetterId) -> Letter | None:
        """Return a letter and hold it against other writers until the unit of work ends."""

    def oldest(self, limit: int) -> Sequence[Letter]:
        """Return at most `limit` letters, oldest first."""

    def of_user(self, user_id: UserId, *, after: LetterId | None, limit: int) -> Sequence[Letter]:
        """Return at most `limit` letters that concern a user, in the order of their ids."""

    def add(self, letter: Letter) -> None:
        """Add a letter."""

    def save(self, letter: Letter) -> None:
        """Write a letter that is held."""

    def remove(self, id: LetterId) -> None:
        """Remove a letter: it was sent, or nobody needs it any more."""

    def make_due(self, ids: Collection[LetterId] | None, *, now: datetime) -> int:
        """Let these letters, or all, be tried at once and from the beginning; return how many."""

    def remove_given_up(self, *, before: datetime, at_most: int) -> int:
        """Remove letters that were given up and are older than that; return how many."""


class OneTimeTokens(Protocol):
    """The tokens that are out in mails; one that was used is not kept."""

    def get(self, id: LetterId) -> OneTimeToken | None:
        """Return the token of a letter."""

    def of_user(self, user_id: UserId) -> Sequence[OneTimeToken]:
        """Return every token of a user, in the order of their ids."""

    def add(self, token: OneTimeToken) -> None:
        """Add a token of a letter. Raises TokenRevoked if the user is gone."""

    def save(self, token: OneTimeToken) -> None:
        """Write a token, if it is still there."""

    def take(self, id: LetterId) -> bool:
        """Remove a token; return whether it was there: of many who take it, one does."""

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        """Remove tokens that are over and whose letters are gone; return how many there were."""

    def remove_everybodys(self) -> int:
        """Remove all tokens of all users; return how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaim:
    """What a token from a mail says of itself, before anything of it is believed."""

    id: LetterId
    proof: bytes


class OneTimeMint(Protocol):
    """Tokens for mails, derived from a row that is stored and from the service's secret."""

    def of(self, token: OneTimeToken) -> str:
        """Return the token's text: always the same as long as the secret is."""

    def read(self, text: str) -> TokenClaim:
        """Return what a token says of itself. Raises InvalidOneTimeToken if it is not one."""

    def is_genuine(self, claim: TokenClaim, token: OneTimeToken) -> bool:
        """Whether we made it for this letter, topic, user and address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail as it is sent; its id stays the same however often that is."""

    id: str
    at: datetime
    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class Stationery(Protocol):
    """Writes what a letter says, with links to the operator's own site and to nowhere else."""

    def write(self, letter: Letter, *, to: str, token: str | None) -> Message:
        """Return the mail."""


class Undelivered(Exception):
    """A mail was not taken: `cause` says why, without secrets; `for_good` if it never will be."""

    def __init__(self, cause: str, *, for_good: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.for_good = for_good


class Postman(Protocol):
    """Sends mails."""

    def send(self, message: Message) -> None:
        """Return once somebody else is responsible for it. Raises Undelivered."""
