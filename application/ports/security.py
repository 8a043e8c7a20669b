"""Passwords, tokens, cursors, keys and seals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.places import Place
from domain.access import Scopes, SessionId, UserId
from domain.audit import Act, Entry, Head
from domain.key import SigningKey
from domain.session import Session

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


class MachineKeyTexts(Protocol):
    """What machine keys look like: known as such by everybody, and to the store by a digest."""

    def make(self) -> str:
        """Return the text of a new key, which nobody can guess."""

    def is_one(self, text: str) -> bool:
        """Whether a token says of itself that it is a key."""

    def digest(self, text: str) -> bytes:
        """Return what a key is kept by. Raises InvalidToken for what cannot be a key of ours."""


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
