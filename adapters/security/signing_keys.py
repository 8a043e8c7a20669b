"""Keys for ES256: making them, sealing their private parts, and having the live ones at hand."""

import json
import threading
import time
from dataclasses import replace
from datetime import datetime

from joserfc.jwk import ECKey

from application.ports.security import KeyForge, Sealer
from application.ports.store import Reading
from application.ports.surroundings import Clock
from domain.errors import StoreUnfit
from domain.key import KeyId, SigningKey, signing_key

CURVE = "P-256"
ALGORITHM = "ES256"
"""ECDSA on P-256 with SHA-256 (RFC 7518 §3.4): the asymmetric one that every verifier knows."""

FOLLOW_AFTER = 2.0
"""Seconds after which a look at the keys is repeated, so that rotations are followed."""

LOOK_UP_AFTER = 1.0
"""Seconds between two looks that unknown key ids may cause."""


class EcKeyForge(KeyForge):
    """Makes key pairs on P-256, with their private parts sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def make(self, *, now: datetime, signs_from: datetime) -> SigningKey:
        pair = ECKey.generate_key(CURVE)
        id = KeyId(pair.thumbprint())
        public = pair.as_dict(private=False) | {"kid": id, "use": "sig", "alg": ALGORITHM}
        return SigningKey(
            id=id,
            public=json.dumps(public),
            sealed=self._sealer.seal(_name(id), pair.as_pem(private=True)),
            created_at=now,
            signs_from=signs_from,
        )

    def resealed(self, key: SigningKey) -> SigningKey:
        if self._sealer.is_current(key.sealed):
            return key
        return replace(key, sealed=self._sealer.seal(_name(key.id), self.open(key)))

    def open(self, key: SigningKey) -> bytes:
        """Return the private part as PEM. Raises StoreUnfit if no known secret opens it."""
        return self._sealer.open(_name(key.id), key.sealed)


def _name(id: KeyId) -> str:
    return f"signing key {id}"


class KeyRing:
    """The live keys of the store, looked at again every FOLLOW_AFTER seconds."""

    def __init__(self, reading: Reading, forge: EcKeyForge, clock: Clock) -> None:
        self._reading = reading
        self._forge = forge
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[KeyId, SigningKey] = {}
        self._pairs: dict[KeyId, ECKey] = {}
        self._looked_at = float("-inf")

    def to_sign(self) -> ECKey:
        """Return the pair that signs now. Raises Unavailable, StoreUnfit."""
        self._follow(FOLLOW_AFTER)
        key = signing_key(tuple(self._keys.values()), now=self._clock())
        if key is None:
            raise StoreUnfit("There is no signing key: run 'basalt keys rotate --now'.")
        return self._pairs[key.id]

    def to_verify(self, id: object) -> ECKey | None:
        """Return the live key of that id, looking for a new one if need be. Raises Unavailable."""
        self._follow(FOLLOW_AFTER)
        if id not in self._pairs:
            self._follow(LOOK_UP_AFTER)
        return self._pairs.get(KeyId(id)) if isinstance(id, str) else None

    def are_fresh(self) -> bool:
        """Whether the last look at the keys is not to be repeated yet."""
        return time.monotonic() - self._looked_at < FOLLOW_AFTER

    def _follow(self, after: float) -> None:
        if time.monotonic() - self._looked_at < after:
            return
        with self._lock:
            if time.monotonic() - self._looked_at < after:
                return
            with self._reading() as see:
                keys = {key.id: key for key in see.keys.all()}
            self._pairs = {
                id: self._pairs.get(id) or ECKey.import_key(self._forge.open(key), {"kid": id})
                for id, key in keys.items()
            }
            self._keys = keys
            self._looked_at = time.monotonic()
