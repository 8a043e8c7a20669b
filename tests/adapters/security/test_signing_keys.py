"""Signing keys are made for ES256, and their private parts leave the service sealed."""

import json
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from adapters.security.sealing import SecretSealer
from adapters.security.secrets import Secrets
from adapters.security.signing_keys import EcKeyForge
from domain.errors import StoreUnfit
from domain.key import SigningKey
from tests.adapters.security.conftest import TOMORROW
from tests.domain.examples import LATER, NOW


@pytest.fixture
def key(forge: EcKeyForge) -> SigningKey:
    return forge.make(now=NOW, signs_from=LATER)


def opens(forge: EcKeyForge, key: SigningKey) -> bool:
    try:
        private = ECKey.import_key(forge.open(key))
    except StoreUnfit:
        return False
    return private.is_private and private.thumbprint() == key.id


def test_a_key_is_known_by_its_thumbprint_and_signs_when_it_was_told(key: SigningKey) -> None:
    assert ECKey.import_key(json.loads(key.public)).thumbprint() == key.id
    assert (key.created_at, key.signs_from) == (NOW, LATER)
    assert len(key.id) <= 64


def test_what_is_published_has_the_public_part_only(key: SigningKey) -> None:
    published = json.loads(key.public)
    assert published.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (published["kty"], published["crv"]) == ("EC", "P-256")
    assert (published["kid"], published["use"], published["alg"]) == (key.id, "sig", "ES256")


def test_every_key_is_another(forge: EcKeyForge) -> None:
    keys = [forge.make(now=NOW, signs_from=NOW) for _ in range(10)]
    assert len({key.id for key in keys}) == 10
    assert len({key.sealed for key in keys}) == 10


def test_a_sealed_key_opens_to_its_private_part(forge: EcKeyForge, key: SigningKey) -> None:
    assert opens(forge, key)
    assert b"PRIVATE" not in key.sealed
    private = ECKey.import_key(forge.open(key)).as_dict(private=True)
    assert str(private["d"]).encode() not in key.sealed
    assert str(private["d"]) not in key.public


def test_the_previous_secret_still_opens_what_it_sealed(key: SigningKey, rotated: Secrets) -> None:
    assert opens(EcKeyForge(SecretSealer(rotated)), key)


def test_under_another_secret_a_key_can_neither_be_opened_nor_sealed_anew(
    key: SigningKey, given_up: Secrets
) -> None:
    with pytest.raises(StoreUnfit):
        EcKeyForge(SecretSealer(given_up)).open(key)
    with pytest.raises(StoreUnfit):
        EcKeyForge(SecretSealer(given_up)).resealed(key)


def test_a_key_sealed_with_the_secret_of_today_is_left_as_it_is(
    forge: EcKeyForge, key: SigningKey
) -> None:
    assert forge.resealed(key) is key


def test_a_key_sealed_anew_is_the_same_key_under_the_secret_of_today(
    forge: EcKeyForge, key: SigningKey, rotated: Secrets
) -> None:
    tomorrow = EcKeyForge(SecretSealer(rotated))
    resealed = tomorrow.resealed(key)
    assert replace(resealed, sealed=key.sealed) == key
    assert tomorrow.open(resealed) == forge.open(key)
    assert tomorrow.resealed(resealed) is resealed
    without_the_old = EcKeyForge(SecretSealer(Secrets(TOMORROW)))
    assert opens(without_the_old, resealed)
    assert not opens(without_the_old, key)
    assert not opens(forge, resealed)


def test_the_private_part_of_one_key_does_not_pass_for_that_of_another(
    forge: EcKeyForge, key: SigningKey
) -> None:
    other = forge.make(now=NOW, signs_from=NOW)
    for confused in (replace(key, sealed=other.sealed), replace(key, id=other.id)):
        with pytest.raises(StoreUnfit):
            forge.open(confused)
