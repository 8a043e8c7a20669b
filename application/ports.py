"""All that the use cases need of the world, on one page: each method's docstring is a promise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol, Self
from uuid import UUID

from domain.access import Role, Scopes, SessionId, UserId
from domain.audit import Act, Entry, Head
from domain.item import Item, ItemId, SeenItem
from domain.key import KeyId, SigningKey
from domain.listing import ItemQuery
from domain.session import Lifetimes, Session, Standing
from domain.sharing import Grant
from domain.throttle import Tally
from domain.user import Status, User


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sort key and the id of its last entry."""

    key: datetime | str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which accounts are looked for; None where it does not matter."""

    words: str | None = None
    role: Role | None = None
    status: Status | None = None


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

    def matching(self, wanted: UserFilter, *, after: Place | None, limit: int) -> Sequence[User]:
        """Return at most `limit` users, newest first, from behind that place."""

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

    def of_user(self, user_id: UserId) -> Sequence[Session]:
        """Return the sessions of a user, the one used last first."""

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

    def remove_over(self, lifetimes: Lifetimes, *, now: datetime, at_most: int) -> int:
        """Remove sessions that are idle too long or too old; return how many there were."""


class Items(Protocol):
    """What the users keep."""

    def get(self, id: ItemId) -> Item | None:
        """Return the item with this id."""

    def lock(self, id: ItemId) -> Item | None:
        """As `get`, and hold the item against other writers until the unit of work ends."""

    def lock_all(self, ids: Collection[ItemId]) -> Mapping[ItemId, Item]:
        """Lock several items at once, so that two who do the same do not wait for each other."""

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        """Return at most `limit` items as their viewer sees them, from behind that place."""

    def add(self, item: Item) -> None:
        """Add an item."""

    def save(self, item: Item, *, before: Item) -> None:
        """Write an item that is locked, in place of what it was before."""

    def remove(self, item: Item) -> None:
        """Remove an item that is locked, with its grants."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """A grant, with the name that its user shows to others."""

    grant: Grant
    display_name: str | None


class Grants(Protocol):
    """With whom items are shared."""

    def get(self, item_id: ItemId, user_id: UserId) -> Grant | None:
        """Return a user's grant on an item."""

    def of_item(self, item_id: ItemId, *, after: Place | None, limit: int) -> Sequence[Grantee]:
        """Return at most `limit` grants on an item, oldest first, from behind that place."""

    def grantees(self, item_id: ItemId) -> frozenset[UserId]:
        """Return everybody with whom an item is shared."""

    def add(self, grant: Grant) -> None:
        """Add a grant on an item that is locked. Raises AlreadyShared."""

    def save(self, grant: Grant) -> None:
        """Write a grant on an item that is locked."""

    def remove(self, item_id: ItemId, user_id: UserId) -> None:
        """Withdraw a grant on an item that is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest thing that happened to an item in somebody's view; without `seen`, it is gone."""

    number: int
    item_id: ItemId
    at: datetime
    seen: SeenItem | None


class Changes(Protocol):
    """For each user, what changed in their view, numbered in the order of commits.

    Each item stands once, with its newest change. What is noted is numbered at the commit.
    """

    def note(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        """Note that an item was made or changed in these users' views."""

    def note_gone(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        """Note that an item went out of these users' views."""

    def note_owner_gone(self, owner_id: UserId, *, at: datetime) -> None:
        """Note that all items of an owner go out of the views of those they are shared with."""

    def since(self, user_id: UserId, number: int, *, limit: int) -> Sequence[Change]:
        """Return at most `limit` changes with larger numbers, in their order."""

    def newest(self, users: Collection[UserId]) -> Mapping[UserId, int]:
        """Return the number of each user's newest change."""

    def forgotten_until(self, user_id: UserId) -> int:
        """Return the number up to which what is gone is no longer kept."""

    def forget_gone(self, *, before: datetime, at_most: int) -> int:
        """Forget what went before that time; return how many there were."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that a client may repeat: its key, and a digest of what it asks for."""

    key: str
    fingerprint: str


class Replays(Protocol):
    """Results of requests, kept so that a repeated one is answered and not done again."""

    def find(self, user_id: UserId, attempt: Attempt, *, now: datetime) -> object | None:
        """Return the result of the first attempt, and hold the key if there is none.

        Raises IdempotencyKeyReused for another request, IdempotencyInProgress if the first one
        does not finish soon.
        """

    def keep(
        self, user_id: UserId, attempt: Attempt, result: object, *, expires_at: datetime
    ) -> None:
        """Keep the result of an attempt whose key is held."""

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        """Forget results that are over; return how many there were."""


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


class Tallies(Protocol):
    """How often things were tried."""

    def hold(self, key: str, *, now: datetime) -> Tally:
        """Return the tally of a key, a fresh one if need be, and hold it against others."""

    def save(self, tally: Tally) -> None:
        """Write a tally that is held."""

    def remove(self, key: str) -> None:
        """Forget a tally."""

    def remove_forgettable(self, *, now: datetime, keep: int) -> int:
        """Forget what is over, and the oldest of what is more than `keep`; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are looked for; None where it does not matter."""

    concerning: UserId | None = None
    actor_id: UserId | None = None
    action: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditTrail(Protocol):
    """What happened, entry by entry; nothing is ever changed in it, and nothing removed."""

    def lock_head(self) -> Head:
        """Return the newest entry's number and MAC, and hold the trail's end against others."""

    def append(self, entry: Entry) -> None:
        """Add the next entry behind the head that is held."""

    def matching(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        """Return at most `limit` entries, newest first, with smaller numbers than `before`."""

    def following(self, number: int, *, limit: int) -> Sequence[Entry]:
        """Return at most `limit` entries behind that number, oldest first."""

    def erase(self, user_id: UserId) -> None:
        """Erase what entries by or about a user say of persons; the chain stays whole."""


class Vault(Protocol):
    """Secrets that the service made for itself, sealed."""

    def get(self, name: str) -> bytes | None:
        """Return a sealed secret."""

    def put(self, name: str, sealed: bytes) -> None:
        """Keep a sealed secret under a name, in place of what was there."""


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
    def grants(self) -> Grants:
        """With whom items are shared."""

    @property
    def changes(self) -> Changes:
        """What changed in each user's view."""

    @property
    def replays(self) -> Replays:
        """Results of requests that may be repeated."""

    @property
    def keys(self) -> SigningKeys:
        """The keys that access tokens are signed with."""

    @property
    def tallies(self) -> Tallies:
        """How often things were tried."""

    @property
    def audit(self) -> AuditTrail:
        """What happened."""

    @property
    def vault(self) -> Vault:
        """Secrets that the service made for itself."""


class UnitOfWork(Repositories, Protocol):
    """One transaction: all of it is stored at `commit`, durably, or none of it ever."""

    def __enter__(self) -> Self:
        """Begin. Raises Unavailable if the store cannot be reached in time."""

    def __exit__(self, *failure: object) -> None:
        """Forget what was not committed."""

    def commit(self) -> None:
        """Return once everything is on disk, and end the unit of work.

        Raises Unavailable if that is not certain.
        """


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccessToken:
    """A genuine access token: what it says, under which id, and when it ends (Unix time)."""

    claims: AccessClaims
    token_id: str
    expires_at: int


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

    def inspect(self, text: str) -> ReadAccessToken:
        """Return a genuine token, also an expired one. Raises InvalidToken."""


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

    def open(self, cursor: str | None, *, of: str) -> Place | None:
        """Return the place; None for no cursor. Raises InvalidCursor if it is of another list."""

    def seal_number(self, number: int, *, of: str) -> str:
        """As `seal`, for a list that is in the order of numbers."""

    def open_number(self, cursor: str | None, *, of: str) -> int | None:
        """As `open`, for a list that is in the order of numbers."""


class KeyForge(Protocol):
    """Makes signing keys and seals their private parts with the service's secret."""

    def make(self, *, now: datetime, signs_from: datetime) -> SigningKey:
        """Return a new key that signs from that time on."""

    def resealed(self, key: SigningKey) -> SigningKey:
        """Return the key sealed with the secret of today; the same key if it is already."""


class Sealer(Protocol):
    """Seals the service's own secrets with the operator's."""

    def seal(self, name: str, plain: bytes) -> bytes:
        """Return a secret sealed with the secret of today, for that name only."""

    def open(self, name: str, sealed: bytes) -> bytes:
        """Return what was sealed. Raises StoreUnfit if no known secret opens it."""

    def is_current(self, sealed: bytes) -> bool:
        """Whether it is sealed with the secret of today."""


class AuditChain(Protocol):
    """Links the entries of the audit trail by MACs under a key of its own."""

    def link(self, act: Act, *, behind: Head) -> Entry:
        """Return the act as the entry behind that head."""

    def is_linked(self, entry: Entry, *, behind: Head) -> bool:
        """Whether this very entry was written behind that head."""

    def is_whole(self, entry: Entry) -> bool:
        """Whether its personal part, unless it was erased, is the one that was written."""


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
