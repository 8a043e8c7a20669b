"""A provider's keys, as it lists them (RFC 7517).

Keys that cannot be read, or are not for signatures, are passed over: a set may hold keys of kinds
that are not known yet (RFC 7517 §5).
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey

KEYS_MAX = 100
RSA_BITS = range(2048, 8192 + 1)
EXPONENT_BITS_MAX = 32
"""Larger ones are nobody's, and take a hundred times as long to check a signature with."""

_KINDS = {
    "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The public keys of one provider at one time, as far as they are of use."""

    keys: Sequence[tuple[Mapping[str, Any], Key]]

    @classmethod
    def read(cls, listed: Sequence[Any]) -> "KeySet":
        """Return the keys that are of use."""
        return cls(
            [
                (parts, key)
                for parts in listed[:KEYS_MAX]
                if isinstance(parts, dict) and (key := _read(parts)) is not None
            ]
        )

    def suitable(self, algorithm: str, id: str | None) -> Sequence[Key]:
        """Return the keys that may have signed so."""
        return [
            key
            for parts, key in self.keys
            if parts["kty"] == _KINDS[algorithm[:2]]
            and parts.get("alg", algorithm) == algorithm
            and (id is None or parts.get("kid") == id)
        ]


def _read(parts: dict[str, Any]) -> Key | None:
    """Return a public key for signatures, or None for anything else."""
    if parts.get("use", "sig") != "sig" or parts.get("kty") not in _KINDS.values():
        return None
    public = {name: value for name, value in parts.items() if name in _PUBLIC}
    try:
        if parts["kty"] == "RSA" and not _is_usual(parts):
            return None
        key = JWKRegistry.import_key(public)
        _ = key.raw_value
    except (JoseError, KeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, Key) else None


def _is_usual(rsa: Mapping[str, Any]) -> bool:
    return _bits(rsa["n"]) in RSA_BITS and _bits(rsa["e"]) <= EXPONENT_BITS_MAX


def _bits(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{number}==")).bit_length()


_PUBLIC = frozenset({"kty", "kid", "n", "e", "crv", "x", "y"})
