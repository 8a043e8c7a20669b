"""One-time tokens are made of a stored row and the service's secret, and of nothing less."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import pytest

from adapters.security.one_time_tokens import DerivedOneTimeTokens
from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.secrets import Secrets
from domain.access import UserId
from domain.errors import InvalidOneTimeToken, InvalidRefreshToken
from domain.mail import LetterId, OneTimeToken, Topic
from tests.domain.examples import a_session, a_token, uuid

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def mint(secrets: Secrets) -> DerivedOneTimeTokens:
    return DerivedOneTimeTokens(secrets)


def accepts(mint: DerivedOneTimeTokens, text: str, token: OneTimeToken) -> bool:
    try:
        claim = mint.read(text)
    except InvalidOneTimeToken:
        return False
    return mint.is_genuine(claim, token)


def test_a_token_is_the_same_each_time_and_is_genuine(mint: DerivedOneTimeTokens) -> None:
    text = mint.of(a_token())
    assert text == mint.of(a_token())
    assert mint.read(text).id == a_token().id
    assert accepts(mint, text, a_token())


@pytest.mark.parametrize(
    "changed",
    [
        {"id": LetterId(uuid(99))},
        {"user_id": UserId(uuid(99))},
        {"topic": Topic.VERIFICATION},
        {"address": "bert@example.com"},
        {"seed": bytes(32)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_token_is_bound_to_everything_that_it_is_for(
    mint: DerivedOneTimeTokens, changed: dict[str, Any]
) -> None:
    other = replace(a_token(), **changed)
    assert not accepts(mint, mint.of(a_token()), other)
    claim = replace(mint.read(mint.of(a_token())), id=other.id)
    assert not mint.is_genuine(claim, other)


def test_when_it_ends_is_the_rows_affair(mint: DerivedOneTimeTokens) -> None:
    later = a_token().mailed(now=a_token().expires_at)
    assert mint.of(a_token()) == mint.of(later)


def test_nothing_in_the_secret_alone_makes_a_token(mint: DerivedOneTimeTokens) -> None:
    """Another row has another seed, whatever else is the same."""
    assert mint.of(a_token(seed=b"\x01" * 32)) != mint.of(a_token(seed=b"\x02" * 32))


def test_nothing_in_the_database_alone_makes_a_token(mint: DerivedOneTimeTokens) -> None:
    other = DerivedOneTimeTokens(Secrets(b"some other secret that is long enough"))
    assert not accepts(mint, other.of(a_token()), a_token())
    whole = urlsafe_b64decode(mint.of(a_token()).removeprefix("bot_"))
    assert a_token().seed not in whole


def test_a_token_of_the_previous_secret_is_genuine_and_one_given_up_is_not(
    mint: DerivedOneTimeTokens, rotated: Secrets, given_up: Secrets
) -> None:
    text = mint.of(a_token())
    assert accepts(DerivedOneTimeTokens(rotated), text, a_token())
    assert not accepts(DerivedOneTimeTokens(given_up), text, a_token())


def test_no_other_spelling_and_no_change_is_accepted(mint: DerivedOneTimeTokens) -> None:
    text = mint.of(a_token())
    for place in range(len(text)):
        other = ALPHABET[(ALPHABET.index(text[place]) + 1) % 64]
        assert not accepts(mint, text[:place] + other + text[place + 1 :], a_token())
    for odd in ("", "bot_", text[:-1], text + "A", text + "=", f" {text}", "\u00e9" * 68):
        with pytest.raises(InvalidOneTimeToken):
            mint.read(odd)
    assert not accepts(mint, text.lower(), a_token())


def test_the_alphabet_for_urls_is_the_only_one(mint: DerivedOneTimeTokens) -> None:
    tokens = [a_token(seed=bytes([number] * 32)) for number in range(20)]
    for token in tokens:
        text = mint.of(token).removeprefix("bot_")
        other = text.replace("-", "+").replace("_", "/")
        assert accepts(mint, f"bot_{other}", token) is (other == text)
    assert any(set(mint.of(token)[4:]) & set("-_") for token in tokens)


def test_it_is_no_refresh_token_and_no_refresh_token_is_one(
    secrets: Secrets, mint: DerivedOneTimeTokens
) -> None:
    refresh = DerivedRefreshTokens(secrets)
    with pytest.raises(InvalidRefreshToken):
        refresh.read(mint.of(a_token()))
    with pytest.raises(InvalidOneTimeToken):
        mint.read(refresh.of(a_session(secret_id=secrets.current.id)))
