"""All that the use cases need of the world, on one page: each method's docstring is a promise."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol, Self
from uuid import UUID

from domain.access import Scopes, SessionId, UserId
from domain.item import Item, ItemId
from domain.key import KeyId, SigningKey
from domain.session import Session, Standing
from domain.user import User


class Users(Protocol):
    """The accounts."""

    def get(self, id: UserId) -> User | None:
        """Return the user with this id."""

    def by_email(self, email: str) -> User | None:
        """Return the user with this canonical address."""

    def lock(self, id: UserId) -> User | None:
        """As `get`, and hold the user against other writers until the unit of work ends."""

    def lock_active_admins(self) -> frozenset[UserId]:
        """Return who can administer the service, and hold them all, before any other user."""

    def add(self, user: User) -> None:
        """Add a user. Raises EmailTaken, whoever was first."""

    def save(self, user: User) -> None:
        """Write a user who is locked."""

    def remove(self, id: UserId) -> None:
        """Remove a user with all that is theirs."""


class Sessions(Protocol):
    """The live sign-ins; what is over is not kept."""

    def standing(self, id: SessionId) -> Standing | None:
        """Return what decides whether the session's tokens are alive, in one look."""

    def lock(self, id: SessionId) -> Session | None:
        """Return a session and hold it against other writers until the unit of work ends."""

    def add(self, session: Session) -> None:
        """Add a session."""

    def save(self, session: Session) -> None:
        """Write a session that is locked."""

    def remove(self, id: SessionId) -> None:
        """End a session, if it is there."""

    def remove_all_of(self, user_id: UserId, *, keep: SessionId | None = None) -> None:
        """End all sessions of a user, or all but one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sort key and the id of its last item."""

    created_at: datetime
    id: UUID


class Items(Protocol):
    """What the users keep."""

    def get(self, id: ItemId) -> Item | None:
        """Return the item with this id."""

    def lock(self, id: ItemId) -> Item | None:
        """As `get`, and hold the item against other writers until the unit of work ends."""

    def owned_by(self, owner_id: UserId, *, after: Place | None, limit: int) -> Sequence[Item]:
        """Return at most `limit` items of an owner, newest first, from behind that place."""

    def add(self, item: Item) -> None:
        """Add an item."""

    def save(self, item: Item) -> None:
        """Write an item that is locked."""

    def remove(self, id: ItemId) -> None:
        """Remove an item."""


class SigningKeys(Protocol):
    """The keys that access tokens are signed with, sealed."""

    def all(self) -> Sequence[SigningKey]:
        """Return every key, oldest first."""

    def lock_all(self) -> Sequence[SigningKey]:
        """As `all`, and hold the whole set, also an empty one, until the unit of work ends."""

    def add(self, key: SigningKey) -> None:
        """Add a key to the set."""

    def save(self, key: SigningKey) -> None:
        """Write a key of the locked set."""

    def remove(self, id: KeyId) -> None:
        """Remove a key from the set."""


class Repositories(Protocol):
    """Everything that is stored, seen at one moment."""

    @property
    def users(self) -> Users:
        """The accounts."""

    @property
    def sessions(self) -> Sessions:
        """The live sign-ins."""

    @property
    def items(self) -> Items:
        """What the users keep."""

    @property
    def keys(self) -> SigningKeys:
        """The keys that access tokens are signed with."""


class UnitOfWork(Repositories, Protocol):
    """One transaction: all of it is stored at `commit`, durably, or none of it ever."""

    def __enter__(self) -> Self:
        """Begin. Raises Unavailable if the store cannot be reached in time."""

    def __exit__(self, *failure: object) -> None:
        """Forget what was not committed."""

    def commit(self) -> None:
        """Return once everything is on disk. Raises Unavailable if that is not certain."""


UnitsOfWork = Callable[[], UnitOfWork]
"""Begins a unit of work, for changing what is stored."""

Reading = Callable[[], AbstractContextManager[Repositories]]
"""Opens what is committed now, for looking only; cheaper than a unit of work."""

Clock = Callable[[], datetime]
"""Returns the time in UTC, to the microsecond."""

Ids = Callable[[], UUID]
"""Returns a new id: ordered by time, with at least 62 bits that nobody can guess."""

Randomness = Callable[[int], bytes]
"""Returns that many bytes that nobody can guess."""

CommonPasswords = Callable[[str, Sequence[str]], bool]
"""Tells whether an attacker would try a password early, given words that stand near the account."""


class PasswordHasher(Protocol):
    """Slow, salted hashes of passwords."""

    def hash(self, password: str) -> str:
        """Return a hash of the password that says how it was made."""

    def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password makes this hash; without one, False in the same time."""

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says (RFC 9068 §2.2): who, which sign-in, what for, and from when."""

    user_id: UserId
    session_id: SessionId
    scopes: Scopes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedAccessToken:
    """A signed access token, with its lifetime in seconds."""

    text: str
    expires_in: int


class AccessTokens(Protocol):
    """Short-lived signed tokens, which prove who is calling without a look at the store."""

    def issue(self, claims: AccessClaims) -> IssuedAccessToken:
        """Return a signed token."""

    def read(self, text: str, *, now: datetime) -> AccessClaims:
        """Return what a token says. Raises InvalidToken, or TokenExpired for a genuine old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshClaim:
    """What a refresh token says of itself, before anything of it is believed."""

    session_id: SessionId
    count: int
    proof: bytes


class RefreshTokens(Protocol):
    """Long-lived opaque tokens, derived from the session's row and the service's secret."""

    @property
    def secret_id(self) -> str:
        """The name of the secret under which the next token will be made."""

    def of(self, session: Session) -> str:
        """Return the session's current token: always the same text for the same session."""

    def read(self, text: str) -> RefreshClaim:
        """Return what a token says of itself. Raises InvalidRefreshToken if it is not one."""

    def is_genuine(self, claim: RefreshClaim, session: Session) -> bool:
        """Whether we made the token of that count for this session."""


class Cursors(Protocol):
    """Places in lists, sealed so that clients can keep them and cannot alter them."""

    def seal(self, place: Place, *, of: str) -> str:
        """Return a cursor for a place in the list that `of` names, its caller included."""

    def open(self, cursor: str, *, of: str) -> Place:
        """Return the place. Raises InvalidCursor if it is not one of this very list."""


class KeyForge(Protocol):
    """Makes signing keys and seals their private parts with the service's secret."""

    def make(self, *, now: datetime, signs_from: datetime) -> SigningKey:
        """Return a new key that signs from that time on."""

    def resealed(self, key: SigningKey) -> SigningKey:
        """Return the key sealed with the secret of today; the same key if it is already."""


class SchemaState(Enum):
    """What the store's schema is to this version of the code."""

    EMPTY = auto()
    OUTDATED = auto()
    CURRENT = auto()
    NEWER = auto()
    FOREIGN = auto()
    """Tables of something else are there, and none of ours."""


class Schema(Protocol):
    """The shape of the store."""

    @property
    def migrates_by_itself(self) -> bool:
        """Whether an older schema is brought up to date at the start without being asked."""

    def state(self) -> SchemaState:
        """Return how the store stands to this code. Raises Unavailable."""

    def is_current(self) -> bool:
        """Whether the store answers, and is as this code needs it."""

    def migrate(self) -> None:
        """Bring the store up to date; safe beside others that do the same. Raises Unavailable."""
