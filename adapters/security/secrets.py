"""The service's secret, and what is derived from it: one key a purpose, never the secret itself."""

import hashlib
import hmac
from collections.abc import Iterator
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ID_LENGTH = 16


class Secret:
    """One secret, known by a name that tells nothing about it."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.id = self.key("id").hex()[:_ID_LENGTH]

    def key(self, purpose: str) -> bytes:
        """Return the 256-bit key for one purpose (HKDF, RFC 5869)."""
        return _derived(self._text, purpose)

    def mac(self, purpose: str, message: bytes) -> bytes:
        """Return the whole HMAC-SHA256 of a message under the key for a purpose."""
        return hmac.digest(self.key(purpose), message, hashlib.sha256)


@cache
def _derived(text: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"basalt " + purpose.encode()).derive(text)


class Secrets:
    """Today's secret, with which everything new is made, and the one before it."""

    def __init__(self, current: bytes, previous: bytes | None = None) -> None:
        self.current = Secret(current)
        self._known = {self.current.id: self.current}
        if previous is not None:
            before = Secret(previous)
            self._known.setdefault(before.id, before)

    def get(self, id: str) -> Secret | None:
        """Return the secret of that name, if it is still known."""
        return self._known.get(id)

    def __iter__(self) -> Iterator[Secret]:
        """Go through all secrets that are known, today's first."""
        return iter(self._known.values())
