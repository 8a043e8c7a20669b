"""A token that is well signed proves nothing unless each claim is as we write it: threats.md B."""

import json

import pytest

from adapters.security.access_tokens import TOKEN_BYTES_MAX, JwtAccessTokens
from domain.errors import BadBearer
from tests.adapters.security.minting import (
    ABSENT,
    ISSUED_AT,
    ISSUER,
    LiveKeys,
    good_claims,
    minted,
    refuse,
)
from tests.domain.examples import ANNA, NOW

PAYLOAD = json.dumps(good_claims())


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        ("iss", [ISSUER + "/", ISSUER.upper(), "https://other.example", "", [ISSUER], None]),
        ("aud", [ISSUER + "/", "https://other.example", ["https://other.example"], [], {}, None]),
        ("client_id", ["other", "", None, ["basalt"]]),
        ("sub", ["", "anna", str(ANNA)[:-1], 1, None, [str(ANNA)], {}]),
        ("sid", ["", "a session", 1, None, ["x"]]),
        ("jti", [1, None, ["x"]]),
        ("scope", [None, 1, ["items:read"], {"items:read": 1}]),
        ("iat", ["now", None, True, [], 10**400, 1e308]),
    ],
)
def test_b4_a_claim_that_is_missing_or_altered_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, claim: str, values: list[object]
) -> None:
    for value in (ABSENT, *values):
        refuse(access_tokens, minted(keys.signing, claims=good_claims(**{claim: value})))


@pytest.mark.parametrize(
    "payload", ["null", "[]", '"x"', "1", "{", "{}", " ", "\x00", '{"exp":1}'], ids=repr
)
def test_b4_a_payload_that_is_no_object_of_claims_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, payload: str
) -> None:
    refuse(access_tokens, minted(keys.signing, payload=payload))


def test_b5_a_token_of_another_kind_is_refused(access_tokens: JwtAccessTokens) -> None:
    for other in ("brt_" + "A" * 70, "A" * 54, "Bearer", str(ANNA)):
        refuse(access_tokens, other)


@pytest.mark.parametrize(
    "expiry",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e308",
        "1e400",
        "1" + "0" * 400,
        "true",
        "false",
        "null",
        "[]",
        "{}",
        '""',
        '"soon"',
        f'"{ISSUED_AT + 600}"',
        f"[{ISSUED_AT + 600}]",
    ],
)
def test_b6_an_expiry_that_is_no_time_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, expiry: str
) -> None:
    payload = PAYLOAD.replace(f'"exp": {ISSUED_AT + 600}', f'"exp": {expiry}')
    assert payload != PAYLOAD
    refuse(access_tokens, minted(keys.signing, payload=payload))


def test_b6_a_token_without_an_expiry_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    refuse(access_tokens, minted(keys.signing, claims=good_claims(exp=ABSENT)))


@pytest.mark.parametrize("expiry", [-1, 0, -1e308, -(10**400)], ids=["-1", "0", "-1e308", "huge"])
def test_b6_an_expiry_long_ago_is_no_expiry_to_come(
    access_tokens: JwtAccessTokens, keys: LiveKeys, expiry: float
) -> None:
    with pytest.raises(BadBearer):
        access_tokens.read(minted(keys.signing, claims=good_claims(exp=expiry)), now=NOW)


def test_b8_an_oversized_token_is_refused_before_any_cryptography(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    sizes = set()
    for padding in range(5000, 6000):
        text = minted(keys.signing, claims=good_claims(padding="x" * padding))
        sizes.add(len(text) <= TOKEN_BYTES_MAX)
        if len(text) <= TOKEN_BYTES_MAX:
            continue
        keys.asked = 0
        refuse(access_tokens, text)
        refuse(access_tokens, "x" * 10_000_000)
        refuse(access_tokens, "." * 10_000_000)
        break
    assert sizes == {True, False}
    assert keys.asked == 0


def test_b8_a_token_of_just_the_size_is_read(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    texts = (
        minted(keys.signing, claims=good_claims(padding="x" * padding))
        for padding in range(5900, 5000, -1)
    )
    fitting = next(text for text in texts if len(text) <= TOKEN_BYTES_MAX)
    assert len(fitting) > TOKEN_BYTES_MAX - 3
    assert access_tokens.read(fitting, now=NOW).user_id == ANNA
