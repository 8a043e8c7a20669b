"""Access tokens say what RFC 9068 asks for, and are good until their very last moment."""

from datetime import datetime, timedelta

import pytest
from joserfc import jwt

from adapters.security.access_tokens import JwtAccessTokens
from application.ports.security import AccessClaims
from domain.access import Role, Scope
from domain.errors import InvalidToken, TokenExpired
from tests.adapters.security.minting import (
    ISSUED_AT,
    ISSUER,
    LIFETIME,
    LiveKeys,
    good_claims,
    minted,
    new_key,
)
from tests.domain.examples import ANNA, NOW, SESSION

CLAIMS = AccessClaims(
    user_id=ANNA,
    session_id=SESSION,
    scopes=Role.MEMBER.scopes,
    issued_at=NOW.replace(microsecond=0),
)
EXPIRY = NOW.replace(microsecond=0) + timedelta(seconds=LIFETIME)
TICK = timedelta(microseconds=1)


def test_a_token_that_was_issued_reads_as_what_was_put_in(access_tokens: JwtAccessTokens) -> None:
    issued = access_tokens.issue(CLAIMS)
    assert access_tokens.read(issued.text, now=NOW) == CLAIMS


def test_a_token_has_the_header_and_the_claims_of_rfc_9068_and_no_others(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    token = jwt.decode(access_tokens.issue(CLAIMS).text, keys.signing, algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "kid": "the key", "typ": "at+jwt"}
    id = token.claims.pop("jti")
    assert isinstance(id, str)
    assert token.claims == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(ANNA),
        "client_id": "basalt",
        "iat": ISSUED_AT,
        "exp": ISSUED_AT + LIFETIME,
        "sid": str(SESSION),
        "scope": "account:read account:write items:read items:write",
    }


def test_the_lifetime_that_is_told_is_the_one_in_the_token(access_tokens: JwtAccessTokens) -> None:
    issued = access_tokens.issue(CLAIMS)
    assert issued.expires_in == LIFETIME
    assert access_tokens.read(issued.text, now=EXPIRY - TICK) == CLAIMS


def test_two_tokens_of_one_moment_differ_in_their_id(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    texts = [access_tokens.issue(CLAIMS).text for _ in range(2)]
    ids = {jwt.decode(text, keys.signing, algorithms=["ES256"]).claims["jti"] for text in texts}
    assert len(ids) == 2


@pytest.mark.parametrize("now", [EXPIRY, EXPIRY + TICK, EXPIRY + timedelta(days=9999)])
def test_a_token_is_expired_from_its_very_expiry_on(
    access_tokens: JwtAccessTokens, now: datetime
) -> None:
    text = access_tokens.issue(CLAIMS).text
    with pytest.raises(TokenExpired):
        access_tokens.read(text, now=now)


def test_a_token_may_expire_at_a_fraction_of_a_second(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing, claims=good_claims(exp=ISSUED_AT + 0.5))
    half = NOW.replace(microsecond=500_000)
    access_tokens.read(text, now=half - TICK)
    with pytest.raises(TokenExpired):
        access_tokens.read(text, now=half)


def test_an_expired_token_that_is_forged_is_forged(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = access_tokens.issue(CLAIMS).text
    keys.live.clear()
    with pytest.raises(InvalidToken):
        access_tokens.read(text, now=EXPIRY)


def test_a_token_for_us_and_others_is_for_us(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing, claims=good_claims(aud=["https://other.example", ISSUER]))
    assert access_tokens.read(text, now=NOW).user_id == ANNA


def test_a_scope_that_this_version_does_not_know_grants_nothing(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    for scope, known in (
        ("items:read items:paint", {Scope.ITEMS_READ}),
        ("ITEMS:READ", set()),
        ("", set()),
    ):
        text = minted(keys.signing, claims=good_claims(scope=scope))
        assert access_tokens.read(text, now=NOW).scopes == known


def test_a_genuine_token_can_be_inspected_after_its_time_and_any_other_never(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing, claims=good_claims(exp=ISSUED_AT - 1, jti="its id"))
    found = access_tokens.inspect(text)
    assert (found.token_id, found.expires_at) == ("its id", ISSUED_AT - 1)
    assert (found.claims.user_id, found.claims.session_id) == (ANNA, SESSION)
    with pytest.raises(TokenExpired):
        access_tokens.read(text, now=NOW)
    with pytest.raises(InvalidToken):
        access_tokens.inspect(minted(new_key("the key")))
