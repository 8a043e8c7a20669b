"""Passwords are hashed by Argon2id, whole, and nobody learns which account has one."""

from collections.abc import Callable

import argon2
import pytest

from adapters.security.passwords import Argon2PasswordHasher

PASSWORD = "correct horse battery staple"


def hasher(memory_kib: int = 16, passes: int = 2, parallelism: int = 1) -> Argon2PasswordHasher:
    """Return a hasher that is as cheap as Argon2 allows."""
    return Argon2PasswordHasher(memory_kib=memory_kib, passes=passes, parallelism=parallelism)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that Argon2 was really run against, in order."""
    hashes: list[str] = []
    verify: Callable[..., bool] = argon2.PasswordHasher.verify

    def noting(self: argon2.PasswordHasher, hashed: str, password: bytes) -> bool:
        hashes.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", noting)
    return hashes


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "\U0001f512" * 256,
        " leading and trailing ",
        "a\x00b, which C would cut",
        "\u00fc" * 15,
    ],
)
def test_a_password_matches_its_own_hash_only(password: str) -> None:
    hashed = hasher().hash(password)
    assert hasher().matches(password, hashed)
    assert not hasher().matches(password + " ", hashed)
    assert not hasher().matches(password[:-1], hashed)
    assert not hasher().matches("", hashed)
    if password.swapcase() != password:
        assert not hasher().matches(password.swapcase(), hashed)


@pytest.mark.parametrize("length", [55, 64, 72, 127, 128, 255, 256, 257])
def test_no_character_is_cut_off(length: int) -> None:
    long = "x" * length
    hashed = hasher().hash(long)
    assert hasher().matches(long, hashed)
    assert not hasher().matches(long + "x", hashed)
    assert not hasher().matches(long[:-1], hashed)
    assert not hasher().matches(long[:-1] + "y", hashed)


def test_the_hash_is_argon2id_and_says_how_it_was_made() -> None:
    assert hasher(24, 3, 2).hash(PASSWORD).startswith("$argon2id$v=19$m=24,t=3,p=2$")


def test_equal_passwords_have_different_hashes() -> None:
    assert len({hasher().hash(PASSWORD) for _ in range(3)}) == 3


def test_equal_looking_passwords_stay_different_here() -> None:
    """Composing them is decided elsewhere, once, for hashing and matching alike."""
    assert not hasher().matches("u\u0308" * 15, hasher().hash("\u00fc" * 15))


def test_without_a_hash_nothing_matches_and_the_work_is_done_all_the_same(
    verified: list[str],
) -> None:
    checking = hasher(24, 3, 2)
    for password in (PASSWORD, "", "nobody's password"):
        assert not checking.matches(password, None)
    assert len(verified) == 3
    assert all(each.startswith("$argon2id$v=19$m=24,t=3,p=2$") for each in verified)


def test_with_a_hash_the_work_is_done_once_right_or_wrong(verified: list[str]) -> None:
    hashed = hasher().hash(PASSWORD)
    assert hasher().matches(PASSWORD, hashed)
    assert not hasher().matches("wrong", hashed)
    assert verified == [hashed, hashed]


@pytest.mark.parametrize("surrogate", [0xD800, 0xDFFF])
def test_what_is_no_text_is_just_a_wrong_password(surrogate: int, verified: list[str]) -> None:
    assert not hasher().matches(PASSWORD + chr(surrogate), hasher().hash(PASSWORD))
    assert not hasher().matches(PASSWORD + chr(surrogate), None)
    assert len(verified) == 2


@pytest.mark.parametrize("hashed", ["", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_of_ours_matches_nothing(hashed: str) -> None:
    assert not hasher().matches(PASSWORD, hashed)


@pytest.mark.parametrize("weaker", [hasher(8, 2, 1), hasher(16, 1, 1)])
def test_a_hash_of_weaker_parameters_is_outdated_and_still_matches(
    weaker: Argon2PasswordHasher,
) -> None:
    hashed = weaker.hash(PASSWORD)
    assert hasher().is_outdated(hashed)
    assert hasher().matches(PASSWORD, hashed)
    assert not hasher().is_outdated(hasher().hash(PASSWORD))


@pytest.mark.parametrize("stronger", [hasher(32, 2, 1), hasher(16, 3, 1)])
def test_a_hash_of_stronger_parameters_is_kept(stronger: Argon2PasswordHasher) -> None:
    hashed = stronger.hash(PASSWORD)
    assert not hasher().is_outdated(hashed)
    assert hasher().matches(PASSWORD, hashed)
