"""The secrets of flows: 256 random bits, of which all that a flow needs is made.

State, nonce and PKCE verifier are HMAC-SHA256 of the secret under three names, so none of them
tells the secret or another one, and nothing of a flow has to be stored but a digest.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from application.ports.identities import FlowTexts, Handshake
from application.ports.surroundings import Randomness
from domain.errors import InvalidFlow

_PREFIX = "bfl_"  # so that scanners for leaked secrets recognise one
_RANDOM_BYTES = 32
_SECRET = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")


class RandomFlowTexts(FlowTexts):
    """Secrets of flows, known by their SHA-256."""

    def __init__(self, random: Randomness) -> None:
        self._random = random

    def make(self) -> str:
        return _PREFIX + _written(self._random(_RANDOM_BYTES))

    def digest(self, text: str) -> bytes:
        if not _SECRET.fullmatch(text):
            raise InvalidFlow
        return hashlib.sha256(text.encode()).digest()

    def handshake(self, text: str) -> Handshake:
        return Handshake(
            state=_made("state", text), nonce=_made("nonce", text), verifier=_made("verifier", text)
        )

    def is_state_of(self, state: str, text: str) -> bool:
        known = _made("state", text).encode()
        return hmac.compare_digest(state.encode(errors="replace"), known)


def _made(name: str, text: str) -> str:
    return _written(hmac.digest(text.encode(), f"flow {name}".encode(), hashlib.sha256))


def _written(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
