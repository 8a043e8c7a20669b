"""What is sealed opens for its name, with the secret that sealed it, and in no other way."""

import pytest

from adapters.security.sealing import SecretSealer
from adapters.security.secrets import Secrets
from domain.errors import StoreUnfit

NAME = "a name"
PLAIN = b"what nobody else may read"


def opens(sealer: SecretSealer, sealed: bytes, *, name: str = NAME) -> bool:
    try:
        return sealer.open(name, sealed) == PLAIN
    except StoreUnfit:
        return False


@pytest.mark.parametrize("plain", [PLAIN, b"", bytes(256), b":" * 40], ids=len)
def test_what_is_sealed_opens_to_what_it_was(sealer: SecretSealer, plain: bytes) -> None:
    assert sealer.open(NAME, sealer.seal(NAME, plain)) == plain


def test_a_seal_shows_nothing_and_is_another_each_time(sealer: SecretSealer) -> None:
    seals = {sealer.seal(NAME, PLAIN) for _ in range(10)}
    assert len(seals) == 10
    assert not any(PLAIN in sealed for sealed in seals)


@pytest.mark.parametrize("name", ["", "a nam", "a name ", "A NAME", "another"])
def test_what_is_sealed_for_one_name_does_not_open_for_another(
    sealer: SecretSealer, name: str
) -> None:
    assert not opens(sealer, sealer.seal(NAME, PLAIN), name=name)
    assert not opens(sealer, sealer.seal(name, PLAIN), name=NAME)


def test_the_previous_secret_still_opens_what_it_sealed(
    sealer: SecretSealer, rotated: Secrets
) -> None:
    sealed = sealer.seal(NAME, PLAIN)
    assert opens(SecretSealer(rotated), sealed)
    assert sealer.is_current(sealed)
    assert not SecretSealer(rotated).is_current(sealed)


def test_what_is_sealed_today_opens_with_the_secret_of_today_only(
    sealer: SecretSealer, rotated: Secrets
) -> None:
    sealed = SecretSealer(rotated).seal(NAME, PLAIN)
    assert SecretSealer(rotated).is_current(sealed)
    assert opens(SecretSealer(rotated), sealed)
    assert not opens(sealer, sealed)


def test_another_secret_opens_nothing_and_says_what_to_do(
    sealer: SecretSealer, given_up: Secrets
) -> None:
    sealed = sealer.seal(NAME, PLAIN)
    assert not SecretSealer(given_up).is_current(sealed)
    with pytest.raises(StoreUnfit) as refused:
        SecretSealer(given_up).open(NAME, sealed)
    assert "BASALT_SECRET_KEY_PREVIOUS" in refused.value.remedy


def test_a_seal_that_was_altered_in_any_byte_is_broken(sealer: SecretSealer) -> None:
    sealed = sealer.seal(NAME, PLAIN)
    for place in range(len(sealed)):
        for bit in (0x01, 0x80):
            altered = bytearray(sealed)
            altered[place] ^= bit
            assert not opens(sealer, bytes(altered)), place


def test_a_seal_that_was_cut_or_lengthened_anywhere_is_broken(sealer: SecretSealer) -> None:
    sealed = sealer.seal(NAME, PLAIN)
    for length in range(len(sealed)):
        assert not opens(sealer, sealed[:length]), length
        assert not opens(sealer, sealed[length + 1 :]), length
    assert not opens(sealer, sealed + b"\x00")
