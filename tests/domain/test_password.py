"""Which new passwords are good enough."""

from collections.abc import Sequence

import pytest

from domain.errors import WeakPassword
from domain.password import (
    PASSWORD_MAX,
    PASSWORD_MIN_DEFAULT,
    PASSWORD_MIN_FLOOR,
    accepted,
)

EMAIL = "anna.smith@mail.example.com"


def never(_: str, __: Sequence[str]) -> bool:
    return False


def accept(password: str, *, email: str = EMAIL, shortest: int = PASSWORD_MIN_DEFAULT) -> str:
    return accepted(password, email=email, shortest=shortest, is_common=never)


def reason(password: str, *, email: str = EMAIL, shortest: int = PASSWORD_MIN_DEFAULT) -> str:
    with pytest.raises(WeakPassword) as refused:
        accept(password, email=email, shortest=shortest)
    assert refused.value.details == {"reason": refused.value.reason}
    return refused.value.reason


def test_the_limits_are_those_that_clients_were_told() -> None:
    assert (PASSWORD_MIN_FLOOR, PASSWORD_MIN_DEFAULT, PASSWORD_MAX) == (8, 15, 256)


@pytest.mark.parametrize(
    "password",
    [
        "x" * 15,
        "x" * 256,
        "\U0001f512" * 15,
        "\U0001f512" * 256,
        "aaaa bbbb cccc dddd \u00fc\U0001f512",
        " " * 15,
        "lower case only",
        "tab\tand\x01control\x7f",
    ],
)
def test_fifteen_to_256_characters_of_any_kind_are_accepted_as_they_are(password: str) -> None:
    assert accept(password) == password


@pytest.mark.parametrize(("password"), ["", "x" * 14, "\U0001f512" * 14])
def test_fewer_than_fifteen_characters_are_too_short(password: str) -> None:
    assert reason(password) == "too_short"


@pytest.mark.parametrize(("password"), ["x" * 257, "\U0001f512" * 257, "x" * 1_000_000])
def test_more_than_256_characters_are_too_long(password: str) -> None:
    assert reason(password) == "too_long"


def test_the_operator_chooses_the_least_length() -> None:
    assert accept("x" * 8, shortest=8) == "x" * 8
    assert reason("x" * 7, shortest=8) == "too_short"
    assert reason("x" * 19, shortest=20) == "too_short"


def test_characters_are_counted_after_they_are_composed() -> None:
    assert accept("u\u0308" * 15) == "\u00fc" * 15
    assert reason("u\u0308" * 14) == "too_short"
    assert accept("u\u0308" * 256) == "\u00fc" * 256


def test_compatible_characters_stay_different() -> None:
    """NFC, not NFKC: a ligature or a superscript is the owner's own choice."""
    assert accept("\ufb01\u00b2\uff41 and some more") == "\ufb01\u00b2\uff41 and some more"


@pytest.mark.parametrize("character", [0, 0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_what_is_no_text_is_refused(character: int) -> None:
    assert reason("x" * 15 + chr(character)) == "not_text"


@pytest.mark.parametrize(
    "password", [EMAIL, EMAIL.upper(), EMAIL.title(), f" {EMAIL}\n", f"\t{EMAIL.upper()}"]
)
def test_the_address_is_no_password_however_it_is_written(password: str) -> None:
    assert reason(password) == "same_as_email"


def test_a_password_around_the_address_is_left_to_the_list() -> None:
    assert accept(f"{EMAIL} likes tea") == f"{EMAIL} likes tea"


def test_what_the_list_knows_is_common() -> None:
    asked: list[tuple[str, Sequence[str]]] = []

    def always(password: str, context: Sequence[str]) -> bool:
        asked.append((password, context))
        return True

    with pytest.raises(WeakPassword) as refused:
        accepted("u\u0308" * 15, email=EMAIL, shortest=15, is_common=always)
    assert refused.value.reason == "common"
    ((password, context),) = asked
    assert password == "\u00fc" * 15
    assert {EMAIL, "anna.smith", "mail.example.com", "mail", "example", "basalt"} <= set(context)
