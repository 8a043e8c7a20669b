"""Sealing: the service's own secrets, readable only with the operator's (AES-256-GCM)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security.secrets import Secrets
from application.ports.security import Sealer
from domain.errors import StoreUnfit

_PURPOSE = "sealing"
_NONCE = 12


class SecretSealer(Sealer):
    """Seals with the secret of today; opens what it or the one before it has sealed.

    A sealed secret is the sealing secret's id, a colon, a nonce, and the ciphertext, bound to
    the name that it was sealed for.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def seal(self, name: str, plain: bytes) -> bytes:
        secret, nonce = self._secrets.current, os.urandom(_NONCE)
        ciphertext = AESGCM(secret.key(_PURPOSE)).encrypt(nonce, plain, name.encode())
        return secret.id.encode() + b":" + nonce + ciphertext

    def open(self, name: str, sealed: bytes) -> bytes:
        id, _, rest = sealed.partition(b":")
        secret = self._secrets.get(id.decode("ascii", "replace"))
        try:
            if secret is None:
                raise InvalidTag
            return AESGCM(secret.key(_PURPOSE)).decrypt(rest[:_NONCE], rest[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise StoreUnfit(
                "The keys in the database were sealed with another secret: set BASALT_SECRET_KEY "
                "to that one, or BASALT_SECRET_KEY_PREVIOUS while you change it."
            ) from None

    def is_current(self, sealed: bytes) -> bool:
        return sealed.partition(b":")[0] == self._secrets.current.id.encode()
