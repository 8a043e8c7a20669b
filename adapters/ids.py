"""Ids that sort by time and cannot be guessed."""

import os
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_FRACTIONS_OF_A_MILLISECOND = 4096


def uuid7() -> UUID:
    """Return a UUID version 7 (RFC 9562 §5.7, with its §6.2 method 3).

    48 bits of Unix time in milliseconds, 12 bits of the fraction of that millisecond, so that
    ids made one after another sort so, and 62 random bits.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * _FRACTIONS_OF_A_MILLISECOND // 1_000_000
    random_bits = int.from_bytes(os.urandom(8)) >> 2
    return UUID(
        int=(milliseconds & (1 << 48) - 1) << 80
        | _VERSION_7
        | fraction << 64
        | _VARIANT
        | random_bits
    )
