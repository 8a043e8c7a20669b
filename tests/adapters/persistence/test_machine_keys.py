"""Every store keeps machine keys as the port promises."""

from dataclasses import replace

import pytest

from domain.access import MachineKeyId, Role, Scope
from domain.errors import TokenRevoked
from domain.machine_key import KeyStanding, MachineKey
from domain.user import Status, User
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    BERT,
    LATER,
    MACHINE_KEY,
    NOW,
    a_machine_key,
    a_user,
    uuid,
)

FULL = a_machine_key(
    name="\u00fc" * 100, scopes=frozenset(Scope), expires_at=LATER, last_used_at=NOW
)


def key(number: int, **fields: object) -> MachineKey:
    return a_machine_key(id=MachineKeyId(uuid(number)), digest=bytes([number]) * 32, **fields)


def keep(store: Store, *keys: MachineKey) -> None:
    with store.unit_of_work() as work:
        for each in keys:
            work.machine_keys.add(each)
        work.commit()


def kept(store: Store, whose: object = ANNA) -> list[int]:
    """Return the numbers of somebody's keys, the newest first."""
    with store.reading() as see:
        return [each.id.int >> 80 for each in see.machine_keys.of_user(whose)]  # type: ignore[arg-type]  # an id


@pytest.mark.parametrize("each", [a_machine_key(), FULL], ids=["least", "most"])
def test_a_key_comes_back_as_it_was(store: Store, anna: User, each: MachineKey) -> None:
    keep(store, each)
    with store.reading() as see:
        assert list(see.machine_keys.of_user(ANNA)) == [each]
    with store.unit_of_work() as work:
        assert work.machine_keys.lock(MACHINE_KEY) == each
        assert work.machine_keys.lock_known_by(each.digest) == each
        assert work.machine_keys.lock(MachineKeyId(uuid(99))) is None
        assert work.machine_keys.lock_known_by(b"another") is None


def test_a_key_stands_with_its_users_role_and_status(store: Store, anna: User) -> None:
    keep(store, FULL)
    expected = KeyStanding(
        id=MACHINE_KEY,
        user_id=ANNA,
        role=Role.MEMBER,
        status=Status.ACTIVE,
        scopes=frozenset(Scope),
        expires_at=LATER,
        last_used_at=NOW,
    )
    with store.reading() as see:
        assert see.machine_keys.standing(FULL.digest) == expected
        assert see.machine_keys.standing(b"another") is None
        assert see.machine_keys.standing(b"") is None
    with store.unit_of_work() as work:
        work.users.save(replace(anna, role=Role.ADMIN, status=Status.SUSPENDED))
        work.commit()
    with store.reading() as see:
        assert see.machine_keys.standing(FULL.digest) == replace(
            expected, role=Role.ADMIN, status=Status.SUSPENDED
        )


def test_a_key_that_is_held_can_be_changed(store: Store, anna: User) -> None:
    keep(store, a_machine_key())
    used = a_machine_key().used(now=LATER)
    with store.unit_of_work() as work:
        assert work.machine_keys.lock(MACHINE_KEY) == a_machine_key()
        work.machine_keys.save(used)
        work.commit()
    with store.reading() as see:
        assert list(see.machine_keys.of_user(ANNA)) == [used]


def test_keys_come_the_newest_first_and_nobody_elses(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()
    keep(store, key(1), key(2, created_at=LATER), key(3), key(4, user_id=BERT))
    assert kept(store) == [2, 3, 1]
    assert kept(store, BERT) == [4]


def test_an_ended_key_is_gone_and_ending_it_again_is_no_harm(store: Store, anna: User) -> None:
    keep(store, key(1), key(2))
    for _ in range(2):
        with store.unit_of_work() as work:
            work.machine_keys.remove(MachineKeyId(uuid(1)))
            work.commit()
    assert kept(store) == [2]


def test_keys_go_with_their_user_and_no_other(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()
    keep(store, key(1), key(2, user_id=BERT))
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    assert (kept(store), kept(store, BERT)) == ([], [2])
    with store.reading() as see:
        assert see.machine_keys.standing(key(1).digest) is None
        assert see.machine_keys.standing(key(2).digest)


def test_a_key_of_a_user_who_is_gone_is_not_made(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.machine_keys.add(a_machine_key())


def test_what_was_not_committed_was_never_there(store: Store, anna: User) -> None:
    keep(store, key(1))
    with store.unit_of_work() as work:
        work.machine_keys.add(key(2))
        work.machine_keys.remove(MachineKeyId(uuid(1)))
    assert kept(store) == [1]


def test_all_keys_of_a_user_can_end_at_once(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()
    keep(store, key(1), key(2), key(3, user_id=BERT))
    with store.unit_of_work() as work:
        work.machine_keys.remove_all_of(ANNA)
        work.commit()
    assert kept(store) == []
    assert kept(store, BERT) == [3]
