"""ID tokens, case by case: what OpenID Connect Core 1.0 §3.1.3.7 refuses is refused here."""

import base64
import hmac
import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from adapters.identity.key_sets import KeySet
from domain.errors import InvalidIdentity
from tests.adapters.identity.visits import ISSUER, MOMENT, Stage
from tests.provider import CLIENT_ID, CLIENT_SECRET, signed

NOW = int(MOMENT.timestamp())
Claims = dict[str, Any]


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def written(number: int) -> str:
    """Return a number as a key lists it (RFC 7518 §2)."""
    size = (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(size)).rstrip(b"=").decode()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def changed(stage: Stage, header: Claims | None = None, **changes: Any) -> None:
    """Let the provider say something else in its tokens; ... leaves a claim out."""

    def forge(claims: Claims, usual: Claims, key: ECKey) -> str:
        merged = {name: value for name, value in (claims | changes).items() if value is not ...}
        return signed(merged, usual | (header or {}), key)

    stage.played.forge = forge


async def test_a_token_as_it_should_be_says_who_it_is(stage: Stage) -> None:
    proven = await stage.come_back(stage.oidc())
    assert (proven.issuer, proven.subject, proven.email) == (ISSUER, "1234", "ada@example.com")
    assert (proven.email_verified, proven.name, proven.provider) == (True, "Ada", "played")


ACCEPTED: dict[str, Claims] = {
    "audience in a list": {"aud": [CLIENT_ID]},
    "several audiences and we are the party": {"aud": ["other", CLIENT_ID], "azp": CLIENT_ID},
    "we are the party": {"azp": CLIENT_ID},
    "no at_hash": {"at_hash": ...},
    "a clock that is a little behind": {"exp": NOW - 30, "iat": NOW - 330},
    "a clock that is a little ahead": {"iat": NOW + 30},
    "a fraction of a second": {"exp": NOW + 300.5},
    "claims that are not known": {"amr": ["pwd"], "x": {"y": [None]}},
}


@pytest.mark.parametrize("claims", ACCEPTED.values(), ids=ACCEPTED)
async def test_what_a_provider_may_say_is_accepted(stage: Stage, claims: Claims) -> None:
    changed(stage, **claims)
    await stage.come_back(stage.oidc())


REFUSED: dict[str, Claims] = {
    "no issuer": {"iss": ...},
    "another issuer": {"iss": "https://evil.example"},
    "nearly our issuer": {"iss": f"{ISSUER}/"},
    "issuer in a list": {"iss": [ISSUER]},
    "no audience": {"aud": ...},
    "another audience": {"aud": "other"},
    "no audience in the list": {"aud": []},
    "other audiences": {"aud": ["other", "another"]},
    "nearly our audience": {"aud": f"{CLIENT_ID} "},
    "audience in an object": {"aud": {CLIENT_ID: 1}},
    "several audiences and no party": {"aud": ["other", CLIENT_ID]},
    "several audiences and another party": {"aud": ["other", CLIENT_ID], "azp": "other"},
    "another party": {"azp": "other"},
    "another audience and we are the party": {"aud": "other", "azp": CLIENT_ID},
    "no end": {"exp": ...},
    "ended": {"exp": NOW - 120},
    "end in text": {"exp": str(NOW + 300)},
    "end is true": {"exp": True},
    "end is null": {"exp": None},
    "end in a list": {"exp": [NOW + 300]},
    "end is not a number": {"exp": math.nan},
    "end is never": {"exp": math.inf},
    "end has 400 digits": {"exp": 10**400},
    "no time of issue": {"iat": ...},
    "issued tomorrow": {"iat": NOW + 86400},
    "issued yesterday": {"iat": NOW - 86400},
    "time of issue in text": {"iat": str(NOW)},
    "begins tomorrow": {"nbf": NOW + 86400},
    "begins in text": {"nbf": "now"},
    "no nonce": {"nonce": ...},
    "another nonce": {"nonce": "another"},
    "empty nonce": {"nonce": ""},
    "nonce in a list": {"nonce": ["a nonce"]},
    "nonces are not for us": {"nonce": ..., "nonce_supported": False},
    "no subject": {"sub": ...},
    "empty subject": {"sub": ""},
    "subject is a number": {"sub": 1234},
    "subject is null": {"sub": None},
    "another at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "empty at_hash": {"at_hash": ""},
    "at_hash is a number": {"at_hash": 1},
    "at_hash in odd letters": {"at_hash": "\u00fc"},
}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED)
async def test_what_is_not_for_us_now_and_in_this_flow_is_refused(
    stage: Stage, claims: Claims
) -> None:
    changed(stage, **claims)
    with pytest.raises(InvalidIdentity) as caught:
        await stage.come_back(stage.oidc())
    found = re.fullmatch("provider played: (.+) of the ID token", str(caught.value.cause))
    assert found
    assert set(claims) <= {*found[1].replace(",", "").split(), "nonce_supported"}


def unsigned(claims: Claims, header: Claims, _: ECKey) -> str:
    return f"{part(header | {'alg': 'none'})}.{part(claims)}."


def unsigned_in_capitals(claims: Claims, header: Claims, _: ECKey) -> str:
    return f"{part(header | {'alg': 'None'})}.{part(claims)}."


def unsigned_but_said_to_be(claims: Claims, header: Claims, _: ECKey) -> str:
    return f"{part(header)}.{part(claims)}."


def by_secret(claims: Claims, header: Claims, _: ECKey) -> str:
    key = OctKey.import_key(CLIENT_SECRET.ljust(32, "x"))
    return jwt.encode(header | {"alg": "HS256"}, claims, key, algorithms=["HS256"])


def by_public_key(claims: Claims, header: Claims, key: ECKey) -> str:
    head = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
    mac = hmac.digest(key.as_pem(private=False), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_another_key(claims: Claims, header: Claims, _: ECKey) -> str:
    return signed(claims, header, ECKey.generate_key("P-256"))


def by_a_key_of_its_own(claims: Claims, header: Claims, _: ECKey) -> str:
    own = ECKey.generate_key("P-256")
    sent = header | {"jwk": own.as_dict(private=False)}
    return jwt.encode(sent, claims, own, algorithms=["ES256"])


def altered(claims: Claims, header: Claims, key: ECKey) -> str:
    head, _, signature = signed(claims, header, key).split(".")
    return f"{head}.{part(claims | {'sub': 'somebody else'})}.{signature}"


def critical(claims: Claims, header: Claims, key: ECKey) -> str:
    said = f"{part(header | {'crit': ['x'], 'x': 1})}.{part(claims)}"
    signature = JWSRegistry.algorithms["ES256"].sign(said.encode(), key)
    return f"{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unencoded(claims: Claims, header: Claims, key: ECKey) -> str:
    sent = header | {"b64": False, "crit": ["b64"]}
    return jwt.encode(sent, claims, key, algorithms=["ES256"])


def on_another_curve(claims: Claims, header: Claims, _: ECKey) -> str:
    key = ECKey.generate_key("secp256k1")
    return jwt.encode(header | {"alg": "ES256K"}, claims, key, algorithms=["ES256K"])


def says(text: object) -> Callable[[Claims, Claims, ECKey], Any]:
    return lambda *_: text


def too_long(claims: Claims, header: Claims, key: ECKey) -> str:
    return signed(claims | {"x": "x" * 60_000}, header, key)


FORGERIES = {
    "none": unsigned,
    "None": unsigned_in_capitals,
    "no signature": unsigned_but_said_to_be,
    "HMAC with the client's secret": by_secret,
    "HMAC with the public key": by_public_key,
    "another key": by_another_key,
    "a key that it brings along": by_a_key_of_its_own,
    "altered": altered,
    "crit": critical,
    "b64": unencoded,
    "ES256K": on_another_curve,
    "too long": too_long,
    "no token": says(None),
    "a number": says(5),
    "no JWT": says("nonsense"),
    "empty parts": says(".."),
    "five parts": says("a.b.c.d.e"),
    "header is a list": says(f"{part([])}.{part({})}.x"),
    "algorithm is a list": says(f"{part({'alg': ['ES256']})}.{part({})}.x"),
    "key's name is a number": says(f"{part({'alg': 'ES256', 'kid': 5})}.{part({})}.x"),
    "header is deep": says(f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.x"),
    "odd letters": says("\u00fc.\u00fc.\u00fc"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_token_that_the_provider_did_not_sign_so_is_refused(
    stage: Stage, forge: Any
) -> None:
    assert (
        "none"
        in stage.played.answer("GET", "/.well-known/openid-configuration", {}, b"").content[
            "id_token_signing_alg_values_supported"
        ]
    )
    stage.played.forge = forge
    with pytest.raises(InvalidIdentity) as caught:
        await stage.come_back(stage.oidc())
    assert str(caught.value.cause) in {
        f"provider played: {what}"
        for what in ("signature", "no ID token", "header of the ID token")
    }


async def test_claims_that_are_no_object_are_refused(stage: Stage) -> None:
    def forge(_: Claims, header: Claims, key: ECKey) -> str:
        token = jwt.encode(header, {}, key, algorithms=["ES256"])
        return token.replace(token.split(".")[1], part([1]))

    stage.played.forge = forge
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc())


SIGNERS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: RSAKey.generate_key(2048, {"kid": "r"}),
    "PS256": lambda: RSAKey.generate_key(2048, {"kid": "r"}),
    "ES384": lambda: ECKey.generate_key("P-384", {"kid": "e"}),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519", {"kid": "o"}),
}


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_every_algorithm_of_ours_is_verified_with_its_at_hash(
    stage: Stage, algorithm: str
) -> None:
    key: Any = SIGNERS[algorithm]()
    stage.played.extra_keys = [key.as_dict(private=False)]

    def forge(claims: Claims, _: Claims, __: ECKey) -> str:
        said = claims if algorithm[-3:] == "256" else claims | {"at_hash": ...}
        said = {name: value for name, value in said.items() if value is not ...}
        header = {"alg": algorithm, "kid": key.kid}
        return jwt.encode(header, said, key, algorithms=[algorithm])

    stage.played.forge = forge
    assert (await stage.come_back(stage.oidc())).subject == "1234"


@pytest.mark.parametrize("padding", ["", "AAAA" * 50])
async def test_a_short_rsa_key_proves_nothing(stage: Stage, padding: str) -> None:
    with pytest.warns(SecurityWarning):
        key = RSAKey.generate_key(1024)
    public = key.as_dict(private=False)
    stage.played.extra_keys = [public | {"kid": "short", "n": f"{padding}{public['n']}"}]

    def forge(claims: Claims, _: Claims, __: ECKey) -> str:
        return jwt.encode({"alg": "RS256", "kid": "short"}, claims, key, algorithms=["RS256"])

    stage.played.forge = forge
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc())


@pytest.mark.parametrize(
    ("bits", "exponent", "count"),
    [
        (2048, 65_537, 1), (4096, 3, 1), (8192, 2**32 - 1, 1), (2047, 65_537, 0),
        (8193, 65_537, 0), (100_000, 65_537, 0), (3072, 2**32 + 1, 0), (3072, 2**3071 + 1, 0),
    ],
)  # fmt: skip
def test_rsa_keys_that_take_long_to_check_with_are_passed_over(
    bits: int, exponent: int, count: int
) -> None:
    modulus = (1 << bits - 1) + 1
    listed = [{"kty": "RSA", "n": written(modulus), "e": written(exponent)}]
    assert len(KeySet.read(listed).keys) == count
