"""Every store keeps letters and their tokens as the ports promise."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from adapters.persistence.database import Database
from adapters.persistence.unit_of_work import SqlStore
from domain.access import UserId
from domain.errors import TokenRevoked
from domain.mail import Letter, LetterId, OneTimeToken, Topic
from domain.user import User
from tests.application.house import Store
from tests.domain.examples import ANNA, LATER, NOW, a_letter, a_token, a_user, uuid

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
CROWD = 8


def id_of(number: int) -> LetterId:
    return LetterId(uuid(number))


def letter(number: int, **fields: object) -> Letter:
    return a_letter(id=id_of(number), **fields)


def token(number: int, **fields: object) -> OneTimeToken:
    return a_token(id=id_of(number), **fields)


def keep(store: Store, *kept: Letter | OneTimeToken) -> None:
    with store.unit_of_work() as work:
        for each in kept:
            if isinstance(each, Letter):
                work.outbox.add(each)
            else:
                work.one_time_tokens.add(each)
        work.commit()


def letters(store: Store) -> list[Letter]:
    with store.reading() as see:
        return list(see.outbox.oldest(99))


def tokens(store: Store) -> list[OneTimeToken]:
    with store.reading() as see:
        return list(see.one_time_tokens.of_user(ANNA))


@pytest.mark.parametrize(
    "kept",
    [
        a_letter(),
        a_letter(
            user_id=ANNA,
            topic=Topic.PASSWORD_CHANGED,
            sealed=bytes(range(256)),
            attempts=2**31 - 1,
            due_at=None,
            cause="\U0001f512" * 200,
        ),
    ],
    ids=["plain", "widest"],
)
def test_a_letter_comes_back_the_same(store: Store, anna: User, kept: Letter) -> None:
    keep(store, kept)
    assert letters(store) == [kept]
    changed = replace(kept, attempts=3, due_at=LATER, cause="no answer", user_id=ANNA)
    with store.unit_of_work() as work:
        assert work.outbox.lock(kept.id) == kept
        work.outbox.save(changed)
        work.commit()
    assert letters(store) == [changed]
    assert type(letters(store)[0].sealed) is bytes
    assert type(letters(store)[0].topic) is Topic


def test_the_letter_that_is_due_longest_comes_first_and_none_before_its_time(
    store: Store,
) -> None:
    keep(
        store,
        letter(1, due_at=NOW + TICK),
        letter(2, due_at=NOW),
        letter(3, due_at=NOW - TICK),
        letter(4, due_at=None),
    )
    for now, found in ((NOW - 2 * TICK, None), (NOW - TICK, 3), (NOW + HOUR, 3)):
        with store.unit_of_work() as work:
            due = work.outbox.lock_due(now=now)
            assert (due and due.id) == (found and id_of(found))
            assert work.outbox.has_due(now=now) is (found is not None)


def test_a_letter_that_was_removed_or_saved_too_late_is_gone(store: Store) -> None:
    keep(store, letter(1), letter(2))
    with store.unit_of_work() as work:
        work.outbox.remove(id_of(1))
        work.outbox.remove(id_of(9))
        work.outbox.save(letter(1))
        assert work.outbox.lock(id_of(1)) is None
        work.commit()
    assert letters(store) == [letter(2)]


def test_letters_are_listed_oldest_first(store: Store) -> None:
    keep(store, letter(2, created_at=LATER), letter(3), letter(1, created_at=LATER))
    assert [each.id for each in letters(store)] == [id_of(3), id_of(1), id_of(2)]
    with store.reading() as see:
        assert see.outbox.oldest(1) == [letter(3)]


@pytest.mark.parametrize("ids", [None, [1], [9], []])
def test_letters_can_be_made_due_all_or_some(store: Store, ids: list[int] | None) -> None:
    before = [letter(1, due_at=None, attempts=7), letter(2, due_at=NOW + HOUR, attempts=7)]
    keep(store, *before)
    wanted = None if ids is None else [id_of(number) for number in ids]
    with store.unit_of_work() as work:
        count = work.outbox.make_due(wanted, now=LATER)
        work.commit()
    after = [
        replace(each, due_at=LATER, attempts=0) if wanted is None or each.id in wanted else each
        for each in before
    ]
    assert letters(store) == after
    assert count == sum(one != other for one, other in zip(before, after, strict=True))


def test_only_old_letters_that_were_given_up_are_forgotten(store: Store) -> None:
    keep(
        store,
        letter(1, due_at=None),
        letter(2, due_at=None),
        letter(3, due_at=None, created_at=LATER),
        letter(4),
    )
    for at_most, gone in ((1, 1), (9, 1), (9, 0)):
        with store.unit_of_work() as work:
            assert work.outbox.remove_given_up(before=LATER, at_most=at_most) == gone
            work.commit()
    assert [each.id for each in letters(store)] == [id_of(4), id_of(3)]


def test_letters_and_tokens_go_with_their_user_and_nobody_elses_do(
    store: Store, anna: User
) -> None:
    bert = UserId(uuid(2))
    with store.unit_of_work() as work:
        work.users.add(a_user(id=bert, email="bert@example.com"))
        work.commit()
    keep(store, letter(1, user_id=ANNA), letter(2, user_id=bert), letter(3), token(1))
    keep(store, token(2, user_id=bert))
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    assert [each.id for each in letters(store)] == [id_of(2), id_of(3)]
    assert tokens(store) == []
    with store.reading() as see:
        assert see.one_time_tokens.of_user(bert) == [token(2, user_id=bert)]


def test_a_user_who_is_gone_gets_no_letter_and_no_token(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.outbox.add(letter(1, user_id=ANNA))
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.one_time_tokens.add(token(1))


@pytest.mark.parametrize(
    "kept",
    [a_token(), a_token(topic=Topic.OLD_ADDRESS, address="a" * 64 + "@" + "d" * 189, seed=b"\0")],
    ids=["plain", "widest"],
)
def test_a_token_comes_back_the_same(store: Store, anna: User, kept: OneTimeToken) -> None:
    keep(store, kept)
    with store.reading() as see:
        found = see.one_time_tokens.get(kept.id)
        assert found == kept
        assert type(found.seed) is bytes
        assert see.one_time_tokens.get(id_of(99)) is None
    later = replace(kept, expires_at=LATER)
    with store.unit_of_work() as work:
        work.one_time_tokens.save(later)
        work.one_time_tokens.save(token(99))
        work.commit()
    assert tokens(store) == [later]


def test_a_token_is_taken_once(store: Store, anna: User) -> None:
    keep(store, token(2), token(1))
    assert tokens(store) == [token(1), token(2)]
    for was_there in (True, False):
        with store.unit_of_work() as work:
            assert work.one_time_tokens.take(id_of(1)) is was_there
            work.commit()
    assert tokens(store) == [token(2)]


def test_taking_is_undone_with_its_unit_of_work(store: Store, anna: User) -> None:
    keep(store, token(1))
    with store.unit_of_work() as work:
        assert work.one_time_tokens.take(id_of(1))
    assert tokens(store) == [token(1)]


def test_tokens_that_are_over_go_unless_their_letter_waits(store: Store, anna: User) -> None:
    keep(store, letter(1, user_id=ANNA), token(1, expires_at=NOW), token(2, expires_at=NOW))
    keep(store, token(3, expires_at=NOW), token(4, expires_at=NOW + TICK))
    for at_most, gone in ((1, 1), (9, 1), (9, 0)):
        with store.unit_of_work() as work:
            assert work.one_time_tokens.remove_expired(now=NOW, at_most=at_most) == gone
            work.commit()
    assert [each.id for each in tokens(store)] == [id_of(1), id_of(4)]


def test_everybodys_tokens_can_go_at_once(store: Store, anna: User) -> None:
    keep(store, token(1), token(2))
    with store.unit_of_work() as work:
        assert work.one_time_tokens.remove_everybodys() == 2
        work.commit()
    assert tokens(store) == []


def test_of_many_who_take_letters_at_once_no_two_get_the_same(store: Store) -> None:
    keep(store, *(letter(number) for number in range(1, CROWD + 1)))
    barrier = Barrier(CROWD)

    def take(_: int) -> LetterId | None:
        barrier.wait(10)
        with store.unit_of_work() as work:
            due = work.outbox.lock_due(now=NOW)
            if due is not None:
                work.outbox.save(due.taken(now=NOW))
            work.commit()
        return None if due is None else due.id

    with ThreadPoolExecutor(CROWD) as threads:
        taken = [each for each in threads.map(take, range(CROWD)) if each is not None]
    assert taken
    assert len(set(taken)) == len(taken)


def test_whoever_looks_for_a_letter_passes_over_one_that_is_held(database: Database) -> None:
    if database.is_sqlite:
        return  # nobody else is let in at all
    store = SqlStore(database)
    keep(store, letter(1), letter(2))
    with store.unit_of_work() as one, store.unit_of_work() as other:
        first, second = one.outbox.lock_due(now=NOW), other.outbox.lock_due(now=NOW)
    assert first
    assert second
    assert first.id != second.id


def test_letters_are_gone_through_by_whom_they_concern(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=UserId(uuid(2)), email="bert@example.com"))
        work.commit()
    keep(store, *(letter(number, user_id=ANNA) for number in (3, 1, 2)))
    keep(store, letter(4, user_id=UserId(uuid(2))), letter(5, user_id=None))
    with store.reading() as see:
        first = see.outbox.of_user(ANNA, after=None, limit=2)
        rest = see.outbox.of_user(ANNA, after=first[-1].id, limit=2)
    assert [each.id for each in (*first, *rest)] == [id_of(1), id_of(2), id_of(3)]
