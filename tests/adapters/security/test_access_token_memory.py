"""A token that was verified once is not verified again, and is forgotten when it must be."""

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt

from adapters.security.access_tokens import JwtAccessTokens
from domain.errors import InvalidToken, TokenExpired
from tests.adapters.security.minting import LIFETIME, LiveKeys, good_claims, minted, new_key
from tests.domain.examples import NOW


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was really verified, in order."""
    texts: list[str] = []
    decode = jwt.decode

    def noting(value: str, *arguments: Any, **options: Any) -> Any:
        texts.append(value)
        return decode(value, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", noting)
    return texts


def test_a_token_is_verified_once(
    access_tokens: JwtAccessTokens, keys: LiveKeys, verified: list[str]
) -> None:
    text = minted(keys.signing)
    first = access_tokens.read(text, now=NOW)
    assert access_tokens.read(text, now=NOW + timedelta(seconds=1)) == first
    assert verified == [text]


def test_a_remembered_token_expires_like_any_other(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing)
    access_tokens.read(text, now=NOW)
    with pytest.raises(TokenExpired):
        access_tokens.read(text, now=NOW + timedelta(seconds=LIFETIME))


def test_a_remembered_token_is_refused_once_its_key_is_retired(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing)
    access_tokens.read(text, now=NOW)
    keys.live["another"] = new_key("another")
    access_tokens.read(text, now=NOW)
    del keys.live["the key"]
    for _ in range(2):
        with pytest.raises(InvalidToken):
            access_tokens.read(text, now=NOW)


def test_what_was_refused_is_not_remembered(
    access_tokens: JwtAccessTokens, keys: LiveKeys, verified: list[str]
) -> None:
    forged = minted(new_key("the key"))
    for _ in range(3):
        with pytest.raises(InvalidToken):
            access_tokens.read(forged, now=NOW)
    assert len(verified) == 3


def test_only_so_many_tokens_are_remembered_the_newest(
    access_tokens: JwtAccessTokens,
    keys: LiveKeys,
    verified: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.security.access_tokens.REMEMBERED_MAX", 3)
    texts = [minted(keys.signing, claims=good_claims(jti=str(number))) for number in range(5)]
    for text in texts:
        access_tokens.read(text, now=NOW)
    assert verified == texts
    verified.clear()
    for text in texts[2:]:
        access_tokens.read(text, now=NOW)
    assert verified == []
    for text in texts[:2]:
        access_tokens.read(text, now=NOW)
    assert verified == texts[:2]
