"""A unit of work is stored at its commit, all of it, and at no other moment."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.user import User
from tests.application.house import Store
from tests.domain.examples import ANNA, ITEM, SESSION, a_key, a_session, a_user, an_item


class Interruption(Exception):
    """Something goes wrong in the midst of a unit of work."""


def _interrupted(store: Store, *, committed: bool) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        if committed:
            work.commit()
        raise Interruption


def is_known(store: Store) -> bool:
    with store.reading() as see:
        return see.users.get(ANNA) is not None


def test_what_is_committed_stays(store: Store) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        work.commit()
    assert is_known(store)


def test_what_is_not_committed_is_lost(store: Store) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        assert work.users.get(ANNA)
    assert not is_known(store)


def test_what_was_done_before_an_interruption_is_lost_and_the_interruption_is_not(
    store: Store,
) -> None:
    with pytest.raises(Interruption):
        _interrupted(store, committed=False)
    assert not is_known(store)


def test_a_commit_before_an_interruption_stays(store: Store) -> None:
    with pytest.raises(Interruption):
        _interrupted(store, committed=True)
    assert is_known(store)


def test_nothing_can_be_done_after_the_commit(store: Store) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        items = work.items
        work.commit()
        attempts: list[Callable[[], None]] = [
            lambda: items.add(an_item()),
            lambda: work.at_the_end(work.commit),
            work.commit,
        ]
        for after in attempts:
            with pytest.raises(RuntimeError):
                after()
    with store.reading() as see:
        assert see.users.get(a_user().id)
        assert see.items.get(ITEM) is None


def test_what_is_for_the_end_is_done_in_its_turn_and_stored_with_the_rest(store: Store) -> None:
    done: list[str] = []
    with store.unit_of_work() as work:
        work.at_the_end(lambda: work.users.add(a_user()))
        work.at_the_end(lambda: done.append("afterwards"))
        assert work.users.get(ANNA) is None
        work.commit()
    assert is_known(store)
    assert done == ["afterwards"]


def test_what_is_for_the_end_is_not_done_without_a_commit(store: Store) -> None:
    done: list[str] = []
    with store.unit_of_work() as work:
        work.at_the_end(lambda: done.append("never"))
    assert done == []


def test_a_unit_of_work_without_changes_may_be_committed(store: Store) -> None:
    with store.unit_of_work() as work:
        work.commit()
    assert not is_known(store)


def test_a_reader_sees_what_is_committed_and_nothing_before(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.save(replace(anna, display_name="Another"))
        work.items.add(an_item())
        work.keys.add(a_key())
        with store.reading() as see:
            assert see.users.get(ANNA) == anna
            assert see.items.get(ITEM) is None
            assert list(see.keys.all()) == []
        work.commit()
        with store.reading() as see:
            assert see.users.get(ANNA) != anna
            assert see.items.get(ITEM)
            assert list(see.keys.all())


def test_a_unit_of_work_sees_what_it_did_itself(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.items.add(an_item())
        work.sessions.add(a_session())
        assert work.items.lock(ITEM) == an_item()
        assert work.sessions.lock(SESSION) == a_session()
        work.users.remove(ANNA)
        assert work.items.get(ITEM) is None
        assert work.sessions.lock(SESSION) is None
    with store.reading() as see:
        assert see.users.get(ANNA) == anna
        assert see.items.get(ITEM) is None


def test_one_unit_of_work_after_the_other_builds_on_what_it_left(store: Store, anna: User) -> None:
    for version in range(1, 4):
        with store.unit_of_work() as work:
            item = work.items.lock(ITEM)
            if item is None:
                work.items.add(an_item(version=version))
            else:
                work.items.save(replace(item, version=item.version + 1), before=item)
            work.commit()
    with store.reading() as see:
        assert see.items.get(ITEM) == an_item(version=3)
