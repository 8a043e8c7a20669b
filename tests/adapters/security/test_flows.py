"""Secrets of flows cannot be guessed, and nothing that leaves the service tells one."""

import os
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest

from adapters.security.flows import RandomFlowTexts
from domain.errors import InvalidFlow

TEXTS = RandomFlowTexts(os.urandom)


def test_a_secret_has_256_random_bits_and_a_prefix_for_scanners() -> None:
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    text = RandomFlowTexts(random).make()
    assert asked == [32]
    assert re.fullmatch(r"bfl_[A-Za-z0-9_-]{43}", text)
    assert TEXTS.make() != TEXTS.make()


def test_what_is_kept_is_a_digest() -> None:
    text = TEXTS.make()
    assert TEXTS.digest(text) == sha256(text.encode()).digest()


@pytest.mark.parametrize(
    "text",
    ["", "bfl_", "bfl_" + "x" * 42, "bfl_" + "x" * 44, "bot_" + "x" * 43, "bfl_" + "\u0660" * 43],
)
def test_what_cannot_be_a_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidFlow):
        TEXTS.digest(text)


def test_the_parts_of_a_handshake_are_always_the_same_and_tell_nothing_of_one_another() -> None:
    text = TEXTS.make()
    shaken = TEXTS.handshake(text)
    parts = {shaken.state, shaken.nonce, shaken.verifier}
    assert shaken == TEXTS.handshake(text)
    assert len(parts) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", part) for part in parts)  # RFC 7636 §4.1
    assert text.removeprefix("bfl_") not in parts
    assert urlsafe_b64encode(TEXTS.digest(text)).decode().rstrip("=") not in parts
    assert parts.isdisjoint(
        {other.state for other in [TEXTS.handshake(TEXTS.make())]},
    )
    assert "state" not in repr(shaken)


def test_a_state_belongs_to_one_secret() -> None:
    text, other = TEXTS.make(), TEXTS.make()
    assert TEXTS.is_state_of(TEXTS.handshake(text).state, text)
    for state in (TEXTS.handshake(other).state, "", "\ud800", TEXTS.handshake(text).nonce):
        assert not TEXTS.is_state_of(state, text)
