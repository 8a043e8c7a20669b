"""Every store keeps sessions as the port promises."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.access import Role, Scope, SessionId
from domain.errors import TokenRevoked
from domain.session import Session, Standing
from domain.user import Status, User
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    BERT,
    LATER,
    LIFETIMES,
    NOW,
    SESSION,
    a_session,
    a_user,
    uuid,
)

BEFORE = NOW - timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def session(number: int, **fields: object) -> Session:
    return a_session(id=SessionId(uuid(number)), **fields)


def keep(store: Store, *sessions: Session) -> None:
    with store.unit_of_work() as work:
        for each in sessions:
            work.sessions.add(each)
        work.commit()


def kept(store: Store) -> list[int]:
    """Return the numbers of Anna's and Bert's sessions, each used last first."""
    with store.reading() as see:
        found = [*see.sessions.of_user(ANNA), *see.sessions.of_user(BERT)]
    return [each.id.int >> 80 for each in found]


@pytest.fixture
def bert(store: Store) -> User:
    user = a_user(id=BERT, email="bert@example.com")
    with store.unit_of_work() as work:
        work.users.add(user)
        work.commit()
    return user


def test_a_session_stands_with_its_users_role_and_status(store: Store, anna: User) -> None:
    keep(store, a_session(last_used_at=LATER, proved_at=BEFORE))
    expected = Standing(
        user_id=ANNA,
        role=Role.MEMBER,
        status=Status.ACTIVE,
        created_at=NOW,
        last_used_at=LATER,
        proved_at=BEFORE,
    )
    with store.reading() as see:
        assert see.sessions.standing(SESSION) == expected
        assert see.sessions.standing(SessionId(uuid(99))) is None
    with store.unit_of_work() as work:
        work.users.save(replace(anna, role=Role.ADMIN, status=Status.SUSPENDED))
        work.commit()
    with store.reading() as see:
        assert see.sessions.standing(SESSION) == replace(
            expected, role=Role.ADMIN, status=Status.SUSPENDED
        )


def test_many_sessions_stand_as_each_does(store: Store, anna: User) -> None:
    keep(store, a_session())
    keep(store, a_session(id=SessionId(uuid(98)), last_used_at=LATER))
    with store.reading() as see:
        ids = [SESSION, SessionId(uuid(98))]
        assert see.sessions.standings([*ids, SessionId(uuid(99))]) == {
            id: see.sessions.standing(id) for id in ids
        }
        assert see.sessions.standings([]) == {}


def test_a_session_that_is_held_can_be_changed(store: Store, anna: User) -> None:
    keep(store, a_session())
    rotated = a_session().rotated(secret_id="another", now=LATER).proved(now=BEFORE)
    with store.unit_of_work() as work:
        assert work.sessions.lock(SESSION) == a_session()
        work.sessions.save(rotated)
        work.commit()
    with store.unit_of_work() as work:
        assert work.sessions.lock(SESSION) == rotated
        assert work.sessions.lock(SessionId(uuid(99))) is None


@pytest.mark.parametrize("scopes", [frozenset(), frozenset(Scope), frozenset({Scope.ITEMS_READ})])
def test_a_session_keeps_what_it_was_granted(
    store: Store, anna: User, scopes: frozenset[Scope]
) -> None:
    keep(store, a_session(scopes=scopes))
    with store.unit_of_work() as work:
        assert work.sessions.lock(SESSION) == a_session(scopes=scopes)


def test_a_session_of_a_user_who_is_gone_does_not_begin(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.sessions.add(a_session())


def test_an_ended_session_is_gone_and_ending_it_again_is_no_harm(store: Store, anna: User) -> None:
    keep(store, session(1), session(2))
    for _ in range(2):
        with store.unit_of_work() as work:
            work.sessions.remove(SessionId(uuid(1)))
            work.commit()
    assert kept(store) == [2]


def test_all_sessions_of_one_user_end_and_nobody_elses(
    store: Store, anna: User, bert: User
) -> None:
    keep(store, session(1), session(2), session(3, user_id=BERT))
    with store.unit_of_work() as work:
        work.sessions.remove_all_of(ANNA)
        work.commit()
    assert kept(store) == [3]


def test_all_but_one_session_of_a_user_end(store: Store, anna: User, bert: User) -> None:
    keep(store, session(1), session(2), session(3), session(4, user_id=BERT))
    with store.unit_of_work() as work:
        work.sessions.remove_all_of(ANNA, keep=SessionId(uuid(2)))
        work.commit()
    assert kept(store) == [2, 4]


def test_somebody_elses_session_cannot_be_the_one_that_is_kept(
    store: Store, anna: User, bert: User
) -> None:
    keep(store, session(1), session(2, user_id=BERT))
    with store.unit_of_work() as work:
        work.sessions.remove_all_of(ANNA, keep=SessionId(uuid(2)))
        work.commit()
    assert kept(store) == [2]


def test_the_sessions_of_a_user_come_the_one_used_last_first(
    store: Store, anna: User, bert: User
) -> None:
    keep(
        store,
        session(1, last_used_at=NOW),
        session(2, last_used_at=NOW + 2 * TICK),
        session(3, last_used_at=NOW + TICK),
        session(4, last_used_at=NOW + TICK),
        session(5, user_id=BERT, last_used_at=LATER),
    )
    with store.reading() as see:
        assert [each.id.int >> 80 for each in see.sessions.of_user(ANNA)] == [2, 4, 3, 1]
        assert see.sessions.of_user(BERT) == [session(5, user_id=BERT, last_used_at=LATER)]


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (NOW + LIFETIMES.idle - TICK, [2, 1]),
        (NOW + LIFETIMES.idle, [2]),
        (NOW + LIFETIMES.absolute - TICK, [2]),
        (NOW + LIFETIMES.absolute, []),
    ],
)
def test_sessions_that_are_over_can_be_removed_at_the_very_moment(
    store: Store, anna: User, now: datetime, left: list[int]
) -> None:
    keep(store, session(1), session(2, last_used_at=NOW + LIFETIMES.absolute))
    with store.unit_of_work() as work:
        gone = work.sessions.remove_over(LIFETIMES, now=now, at_most=10)
        work.commit()
    assert gone == 2 - len(left)
    assert kept(store) == left


def test_no_more_sessions_are_removed_at_once_than_was_asked(store: Store, anna: User) -> None:
    keep(store, *(session(number) for number in range(1, 6)))
    counts = []
    for _ in range(4):
        with store.unit_of_work() as work:
            counts.append(
                work.sessions.remove_over(LIFETIMES, now=NOW + LIFETIMES.absolute, at_most=2)
            )
            work.commit()
    assert counts == [2, 2, 1, 0]


def test_everybodys_sessions_can_end_at_once(store: Store, anna: User, bert: User) -> None:
    keep(store, session(1), session(2, user_id=BERT))
    with store.unit_of_work() as work:
        assert work.sessions.remove_everybodys() == 2
        work.commit()
    assert kept(store) == []
