"""Whoever comes at the same time gets in line: no change is lost, and no rule broken twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from domain.access import Role, UserId
from domain.audit import Head
from domain.errors import EmailTaken
from domain.key import KeyId
from domain.throttle import Tally
from domain.user import User
from tests.adapters.persistence.test_audit_trail import entry
from tests.application.house import Store
from tests.domain.examples import ITEM, NOW, SESSION, a_key, a_session, a_user, an_item, uuid

SIDE_BY_SIDE = 6


def at_once(act: Callable[[int], object]) -> list[object]:
    """Let threads do the same thing at the same time; return what each came to."""
    barrier = Barrier(SIDE_BY_SIDE)

    def run(number: int) -> object:
        barrier.wait(10)
        return act(number)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        return list(threads.map(run, range(SIDE_BY_SIDE)))


def test_of_many_who_want_one_address_exactly_one_gets_it(store: Store) -> None:
    def register(number: int) -> bool:
        try:
            with store.unit_of_work() as work:
                work.users.add(a_user(id=UserId(uuid(number + 1))))
                work.commit()
        except EmailTaken:
            return False
        return True

    outcomes = at_once(register)
    assert sorted(outcomes, key=bool) == [False] * (SIDE_BY_SIDE - 1) + [True]
    with store.reading() as see:
        winner = see.users.by_email(a_user().email)
    assert winner is not None
    assert winner.id == uuid(outcomes.index(True) + 1)


def test_no_change_of_an_item_that_is_held_is_lost(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.items.add(an_item())
        work.commit()

    def change(_: int) -> None:
        with store.unit_of_work() as work:
            item = work.items.lock(ITEM)
            assert item
            work.items.save(replace(item, version=item.version + 1), before=item)
            work.commit()

    at_once(change)
    with store.reading() as see:
        assert see.items.get(ITEM) == an_item(version=1 + SIDE_BY_SIDE)


def test_no_rotation_of_a_session_that_is_held_is_lost(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.sessions.add(a_session())
        work.commit()

    def rotate(_: int) -> None:
        with store.unit_of_work() as work:
            session = work.sessions.lock(SESSION)
            assert session
            work.sessions.save(session.rotated(secret_id="a secret", now=NOW))
            work.commit()

    at_once(rotate)
    with store.unit_of_work() as work:
        assert work.sessions.lock(SESSION) == a_session(counter=SIDE_BY_SIDE)


def test_a_session_that_is_ended_meanwhile_is_not_brought_back(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.sessions.add(a_session())
        work.commit()

    def rotate_or_end(number: int) -> None:
        with store.unit_of_work() as work:
            session = work.sessions.lock(SESSION)
            if number == 0:
                work.sessions.remove(SESSION)
            elif session:
                work.sessions.save(session.rotated(secret_id="a secret", now=NOW))
            work.commit()

    at_once(rotate_or_end)
    with store.reading() as see:
        assert see.sessions.standing(SESSION) is None


def test_of_all_administrators_who_leave_at_once_one_stays(store: Store) -> None:
    with store.unit_of_work() as work:
        for number in range(SIDE_BY_SIDE):
            id = UserId(uuid(number + 1))
            work.users.add(a_user(id=id, email=f"{number}@example.com", role=Role.ADMIN))
        work.commit()

    def leave(number: int) -> None:
        with store.unit_of_work() as work:
            id = UserId(uuid(number + 1))
            if work.users.lock_active_admins() != {id}:
                work.users.remove(id)
                work.commit()

    at_once(leave)
    with store.unit_of_work() as work:
        assert len(work.users.lock_active_admins()) == 1


def test_of_many_who_find_no_key_one_makes_it(store: Store) -> None:
    def prepare(number: int) -> None:
        with store.unit_of_work() as work:
            if not work.keys.lock_all():
                work.keys.add(a_key(id=KeyId(str(number))))
            work.commit()

    at_once(prepare)
    with store.reading() as see:
        assert len(see.keys.all()) == 1


def test_every_attempt_is_counted_also_the_first(store: Store) -> None:
    def attempt(_: int) -> None:
        with store.unit_of_work() as work:
            tally = work.tallies.hold("a key", now=NOW)
            work.tallies.save(replace(tally, count=tally.count + 1))
            work.commit()

    at_once(attempt)
    with store.unit_of_work() as work:
        expected = replace(Tally.fresh("a key", now=NOW), count=SIDE_BY_SIDE)
        assert work.tallies.hold("a key", now=NOW) == expected


def test_the_trail_is_numbered_without_gaps_or_doubles(store: Store) -> None:
    def write(_: int) -> None:
        with store.unit_of_work() as work:
            work.audit.append(entry(work.audit.lock_head().number + 1))
            work.commit()

    at_once(write)
    with store.unit_of_work() as work:
        assert work.audit.lock_head() == Head(SIDE_BY_SIDE, bytes([SIDE_BY_SIDE]) * 32)
        numbers = [each.number for each in work.audit.following(0, limit=99)]
    assert numbers == list(range(1, SIDE_BY_SIDE + 1))
