"""A token proves nothing unless its form, header and signature are ours: threats.md B1 to B5."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.security.access_tokens import JwtAccessTokens
from tests.adapters.security.minting import (
    ABSENT,
    LiveKeys,
    encoded,
    good_claims,
    good_header,
    minted,
    new_key,
    refuse,
    signature,
    signing_input,
)
from tests.domain.examples import ANNA, NOW

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PAYLOAD = json.dumps(good_claims())


def test_what_is_minted_here_is_good_until_it_is_altered(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    """The twin of every refusal below: they differ from this token in one thing only."""
    assert access_tokens.read(minted(keys.signing), now=NOW).user_id == ANNA


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, ABSENT, ["none"]], ids=repr
)
def test_b1_a_token_without_a_signature_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, algorithm: object
) -> None:
    unsigned = signing_input(good_header(alg=algorithm), PAYLOAD)
    for proof in (b"", bytes(64), signature(keys.signing, unsigned.encode())):
        refuse(access_tokens, f"{unsigned}.{encoded(proof)}")


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "empty"])
def test_b1_our_public_key_is_no_shared_secret(
    access_tokens: JwtAccessTokens, keys: LiveKeys, form: str
) -> None:
    public = {
        "pem": keys.signing.as_pem(private=False),
        "der": keys.signing.as_der(private=False),
        "jwk": json.dumps(keys.signing.as_dict(private=False)).encode(),
        "empty": b"",
    }[form]
    for name, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
        unsigned = signing_input(good_header(alg=name), PAYLOAD)
        mac = hmac.digest(public, unsigned.encode(), digest)
        refuse(access_tokens, f"{unsigned}.{encoded(mac)}")


@pytest.mark.parametrize(
    "algorithm", ["ES384", "ES512", "ES256K", "RS256", "PS256", "EdDSA", "es256"]
)
def test_b1_the_header_does_not_choose_the_algorithm(
    access_tokens: JwtAccessTokens, keys: LiveKeys, algorithm: str
) -> None:
    refuse(access_tokens, minted(keys.signing, header=good_header(alg=algorithm)))


def test_b1_a_signature_of_another_key_or_of_nothing_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    refuse(access_tokens, minted(new_key("the key")))
    unsigned = signing_input(good_header(), PAYLOAD)
    private = keys.signing.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    der = private.sign(unsigned.encode(), ec.ECDSA(SHA256()))  # not the form of RFC 7518 §3.4
    for proof in (b"", bytes(64), b"\xff" * 64, bytes(32) + b"\x01" * 32, b"\x01" * 65, der):
        refuse(access_tokens, f"{unsigned}.{encoded(proof)}")


@pytest.mark.parametrize(
    "id",
    [ABSENT, None, "", "another", "THE KEY", 0, True, ["the key"], {"the key": 1}, "../the key"],
    ids=repr,
)
def test_b1_a_token_without_the_id_of_a_live_key_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, id: object
) -> None:
    refuse(access_tokens, minted(keys.signing, header=good_header(kid=id)))


@pytest.mark.parametrize("id", ["the key", "mine", ABSENT], ids=repr)
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_b2_a_key_that_a_token_brings_along_is_not_believed(
    access_tokens: JwtAccessTokens, name: str, id: object
) -> None:
    theirs = new_key("mine")
    brought: dict[str, Any] = {
        "jwk": theirs.as_dict(private=False),
        "jku": "http://127.0.0.1:9/keys",
        "x5u": "http://127.0.0.1:9/certificate",
        "x5c": [encoded(theirs.as_der(private=False))],
        "x5t": encoded(b"thumbprint"),
    }
    header = good_header(kid=id, **{name: brought[name]})
    refuse(access_tokens, minted(theirs, header=header))


@pytest.mark.parametrize(
    "critical",
    [
        {"crit": ["unknown"], "unknown": 1},
        {"crit": ["unknown"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"crit": []},
        {"crit": "typ"},
        {"crit": None},
        {"zip": "DEF"},
    ],
    ids=repr,
)
def test_b3_an_extension_that_must_be_understood_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, critical: dict[str, Any]
) -> None:
    refuse(access_tokens, minted(keys.signing, header=good_header(**critical)))


def test_b3_a_payload_that_was_signed_as_it_is_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    header = encoded(json.dumps(good_header(b64=False, crit=["b64"])).encode())
    payload = PAYLOAD.replace(".", "")
    proof = encoded(signature(keys.signing, f"{header}.{payload}".encode()))
    refuse(access_tokens, f"{header}.{payload}.{proof}")


@pytest.mark.parametrize(
    "other",
    [ABSENT, None, "", "JWT", "jwt", "at", "id+jwt", "refresh+jwt", ["at+jwt"], "at+jwt "],
    ids=repr,
)
def test_b4_a_token_of_another_type_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys, other: object
) -> None:
    refuse(access_tokens, minted(keys.signing, header=good_header(typ=other)))


def test_b13_a_token_has_three_parts_and_nothing_around_them(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing)
    header, payload, proof = text.split(".")
    variants = [
        f" {text}",
        f"{text} ",
        f"{text}\n",
        f"\t{text}",
        text.replace(".", ". "),
        text[:-1],
    ]
    variants += [f"{text}.", f".{text}", f"{text}.{proof}", f"{header}.{payload}", header, "", " "]
    variants += [f"{header}.{payload}.", f".{payload}.{proof}", f"{header}..{proof}", "..", "...."]
    variants += [f"{text},{text}", f"{text} {text}", f'"{text}"', f"Bearer {text}", f"{text}="]
    variants += [f"{text}\x00", f"{text}\u00e9", f"{text}\ud800", text.replace(".", "\uff0e")]
    variants += [json.dumps({"protected": header, "payload": payload, "signature": proof})]
    for variant in variants:
        refuse(access_tokens, variant)


def test_a_token_altered_in_any_character_is_refused(
    access_tokens: JwtAccessTokens, keys: LiveKeys
) -> None:
    text = minted(keys.signing)
    for place, character in enumerate(text):
        other = "A" if character == "." else ALPHABET[ALPHABET.index(character) ^ 32]
        refuse(access_tokens, text[:place] + other + text[place + 1 :])
