"""Recovery codes and challenges: random, told once, and kept as a SHA-256.

Both have more than the 112 bits from which on a fast digest is enough (OWASP ASVS 5.0 §6.5.2).
"""

import hashlib
import re
from base64 import b32encode, urlsafe_b64encode

from application.ports.second_factor import SecretTexts
from application.ports.surroundings import Randomness

_CODE_BYTES = 15  # 24 digits of base 32, and no remainder
_GROUP = 4
_CODE = re.compile(r"[A-Z2-7]{24}")
_BETWEEN = re.compile(r"[\s-]+")

_PREFIX = "bsc_"  # so that scanners for leaked secrets recognise one
_CHALLENGE_BYTES = 32
_CHALLENGE = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")


class RandomRecoveryCodes(SecretTexts):
    """Codes of 120 bits, in groups of four letters and digits that people can copy by hand."""

    def __init__(self, random: Randomness) -> None:
        self._random = random

    def make(self) -> tuple[str, bytes]:
        digits = b32encode(self._random(_CODE_BYTES)).decode()
        groups = (digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
        return "-".join(groups).lower(), hashlib.sha256(digits.encode()).digest()

    def digest(self, text: str) -> bytes | None:
        typed = _BETWEEN.sub("", text).upper()
        return hashlib.sha256(typed.encode()).digest() if _CODE.fullmatch(typed) else None


class RandomChallenges(SecretTexts):
    """Challenges of 256 bits."""

    def __init__(self, random: Randomness) -> None:
        self._random = random

    def make(self) -> tuple[str, bytes]:
        text = _PREFIX + urlsafe_b64encode(self._random(_CHALLENGE_BYTES)).decode().rstrip("=")
        return text, hashlib.sha256(text.encode()).digest()

    def digest(self, text: str) -> bytes | None:
        return hashlib.sha256(text.encode()).digest() if _CHALLENGE.fullmatch(text) else None
