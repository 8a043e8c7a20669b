"""The key ring follows what happens to the keys in the store, soon, and without asking often."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from joserfc.jwk import ECKey

from adapters.memory.store import InMemoryStore
from adapters.security.access_tokens import JwtAccessTokens
from adapters.security.sealing import SecretSealer
from adapters.security.secrets import Secrets
from adapters.security.signing_keys import (
    FOLLOW_AFTER,
    LOOK_UP_AFTER,
    EcKeyForge,
    KeyRing,
)
from application.ports.security import AccessClaims
from application.ports.store import Repositories
from domain.access import Role
from domain.errors import StoreUnfit
from domain.key import FOLLOWED_WITHIN, KeyId, SigningKey
from tests.adapters.security.minting import ISSUER
from tests.domain.examples import ANNA, NOW, SESSION

CLAIMS = AccessClaims(
    user_id=ANNA,
    session_id=SESSION,
    scopes=Role.MEMBER.scopes,
    issued_at=NOW.replace(microsecond=0),
)


class Watch(SimpleNamespace):
    """A monotonic clock that goes when it is told to."""

    seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class House:
    """A store of keys, and workers that look into it."""

    def __init__(self, store: InMemoryStore, forge: EcKeyForge) -> None:
        self.store = store
        self.forge = forge
        self.now = NOW
        self.looks = 0

    def clock(self) -> datetime:
        return self.now

    @contextmanager
    def reading(self) -> Iterator[Repositories]:
        self.looks += 1
        with self.store.reading() as see:
            yield see

    def worker(self, secrets: Secrets | None = None) -> KeyRing:
        forge = EcKeyForge(SecretSealer(secrets)) if secrets else self.forge
        return KeyRing(self.reading, forge, self.clock)

    def add_key(self, *, signs_in: timedelta = timedelta(0)) -> SigningKey:
        key = self.forge.make(now=self.now, signs_from=self.now + signs_in)
        with self.store.unit_of_work() as work:
            work.keys.add(key)
            work.commit()
        return key

    def retire(self, id: KeyId) -> None:
        with self.store.unit_of_work() as work:
            work.keys.remove(id)
            work.commit()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("adapters.security.signing_keys.time", watch)
    return watch


@pytest.fixture
def house(store: InMemoryStore, forge: EcKeyForge, watch: Watch) -> House:
    return House(store, forge)


def same(one: ECKey | None, other: ECKey | None) -> bool:
    return one is not None and other is not None and one.thumbprint() == other.thumbprint()


def test_rotations_are_followed_within_the_five_seconds_that_were_promised() -> None:
    assert 0 < LOOK_UP_AFTER <= FOLLOW_AFTER < 5


def test_the_pair_that_signs_is_one_of_those_that_verify(house: House) -> None:
    key = house.add_key()
    ring = house.worker()
    assert ring.to_sign().kid == key.id
    assert same(ring.to_sign(), ring.to_verify(key.id))


def test_without_any_key_nothing_can_be_signed_and_nothing_verifies(house: House) -> None:
    with pytest.raises(StoreUnfit):
        house.worker().to_sign()
    assert house.worker().to_verify("any") is None


def test_a_key_that_is_published_signs_when_its_time_has_come(house: House, watch: Watch) -> None:
    old, new = house.add_key(), house.add_key(signs_in=timedelta(seconds=300))
    ring = house.worker()
    assert ring.to_sign().kid == old.id
    assert ring.to_verify(new.id)
    house.now += timedelta(seconds=300)
    assert ring.to_sign().kid == new.id
    assert ring.to_verify(old.id)


def test_a_new_key_is_followed_without_a_restart(house: House, watch: Watch) -> None:
    house.add_key()
    ring = house.worker()
    ring.to_sign()
    house.now += timedelta(seconds=1)
    new = house.add_key()
    watch.seconds += FOLLOW_AFTER
    assert ring.to_sign().kid == new.id


def test_a_retired_key_verifies_no_more_once_that_was_followed(house: House, watch: Watch) -> None:
    old, new = house.add_key(), house.add_key()
    ring = house.worker()
    assert ring.to_verify(old.id)
    house.retire(old.id)
    watch.seconds += FOLLOW_AFTER
    assert ring.to_verify(old.id) is None
    assert ring.to_verify(new.id)


def test_the_store_is_not_asked_again_before_it_is_time(house: House, watch: Watch) -> None:
    key = house.add_key()
    ring = house.worker()
    for _ in range(100):
        ring.to_sign()
        ring.to_verify(key.id)
        watch.seconds += FOLLOW_AFTER / 101
    assert house.looks == 1
    watch.seconds += FOLLOW_AFTER
    ring.to_verify(key.id)
    assert house.looks == 2


def test_a_key_that_is_not_known_yet_is_looked_up(house: House, watch: Watch) -> None:
    house.add_key()
    ring = house.worker()
    ring.to_sign()
    new = house.add_key()
    watch.seconds += LOOK_UP_AFTER
    assert ring.to_verify(new.id)
    assert house.looks == 2


def test_unknown_ids_cause_no_more_than_one_look_a_second(house: House, watch: Watch) -> None:
    house.add_key()
    ring = house.worker()
    ring.to_sign()
    for attempt in range(1000):
        assert ring.to_verify(f"unknown {attempt}") is None
        watch.seconds += LOOK_UP_AFTER / 100
    assert 9 <= house.looks <= 11


@pytest.mark.parametrize("id", [None, 1, True, b"bytes"])
def test_what_is_no_id_finds_no_key(house: House, id: object) -> None:
    house.add_key()
    assert house.worker().to_verify(id) is None


def test_a_token_of_one_worker_is_accepted_by_every_other_at_once(
    house: House, watch: Watch
) -> None:
    """Even where keys were rotated in a hurry, whenever each of the others looked last."""
    house.add_key()
    rings = [house.worker() for _ in range(10)]
    for ring in rings:
        ring.to_sign()
        watch.seconds += FOLLOW_AFTER / len(rings)
    new = house.add_key(signs_in=FOLLOWED_WITHIN)
    watch.seconds += FOLLOWED_WITHIN.total_seconds()
    house.now += FOLLOWED_WITHIN
    workers = [JwtAccessTokens(ring, issuer=ISSUER, lifetime=600) for ring in rings]
    for one in workers:
        text = one.issue(CLAIMS).text
        assert [other.read(text, now=house.now) for other in workers] == [CLAIMS] * len(rings)
    assert {ring.to_sign().kid for ring in rings} == {new.id}


def test_threads_side_by_side_look_once(house: House, watch: Watch) -> None:
    key = house.add_key()
    ring = house.worker()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: ring.to_verify(key.id), range(200)))
    assert all(found)
    assert house.looks == 1


def test_keys_sealed_with_a_secret_that_is_not_known_stop_the_worker(
    house: House, given_up: Secrets, rotated: Secrets
) -> None:
    key = house.add_key()
    assert house.worker(rotated).to_sign().kid == key.id
    with pytest.raises(StoreUnfit):
        house.worker(given_up).to_sign()
