"""Proves what machine keys look like, and that nothing else passes for one."""

import hashlib
import os
import re
import string
import zlib

import pytest

from adapters.security.machine_keys import RandomMachineKeyTexts
from domain.errors import InvalidToken

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


@pytest.fixture
def texts() -> RandomMachineKeyTexts:
    return RandomMachineKeyTexts(os.urandom)


def number(digits: str) -> int:
    """Return what digits of base 62 say, reckoned as anybody would who reads the documents."""
    found = 0
    for digit in digits:
        found = found * 62 + DIGITS.index(digit)
    return found


def test_a_key_is_known_by_its_prefix_and_its_checksum(texts: RandomMachineKeyTexts) -> None:
    for _ in range(100):
        text = texts.make()
        assert re.fullmatch(r"bslt_[0-9A-Za-z]{49}", text)
        body, checksum = text[5:48], text[48:]
        assert number(checksum) == zlib.crc32(body.encode())
        assert texts.is_one(text)
        assert texts.digest(text) == hashlib.sha256(text.encode()).digest()


@pytest.mark.parametrize("filled", [b"\x00", b"\xff", b"\x01"])
def test_all_of_the_random_bits_are_in_the_key(filled: bytes) -> None:
    text = RandomMachineKeyTexts(lambda size: filled * size).make()
    assert len(text) == 54
    assert number(text[5:48]) == int.from_bytes(filled * 32)


def test_no_two_keys_are_the_same(texts: RandomMachineKeyTexts) -> None:
    assert len({texts.make() for _ in range(1000)}) == 1000


def test_one_wrong_digit_anywhere_is_seen(texts: RandomMachineKeyTexts) -> None:
    text = texts.make()
    for place in range(5, len(text)):
        for other in ("0", "z", "-", "é"):
            if text[place] != other:
                with pytest.raises(InvalidToken):
                    texts.digest(text[:place] + other + text[place + 1 :])


def test_what_only_resembles_a_key_is_none(texts: RandomMachineKeyTexts) -> None:
    text = texts.make()
    resembling = [
        text.upper(), text + "0", text + "\n", text[:-1], text[5:], f" {text}", text * 2,
        "bslt_", "bslt_" + "0" * 49, text.replace("bslt_", "bslt-"),
    ]  # fmt: skip
    for other in resembling:
        with pytest.raises(InvalidToken):
            texts.digest(other)


@pytest.mark.parametrize("text", ["eyJhbGciOiJFUzI1NiJ9.e30.x", "brt_x", "BSLT_x", " bslt_x", ""])
def test_other_tokens_do_not_say_that_they_are_keys(
    texts: RandomMachineKeyTexts, text: str
) -> None:
    assert not texts.is_one(text)
