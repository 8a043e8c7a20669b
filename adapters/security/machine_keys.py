"""The texts of machine keys: a prefix that scanners look for, 256 random bits, and a checksum.

`bslt_`, 43 digits of base 62, and the CRC-32 of those 43 in 6 more. So a text that was typed
wrongly, or only looks like a key, is told apart without a look at the store, by anybody. Nothing
of it needs a slow or keyed hash: nobody guesses 256 bits.
"""

import hashlib
import re
import string
import zlib

from application.ports.security import MachineKeyTexts
from application.ports.surroundings import Randomness
from domain.errors import InvalidToken

_PREFIX = "bslt_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BYTES = 32
_BODY, _CHECKSUM = 43, 6  # digits that hold 256 and 32 bits
_KEY = re.compile(rf"{_PREFIX}([0-9A-Za-z]{{{_BODY}}})([0-9A-Za-z]{{{_CHECKSUM}}})")


class RandomMachineKeyTexts(MachineKeyTexts):
    """Keys of random digits, known by their SHA-256."""

    def __init__(self, random: Randomness) -> None:
        self._random = random

    def make(self) -> str:
        body = _written(int.from_bytes(self._random(_RANDOM_BYTES)), _BODY)
        return _PREFIX + body + _checksum(body)

    def is_one(self, text: str) -> bool:
        return text.startswith(_PREFIX)

    def digest(self, text: str) -> bytes:
        found = _KEY.fullmatch(text)
        if found is None or _checksum(found[1]) != found[2]:
            raise InvalidToken
        return hashlib.sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode()), _CHECKSUM)


def _written(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
