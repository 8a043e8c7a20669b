"""Every store keeps signing keys, and the service's other secrets, as the ports promise."""

from dataclasses import replace
from datetime import timedelta

from domain.key import KeyId
from tests.application.house import Store
from tests.domain.examples import LATER, NOW, a_key

OLD = a_key(id=KeyId("z old"), created_at=NOW - timedelta(days=1))
PRESENT = a_key(id=KeyId("m present"))
TWIN = a_key(id=KeyId("n twin"))
NEW = a_key(id=KeyId("a new"), created_at=LATER, signs_from=LATER + timedelta(minutes=5))


def keep(store: Store) -> None:
    with store.unit_of_work() as work:
        for key in (NEW, TWIN, OLD, PRESENT):
            work.keys.add(key)
        work.commit()


def test_without_keys_the_set_is_empty(store: Store) -> None:
    with store.reading() as see:
        assert list(see.keys.all()) == []
    with store.unit_of_work() as work:
        assert list(work.keys.lock_all()) == []


def test_keys_come_oldest_first_in_one_order(store: Store) -> None:
    keep(store)
    with store.reading() as see:
        assert list(see.keys.all()) == [OLD, PRESENT, TWIN, NEW]
    with store.unit_of_work() as work:
        assert list(work.keys.lock_all()) == [OLD, PRESENT, TWIN, NEW]


def test_a_key_of_the_held_set_can_be_sealed_anew(store: Store) -> None:
    keep(store)
    resealed = replace(PRESENT, sealed=bytes(range(256)))
    with store.unit_of_work() as work:
        work.keys.lock_all()
        work.keys.save(resealed)
        work.commit()
    with store.reading() as see:
        assert list(see.keys.all()) == [OLD, resealed, TWIN, NEW]


def test_a_removed_key_is_gone_and_the_others_are_there(store: Store) -> None:
    keep(store)
    with store.unit_of_work() as work:
        work.keys.remove(OLD.id)
        work.keys.remove(KeyId("unknown"))
        work.commit()
    with store.reading() as see:
        assert list(see.keys.all()) == [PRESENT, TWIN, NEW]


def test_the_vault_gives_back_what_was_put_under_a_name(store: Store) -> None:
    with store.unit_of_work() as work:
        work.vault.put("one", bytes(range(256)))
        work.vault.put("other", b"")
        work.commit()
    with store.reading() as see:
        assert see.vault.get("one") == bytes(range(256))
        assert see.vault.get("other") == b""
        assert see.vault.get("ONE") is None


def test_what_is_put_into_the_vault_takes_the_place_of_what_was_there(store: Store) -> None:
    for sealed in (b"first", b"second"):
        with store.unit_of_work() as work:
            work.vault.put("one", sealed)
            work.commit()
    with store.reading() as see:
        assert see.vault.get("one") == b"second"
