"""Recovery codes and challenges: nobody guesses one, and people may type them as they like."""

import os
import re

import pytest

from adapters.security.second_factor_texts import RandomChallenges, RandomRecoveryCodes


def test_a_recovery_code_can_be_copied_by_hand() -> None:
    code, _ = RandomRecoveryCodes(os.urandom).make()
    assert re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", code)


@pytest.mark.parametrize("kind", [RandomRecoveryCodes, RandomChallenges])
def test_no_two_are_the_same_and_each_has_a_digest_of_its_own(
    kind: type[RandomRecoveryCodes | RandomChallenges],
) -> None:
    texts = kind(os.urandom)
    made = dict(texts.make() for _ in range(100))
    assert len(made) == len(set(made.values())) == 100
    assert all(len(digest) == 32 for digest in made.values())
    assert {text: texts.digest(text) for text in made} == made


def test_a_recovery_code_is_the_same_however_it_is_typed() -> None:
    codes = RandomRecoveryCodes(os.urandom)
    code, _ = codes.make()
    plain = code.replace("-", "")
    for typed in (
        plain,
        plain.upper(),
        code.replace("-", " "),
        f"  {code}\n",
        f"{plain[:7]}-{plain[7:]}",
    ):
        assert codes.digest(typed) == codes.digest(code)


@pytest.mark.parametrize(
    "text", ["", "123456", "a" * 23, "a" * 25, "1" * 24, "\ud800" * 24, "bsc_"]
)
def test_what_cannot_be_one_has_no_digest(text: str) -> None:
    assert RandomRecoveryCodes(os.urandom).digest(text) is None
    assert RandomChallenges(os.urandom).digest(text) is None


def test_a_challenge_says_what_it_is() -> None:
    challenges = RandomChallenges(os.urandom)
    text, _ = challenges.make()
    assert re.fullmatch(r"bsc_[A-Za-z0-9_-]{43}", text)
    for altered in (text[:-1], text + "A", text[4:], f" {text}", text.upper()):
        assert challenges.digest(altered) is None


def test_all_random_bytes_are_in_it() -> None:
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    RandomRecoveryCodes(random).make()
    RandomChallenges(random).make()
    assert asked == [15, 32]
