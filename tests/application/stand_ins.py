"""Cheap things that keep the ports' promises, so that use cases run in microseconds."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from application.ports import (
    AccessClaims,
    AccessTokens,
    AuditChain,
    Cursors,
    IssuedAccessToken,
    KeyForge,
    PasswordHasher,
    Place,
    ReadAccessToken,
    RefreshClaim,
    RefreshTokens,
    Schema,
    SchemaState,
    Sealer,
)
from domain.access import SessionId
from domain.audit import Act, Entry, Head
from domain.errors import (
    InvalidCursor,
    InvalidRefreshToken,
    InvalidToken,
    StoreUnfit,
    TokenExpired,
)
from domain.key import KeyId, SigningKey
from domain.session import Session
from tests.domain.examples import NOW, a_key, uuid

ACCESS_TTL = timedelta(minutes=10)


class SettableClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Counting:
    """Makes ids and random bytes that never repeat, by counting."""

    def __init__(self) -> None:
        self.count = 1000

    def ids(self) -> UUID:
        self.count += 1
        return uuid(self.count)

    def random(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size)


class CheapHasher(PasswordHasher):
    """Hashes that hide nothing; says how often it worked, and lets something happen meanwhile."""

    def __init__(self, is_held: Callable[[], bool]) -> None:
        self.strength = 1
        self.matched: list[str | None] = []
        self.hashed: list[str] = []
        self.meanwhile: list[Callable[[], object]] = []
        self._is_held = is_held

    def hash(self, password: str) -> str:
        self._work()
        self.hashed.append(password)
        return f"{self.strength}:{len(self.hashed)}:{password}"

    def matches(self, password: str, hashed: str | None) -> bool:
        self._work()
        self.matched.append(hashed)
        return hashed is not None and hashed.split(":", 2)[2] == password

    def is_outdated(self, hashed: str) -> bool:
        return int(hashed.split(":", 1)[0]) < self.strength

    def _work(self) -> None:
        assert not self._is_held(), "a writer's lock is held while a password is hashed"
        if self.meanwhile:
            self.meanwhile.pop(0)()


class NotedAccessTokens(AccessTokens):
    """Tokens that are known because they were noted when they were issued."""

    def __init__(self) -> None:
        self.issued: dict[str, AccessClaims] = {}

    def issue(self, claims: AccessClaims) -> IssuedAccessToken:
        text = f"access {len(self.issued)}"
        self.issued[text] = claims
        return IssuedAccessToken(text, int(ACCESS_TTL.total_seconds()))

    def read(self, text: str, *, now: datetime) -> AccessClaims:
        claims = self.inspect(text).claims
        if now >= claims.issued_at + ACCESS_TTL:
            raise TokenExpired
        return claims

    def inspect(self, text: str) -> ReadAccessToken:
        if text not in self.issued:
            raise InvalidToken
        claims = self.issued[text]
        end = int((claims.issued_at + ACCESS_TTL).timestamp())
        return ReadAccessToken(claims=claims, token_id=text, expires_at=end)


class HashedRefreshTokens(RefreshTokens):
    """Tokens derived from the session and one of the secrets, of which the first is today's."""

    def __init__(self) -> None:
        self.secrets = ["a secret"]

    @property
    def secret_id(self) -> str:
        return self.secrets[0]

    def of(self, session: Session) -> str:
        if session.secret_id not in self.secrets:
            raise InvalidRefreshToken
        proof = _proof(session.secret_id, session, session.counter).hex()
        return f"refresh {session.id} {session.counter} {proof}"

    def read(self, text: str) -> RefreshClaim:
        try:
            _, id, count, proof = text.split(" ")
            return RefreshClaim(
                session_id=SessionId(UUID(id)), count=int(count), proof=bytes.fromhex(proof)
            )
        except ValueError:
            raise InvalidRefreshToken from None

    def is_genuine(self, claim: RefreshClaim, session: Session) -> bool:
        return any(_proof(secret, session, claim.count) == claim.proof for secret in self.secrets)


def _proof(secret: str, session: Session, count: int) -> bytes:
    return hashlib.sha256(f"{secret} {session.id} {count} {session.seed!r}".encode()).digest()


class NotedCursors(Cursors):
    """Cursors that are known because they were noted when they were sealed."""

    def __init__(self) -> None:
        self.sealed: dict[str, tuple[str, Place | int]] = {}

    def seal(self, place: Place, *, of: str) -> str:
        return self._note(place, of)

    def open(self, cursor: str | None, *, of: str) -> Place | None:
        found = None if cursor is None else self._noted(cursor, of)
        assert not isinstance(found, int)
        return found

    def seal_number(self, number: int, *, of: str) -> str:
        return self._note(number, of)

    def open_number(self, cursor: str | None, *, of: str) -> int | None:
        found = None if cursor is None else self._noted(cursor, of)
        assert not isinstance(found, Place)
        return found

    def _note(self, place: Place | int, of: str) -> str:
        cursor = f"cursor {len(self.sealed)}"
        self.sealed[cursor] = (of, place)
        return cursor

    def _noted(self, cursor: str, of: str) -> Place | int:
        name, place = self.sealed.get(cursor, ("", 0))
        if name != of:
            raise InvalidCursor
        return place


class PlainSealer(Sealer):
    """Seals that hide nothing, of one of the secrets; the first is today's."""

    def __init__(self) -> None:
        self.secrets = ["today"]

    def seal(self, name: str, plain: bytes) -> bytes:
        return f"{self.secrets[0]}:{name}:".encode() + plain

    def open(self, name: str, sealed: bytes) -> bytes:
        secret, sealed_for, plain = sealed.split(b":", 2)
        if secret.decode() not in self.secrets or sealed_for.decode() != name:
            raise StoreUnfit("It was sealed with another secret.")
        return plain

    def is_current(self, sealed: bytes) -> bool:
        return sealed.startswith(f"{self.secrets[0]}:".encode())


class PlainForge(KeyForge):
    """Makes keys that nobody can sign with, sealed."""

    def __init__(self, sealer: PlainSealer) -> None:
        self._sealer = sealer
        self.made = 0

    def make(self, *, now: datetime, signs_from: datetime) -> SigningKey:
        self.made += 1
        id = KeyId(f"key {self.made}")
        return a_key(
            id=id,
            public=f"public {self.made}",
            sealed=self._sealer.seal(id, b"private"),
            created_at=now,
            signs_from=signs_from,
        )

    def resealed(self, key: SigningKey) -> SigningKey:
        if self._sealer.is_current(key.sealed):
            return key
        return replace(key, sealed=self._sealer.seal(key.id, self._sealer.open(key.id, key.sealed)))


class HashedChain(AuditChain):
    """Links entries by hashes without a key."""

    def link(self, act: Act, *, behind: Head) -> Entry:
        entry = Entry(
            number=behind.number + 1,
            id=act.id,
            at=act.at,
            action=act.action.value,
            result=act.result.value,
            actor_id=act.actor_id,
            target_type=act.target.type.value,
            target_id=act.target.id,
            request_id=act.request_id,
            personal_digest=_digest(act.personal),
            mac=b"",
            personal=act.personal,
        )
        return replace(entry, mac=self._mac(entry, behind))

    def is_linked(self, entry: Entry, *, behind: Head) -> bool:
        return entry.mac == self._mac(entry, behind)

    def is_whole(self, entry: Entry) -> bool:
        return entry.personal is None or _digest(entry.personal) == entry.personal_digest

    def _mac(self, entry: Entry, behind: Head) -> bytes:
        return _digest((behind, replace(entry, mac=b"", personal=None)))


def _digest(value: object) -> bytes:
    return hashlib.sha256(repr(value).encode(errors="backslashreplace")).digest()


class PaperSchema(Schema):
    """A schema that is what it is said to be until it is migrated."""

    def __init__(self, state: SchemaState, *, migrates_by_itself: bool) -> None:
        self._state = state
        self._migrates_by_itself = migrates_by_itself
        self.migrations = 0

    @property
    def migrates_by_itself(self) -> bool:
        return self._migrates_by_itself

    def state(self) -> SchemaState:
        return self._state

    def is_current(self) -> bool:
        return self._state is SchemaState.CURRENT

    def migrate(self) -> None:
        self.migrations += 1
        self._state = SchemaState.CURRENT


def is_common(password: str, context: Sequence[str]) -> bool:
    """Whether a password is the one that everybody has, or a word that stands near the account."""
    return password == "correct horse battery" or password in context
