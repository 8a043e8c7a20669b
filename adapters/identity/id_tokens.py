"""ID tokens: what a provider signs, believed after every check (OpenID Connect Core 1.0 §3.1.3.7).

The algorithms are ours: what a provider advertises, or a token says of itself, decides nothing.
"""

import hashlib
import hmac
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError

from adapters.identity.key_sets import KeySet
from application.ports.surroundings import Clock
from domain.errors import InvalidIdentity

ALGORITHMS = frozenset({
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "Ed25519", "EdDSA",
})  # fmt: skip
"""Signatures with a private key that only the provider has."""

TOKEN_MAX = 65_536
LEEWAY = 60.0
"""Seconds by which a provider's clock may be off."""

OLDEST = 600.0
"""Seconds since when a token may have been issued: it comes right away."""

_TRIED_AT_MOST = 32
"""Keys that a token without a key's name is tried with."""

Claims = Mapping[str, Any]


class _Ours(jws.JWSRegistry):
    """Our algorithms only, and headers of a size and with names that providers do send."""

    max_header_length = 8192
    max_payload_length = TOKEN_MAX

    def __init__(self) -> None:
        super().__init__(strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_OURS = _Ours()


@dataclass(frozen=True, slots=True)
class UnreadIdToken:
    """A token that says of itself how it was signed; nothing of it is believed yet."""

    text: str
    algorithm: str
    key_id: str | None

    @classmethod
    def of(cls, text: object) -> "UnreadIdToken":
        """Return the token. Raises InvalidIdentity for what is none, or signed as none may be."""
        if not isinstance(text, str) or len(text) > TOKEN_MAX or text.count(".") != 2:  # noqa: PLR2004  # three parts
            raise InvalidIdentity("no ID token")
        header = _header(text.partition(".")[0])
        algorithm, key_id = header.get("alg"), header.get("kid")
        if (
            not isinstance(algorithm, str)
            or algorithm not in ALGORITHMS
            or not isinstance(key_id, str | None)
            or not header.keys().isdisjoint({"crit", "b64"})
        ):
            raise InvalidIdentity("header of the ID token")
        return cls(text, algorithm, key_id)

    def claims(self, keys: KeySet) -> Claims | None:
        """Return what was signed with one of these keys, if it was."""
        for key in keys.suitable(self.algorithm, self.key_id)[:_TRIED_AT_MOST]:
            try:
                signed = jws.deserialize_compact(self.text, key, registry=_OURS)
                found = json.loads(signed.payload or b"")
            except (JoseError, ValueError, TypeError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
        return None


@dataclass(frozen=True, slots=True)
class IdTokenRules:
    """What an ID token must say to be for us."""

    issuer: str
    client_id: str
    clock: Clock

    def check(
        self, claims: Claims, *, algorithm: str, nonce: str, access_token: str | None
    ) -> None:
        """Raise InvalidIdentity unless it is about somebody, for us, now, and of this flow."""
        given = claims.get("nonce")
        judged = {
            "iss": claims.get("iss") == self.issuer,
            "sub": _is_text(claims.get("sub")),
            "aud or azp": self._is_for_us(claims),
            "exp, iat or nbf": self._is_of_now(claims),
            "nonce": _is_text(given)
            and hmac.compare_digest(str(given).encode(errors="replace"), nonce.encode()),
            "at_hash": _fits(claims.get("at_hash"), access_token, algorithm),
        }
        for name, is_good in judged.items():
            if not is_good:
                raise InvalidIdentity(f"{name} of the ID token")

    def _is_for_us(self, claims: Claims) -> bool:
        audience, party = claims.get("aud"), claims.get("azp")
        audiences = audience if isinstance(audience, list) else [audience]
        if self.client_id not in audiences or party not in (None, self.client_id):
            return False
        return len(audiences) == 1 or party is not None

    def _is_of_now(self, claims: Claims) -> bool:
        now = self.clock().timestamp()
        ends, issued = _number(claims.get("exp")), _number(claims.get("iat"))
        begins = _number(claims.get("nbf", issued))
        if ends is None or issued is None or begins is None:
            return False
        is_fresh = now - OLDEST - LEEWAY <= issued <= now + LEEWAY
        return is_fresh and now < ends + LEEWAY and begins <= now + LEEWAY


def _header(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidIdentity("header of the ID token")
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: object) -> float | None:
    """Return a number of seconds, or None for anything else: true, a text, NaN, 1e400."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _fits(half: object, access_token: str | None, algorithm: str) -> bool:
    """Whether an access token is the one that came with the ID token, where that says so."""
    if half is None:
        return True
    if not isinstance(half, str) or access_token is None:
        return False
    kind = "sha512" if algorithm.startswith("Ed") else f"sha{algorithm[-3:]}"
    digest = hashlib.new(kind, access_token.encode(errors="replace")).digest()
    known = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    return hmac.compare_digest(half.encode(errors="replace"), known)
