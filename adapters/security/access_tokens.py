"""Access tokens: JWTs by RFC 9068, signed with ES256, remembered once they were verified."""

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.security.signing_keys import ALGORITHM
from application.ports.security import (
    AccessClaims,
    AccessTokens,
    IssuedAccessToken,
    ReadAccessToken,
)
from domain.access import Scope, SessionId, UserId, names_of
from domain.errors import InvalidToken, TokenExpired

CLIENT_ID = "basalt"
"""The one client that tokens are issued to: the service's own users."""

TYPE = "at+jwt"
"""The `typ` that keeps other JWTs from passing for access tokens (RFC 9068 §2.1)."""

TOKEN_BYTES_MAX = 8 * 1024
"""Bytes of a token that are looked at; a longer one is refused before any cryptography."""

REMEMBERED_MAX = 10_000
"""Verified tokens that are remembered until they expire."""

_HEADERS = frozenset({"alg", "kid", "typ"})
_YEAR_10000 = 253_402_300_800
_SCOPES = {scope.value: scope for scope in Scope}


class Keys(Protocol):
    """Where the pair that signs and the keys that verify come from."""

    def to_sign(self) -> ECKey:
        """Return the pair that signs now."""

    def to_verify(self, id: object) -> ECKey | None:
        """Return the live key of that id."""

    def are_fresh(self) -> bool:
        """Whether neither of these would look at the store now."""


@dataclass(frozen=True, slots=True)
class _Verified:
    token: ReadAccessToken
    expires: float
    key_id: str


class JwtAccessTokens(AccessTokens):
    """Signs and verifies access tokens for one issuer, which is also their audience."""

    def __init__(self, keys: Keys, *, issuer: str, lifetime: int) -> None:
        self._keys = keys
        self._issuer = issuer
        self._lifetime = lifetime
        self._remembered: dict[str, _Verified] = {}
        self._remembering = threading.Lock()

    def issue(self, claims: AccessClaims) -> IssuedAccessToken:
        key = self._keys.to_sign()
        issued_at = int(claims.issued_at.timestamp())
        text = jwt.encode(
            {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE},
            {
                "iss": self._issuer,
                "aud": self._issuer,
                "sub": str(claims.user_id),
                "client_id": CLIENT_ID,
                "iat": issued_at,
                "exp": issued_at + self._lifetime,
                "jti": str(uuid.uuid4()),
                "sid": str(claims.session_id),
                "scope": " ".join(names_of(claims.scopes)),
            },
            key,
            algorithms=[ALGORITHM],
        )
        return IssuedAccessToken(text, self._lifetime)

    def read(self, text: str, *, now: datetime) -> AccessClaims:
        verified = self._verified(text)
        if now.timestamp() >= verified.expires:
            self._remembered.pop(text, None)
            raise TokenExpired
        return verified.token.claims

    def is_at_hand(self, text: str) -> bool:
        """Whether `read` would neither verify the token nor look for its key."""
        return text in self._remembered and self._keys.are_fresh()

    def inspect(self, text: str) -> ReadAccessToken:
        return self._verified(text).token

    def _verified(self, text: str) -> _Verified:
        remembered = self._remembered.get(text)
        if remembered is None:
            verified = self._verify(text)
            self._remember(text, verified)
            return verified
        if self._keys.to_verify(remembered.key_id) is None:
            self._remembered.pop(text, None)
            raise InvalidToken  # its key was retired since
        return remembered

    def _verify(self, text: str) -> _Verified:
        if len(text) > TOKEN_BYTES_MAX or not text.isascii():
            raise InvalidToken
        try:
            token = jwt.decode(text, self._key_of, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InvalidToken from None
        if set(token.header) != _HEADERS or token.header["typ"] != TYPE:
            raise InvalidToken  # no extension is understood (RFC 7515 §4.1.11)
        if not isinstance(token.claims, dict):
            raise InvalidToken
        claims = self._claims(token.claims)
        expires = float(token.claims["exp"])
        read = ReadAccessToken(
            claims=claims,
            token_id=token.claims["jti"],
            expires_at=int(expires),
        )
        return _Verified(read, expires, token.header["kid"])

    def _key_of(self, token: Any) -> ECKey:
        key = self._keys.to_verify(token.headers().get("kid"))
        if key is None:
            raise InvalidToken
        return key

    def _claims(self, claims: dict[str, Any]) -> AccessClaims:
        """Return what our own claims say. Raises InvalidToken for any that is missing or odd."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if (
            claims.get("iss") != self._issuer
            or self._issuer not in audiences
            or claims.get("client_id") != CLIENT_ID
            or not isinstance(claims.get("jti"), str)
            or not isinstance(claims.get("scope"), str)
            or not _is_time(claims.get("exp"))
            or not _is_time(claims.get("iat"))
        ):
            raise InvalidToken
        named = (_SCOPES.get(name) for name in claims["scope"].split())
        try:
            return AccessClaims(
                user_id=UserId(uuid.UUID(claims["sub"])),
                session_id=SessionId(uuid.UUID(claims["sid"])),
                scopes=frozenset(scope for scope in named if scope),
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            )
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
            raise InvalidToken from None

    def _remember(self, text: str, verified: _Verified) -> None:
        with self._remembering:
            while len(self._remembered) >= REMEMBERED_MAX:
                del self._remembered[next(iter(self._remembered))]  # the one verified first
            self._remembered[text] = verified


def _is_time(value: object) -> bool:
    """Whether this is a NumericDate (RFC 7519 §2) that a calendar can hold, and no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _YEAR_10000  # what is not a number is in no range
