"""What must be true before the first request: a schema of today, and keys that can be opened."""

import pytest

from application.ports.store import SchemaState
from application.starting import AUDIT_KEY, PLACE, Migrate, PrepareStore
from domain.errors import StoreUnfit
from tests.application.house import House
from tests.application.stand_ins import PaperSchema

BY_ITSELF = pytest.mark.parametrize("by_itself", [True, False])


def prepared(state: SchemaState, *, by_itself: bool) -> int:
    """Prepare a store; return how often it was migrated."""
    schema = PaperSchema(state, migrates_by_itself=by_itself)
    PrepareStore(schema)()
    assert schema.is_current()
    return schema.migrations


def refused(state: SchemaState, *, by_itself: bool) -> str:
    """Return what to do about a store that a start refuses, untouched."""
    schema = PaperSchema(state, migrates_by_itself=by_itself)
    with pytest.raises(StoreUnfit) as refusal:
        PrepareStore(schema)()
    assert schema.migrations == 0
    return refusal.value.remedy


@BY_ITSELF
def test_a_start_makes_an_empty_store_current(by_itself: bool) -> None:
    assert prepared(SchemaState.EMPTY, by_itself=by_itself) == 1


@BY_ITSELF
def test_a_start_leaves_a_current_store_alone(by_itself: bool) -> None:
    assert prepared(SchemaState.CURRENT, by_itself=by_itself) == 0


def test_a_start_migrates_an_outdated_store_that_nobody_else_uses() -> None:
    assert prepared(SchemaState.OUTDATED, by_itself=True) == 1


def test_a_start_refuses_an_outdated_store_that_others_may_use() -> None:
    assert "basalt migrate" in refused(SchemaState.OUTDATED, by_itself=False)


@BY_ITSELF
@pytest.mark.parametrize("state", [SchemaState.NEWER, SchemaState.FOREIGN])
def test_a_start_refuses_what_is_not_its_own(state: SchemaState, by_itself: bool) -> None:
    assert refused(state, by_itself=by_itself)


@BY_ITSELF
@pytest.mark.parametrize(
    ("state", "did_something"),
    [(SchemaState.EMPTY, True), (SchemaState.OUTDATED, True), (SchemaState.CURRENT, False)],
)
def test_migrating_brings_up_to_date_whatever_is_older(
    state: SchemaState, did_something: bool, by_itself: bool
) -> None:
    schema = PaperSchema(state, migrates_by_itself=by_itself)
    assert Migrate(schema)() is did_something
    assert schema.is_current()
    assert schema.migrations == did_something


@BY_ITSELF
@pytest.mark.parametrize("state", [SchemaState.NEWER, SchemaState.FOREIGN])
def test_migrating_refuses_what_is_not_its_own(state: SchemaState, by_itself: bool) -> None:
    schema = PaperSchema(state, migrates_by_itself=by_itself)
    with pytest.raises(StoreUnfit):
        Migrate(schema)()
    assert schema.migrations == 0


def keys(house: House) -> list[tuple[str, bytes]]:
    with house.store.reading() as see:
        return [(key.id, key.sealed) for key in see.keys.all()]


def audit_key(house: House) -> bytes | None:
    with house.store.reading() as see:
        sealed = see.vault.get(AUDIT_KEY)
    return None if sealed is None else house.sealer.open(AUDIT_KEY, sealed)


def test_the_first_start_makes_a_key_that_signs_at_once(house: House) -> None:
    house.prepare_keys()
    with house.store.reading() as see:
        (key,) = see.keys.all()
    assert key.created_at == key.signs_from == house.clock.now
    assert keys(house) == [("key 1", b"today:key 1:private")]
    made = audit_key(house)
    assert made
    assert len(made) == 32


def test_a_start_leaves_a_sign_that_the_store_was_worked_on_and_keeps_it(house: House) -> None:
    signs = []
    for _ in range(2):
        house.prepare_keys()
        with house.store.reading() as see:
            signs.append(see.vault.get(PLACE))
    assert signs[0] is not None
    assert signs[0] == signs[1]


def test_a_later_start_leaves_the_keys_alone(house: House) -> None:
    house.prepare_keys()
    before = keys(house), audit_key(house)
    house.prepare_keys()
    assert (keys(house), audit_key(house)) == before


def test_a_start_with_a_new_secret_seals_every_key_anew(house: House) -> None:
    house.prepare_keys()
    with house.store.unit_of_work() as work:
        work.keys.add(house.forge.make(now=house.clock(), signs_from=house.clock()))
        work.commit()
    before = audit_key(house)
    house.sealer.secrets.insert(0, "tomorrow")
    house.prepare_keys()
    house.sealer.secrets.remove("today")
    assert keys(house) == [
        ("key 1", b"tomorrow:key 1:private"),
        ("key 2", b"tomorrow:key 2:private"),
    ]
    assert audit_key(house) == before


def test_a_start_that_cannot_open_the_keys_is_refused_and_changes_nothing(house: House) -> None:
    house.prepare_keys()
    before = keys(house)
    house.sealer.secrets[:] = ["another"]
    with pytest.raises(StoreUnfit):
        house.prepare_keys()
    assert keys(house) == before
