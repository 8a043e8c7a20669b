"""Tokens that keep the ports' promises without any cryptography worth the name."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.security import (
    AccessClaims,
    AccessTokens,
    IssuedAccessToken,
    MachineKeyTexts,
    ReadAccessToken,
    RefreshClaim,
    RefreshTokens,
)
from domain.access import SessionId
from domain.errors import InvalidRefreshToken, InvalidToken, TokenExpired
from domain.session import Session

ACCESS_TTL = timedelta(minutes=10)


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


class CountedKeyTexts(MachineKeyTexts):
    """Keys that are numbered: `key 1` is the first; any other number could be one, too."""

    def __init__(self) -> None:
        self.made = 0

    def make(self) -> str:
        self.made += 1
        return f"key {self.made}"

    def is_one(self, text: str) -> bool:
        return text.startswith("key ")

    def digest(self, text: str) -> bytes:
        if not text.removeprefix("key ").isdecimal():
            raise InvalidToken
        return hashlib.sha256(text.encode()).digest()


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
