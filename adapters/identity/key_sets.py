"""A provider's keys: fetched when they are needed, kept for a while, and followed when they change.

Keys that cannot be read, or are not for signatures, are passed over: a set may hold keys of kinds
that are not known yet (RFC 7517 §5).
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey

KEPT_FOR = 3600.0
"""Seconds after which the set is fetched anew."""

FOLLOWED_EVERY = 10.0
"""Seconds between two fetches that unknown keys may cause (CVE-2026-48524)."""

KEYS_MAX = 100
RSA_BITS_MIN = 2048

_KINDS = {
    "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP",
}  # fmt: skip


class KeySet:
    """The public keys of one provider, as far as they are of use."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._keys: Sequence[tuple[Mapping[str, Any], Key]] = ()
        self._fetched: float | None = None
        self._followed: float | None = None

    async def suitable(
        self, algorithm: str, id: str | None, fetch: Callable[[], Awaitable[Any]]
    ) -> Sequence[Key]:
        """Return the keys that may have signed so, fetching the set if it may have changed."""
        now = self._monotonic()
        if self._fetched is None or now - self._fetched >= KEPT_FOR:
            await self._renew(fetch)
        found = self._matching(algorithm, id)
        if not found and (self._followed is None or now - self._followed >= FOLLOWED_EVERY):
            self._followed = now
            await self._renew(fetch)
            found = self._matching(algorithm, id)
        return found

    async def _renew(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        found = await fetch()
        self._keys = [
            (parts, key)
            for parts in found[:KEYS_MAX]
            if isinstance(parts, dict) and (key := _read(parts)) is not None
        ]
        self._fetched = self._monotonic()

    def _matching(self, algorithm: str, id: str | None) -> Sequence[Key]:
        return [
            key
            for parts, key in self._keys
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
        if parts["kty"] == "RSA" and _bits(parts["n"]) < RSA_BITS_MIN:
            return None
        key = JWKRegistry.import_key(public)
        _ = key.raw_value
    except (JoseError, KeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, Key) else None


def _bits(modulus: str) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{modulus}==")).bit_length()


_PUBLIC = frozenset({"kty", "kid", "n", "e", "crv", "x", "y"})
