"""Mints access tokens by hand, good ones and such as only an attacker or a mistake would make."""

import json
from base64 import urlsafe_b64encode
from enum import Enum
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from adapters.security.access_tokens import JwtAccessTokens
from domain.errors import InvalidToken
from tests.domain.examples import ANNA, NOW, SESSION

ISSUER = "https://basalt.example"
LIFETIME = 600
ISSUED_AT = int(NOW.timestamp())


class Change(Enum):
    """What can be done to a header or a claim other than giving it another value."""

    ABSENT = "absent"


ABSENT = Change.ABSENT
"""Takes a header or a claim out."""


class LiveKeys:
    """One pair that signs, and the keys that verify; counts how often they were asked for."""

    def __init__(self) -> None:
        self.signing = new_key("the key")
        self.live: dict[object, ECKey] = {"the key": self.signing}
        self.asked = 0

    def to_sign(self) -> ECKey:
        return self.signing

    def to_verify(self, id: object) -> ECKey | None:
        self.asked += 1
        return self.live.get(id)

    def are_fresh(self) -> bool:
        return True


def new_key(id: str) -> ECKey:
    """Return a new pair under a name."""
    return ECKey.generate_key("P-256", {"kid": id})


def good_header(**changes: Any) -> dict[str, Any]:
    """Return the header of a good token, with changes."""
    return _changed({"alg": "ES256", "kid": "the key", "typ": "at+jwt"}, changes)


def good_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token, with changes."""
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(ANNA),
        "client_id": "basalt",
        "iat": ISSUED_AT,
        "exp": ISSUED_AT + LIFETIME,
        "jti": "an id",
        "sid": str(SESSION),
        "scope": "account:read items:read",
    }
    return _changed(claims, changes)


def minted(
    key: ECKey, *, header: dict[str, Any] | None = None, claims: object = None, payload: str = ""
) -> str:
    """Return a token with this header and these claims, or this very payload, well signed."""
    text = payload or json.dumps(good_claims() if claims is None else claims)
    signed = signing_input(good_header() if header is None else header, text)
    return f"{signed}.{encoded(signature(key, signed.encode()))}"


def signing_input(header: dict[str, Any], payload: str) -> str:
    """Return what is signed (RFC 7515 §5.1)."""
    return f"{encoded(json.dumps(header).encode())}.{encoded(payload.encode())}"


def signature(key: ECKey, message: bytes) -> bytes:
    """Return the ES256 signature, whatever the header says (RFC 7518 §3.4)."""
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def encoded(part: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(part).decode().rstrip("=")


def refuse(tokens: JwtAccessTokens, text: str) -> None:
    """See that a text is refused as no token of ours, whatever is wrong with it."""
    with pytest.raises(InvalidToken):
        tokens.read(text, now=NOW)


def _changed(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (fields | changes).items() if value is not ABSENT}
