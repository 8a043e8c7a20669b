"""Every store keeps second factors, recovery codes and waiting sign-ins as the ports promise."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access import Scope, UserId
from domain.errors import TokenRevoked
from domain.second_factor import SecondFactor
from domain.user import User
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    BERT,
    LATER,
    NOW,
    a_challenge,
    a_second_factor,
    a_user,
    uuid,
)

IN_FORCE = a_second_factor(
    confirmed_at=LATER,
    spent_step=2**40,
    sealed=bytes(range(256)),
    proved_address="anna@example.com",
)
TICK = timedelta(microseconds=1)


@pytest.fixture
def bert(store: Store, anna: User) -> UserId:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()
    return BERT


def put(store: Store, *factors: SecondFactor, codes: Sequence[bytes] = ()) -> None:
    with store.unit_of_work() as work:
        for each in factors:
            work.second_factors.put(each)
            work.second_factors.put_codes(each.user_id, codes)
        work.commit()


def left(store: Store, whose: UserId = ANNA) -> int:
    with store.reading() as see:
        return see.second_factors.count_codes(whose)


# ---------------------------------------------------------------------------------- second factors
@pytest.mark.parametrize("each", [a_second_factor(), IN_FORCE], ids=["least", "most"])
def test_a_factor_comes_back_as_it_was(store: Store, anna: User, each: SecondFactor) -> None:
    put(store, each)
    with store.reading() as see:
        assert see.second_factors.get(ANNA) == each
        assert see.second_factors.get(BERT) is None
    with store.unit_of_work() as work:
        assert work.second_factors.lock(ANNA) == each
        assert work.second_factors.lock(BERT) is None


def test_a_factor_takes_the_place_of_the_one_before(store: Store, bert: UserId) -> None:
    put(store, a_second_factor(user_id=bert))
    put(store, a_second_factor())
    put(store, IN_FORCE)
    with store.reading() as see:
        assert see.second_factors.get(ANNA) == IN_FORCE
        assert see.second_factors.get(bert) == a_second_factor(user_id=bert)


def test_a_factor_of_a_user_who_is_gone_is_not_kept(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.second_factors.put(a_second_factor())


def test_a_factor_is_removed_with_its_codes_and_no_other(store: Store, bert: UserId) -> None:
    put(store, IN_FORCE, a_second_factor(user_id=bert), codes=[b"one", b"two"])
    for _ in range(2):
        with store.unit_of_work() as work:
            work.second_factors.remove(ANNA)
            work.commit()
    assert (left(store), left(store, bert)) == (0, 2)
    with store.reading() as see:
        assert see.second_factors.get(ANNA) is None
        assert see.second_factors.get(bert)


def test_what_was_not_committed_was_never_there(store: Store, anna: User) -> None:
    put(store, a_second_factor(), codes=[b"one"])
    with store.unit_of_work() as work:
        work.second_factors.put(IN_FORCE)
        work.second_factors.take_code(ANNA, b"one")
        work.challenges.add(a_challenge())
    with store.reading() as see:
        assert see.second_factors.get(ANNA) == a_second_factor()
        assert see.challenges.get(b"a digest") is None
    assert left(store) == 1


def test_factors_are_gone_through_page_by_page(store: Store, anna: User) -> None:
    ids = [UserId(uuid(number)) for number in (40, 30, 20)]
    with store.unit_of_work() as work:
        for id in ids:
            work.users.add(a_user(id=id, email=f"{id}@example.com"))
            work.second_factors.put(a_second_factor(user_id=id))
        work.commit()
    with store.unit_of_work() as work:
        first = work.second_factors.lock_behind(None, limit=2)
        rest = work.second_factors.lock_behind(first[-1].user_id, limit=2)
    assert [each.user_id for each in (*first, *rest)] == sorted(ids)


# ---------------------------------------------------------------------------------- recovery codes
def test_a_recovery_code_is_taken_once(store: Store, bert: UserId) -> None:
    put(store, IN_FORCE, a_second_factor(user_id=bert), codes=[b"one", b"two"])
    taken = []
    for digest in (b"one", b"one", b"three", b""):
        with store.unit_of_work() as work:
            taken.append(work.second_factors.take_code(ANNA, digest))
            work.commit()
    assert taken == [True, False, False, False]
    assert (left(store), left(store, bert)) == (1, 2)


def test_new_codes_take_the_place_of_those_of_before(store: Store, bert: UserId) -> None:
    put(store, IN_FORCE, a_second_factor(user_id=bert), codes=[b"one", b"two"])
    with store.unit_of_work() as work:
        work.second_factors.put_codes(ANNA, [b"two", b"three", b"four"])
        work.commit()
    assert (left(store), left(store, bert)) == (3, 2)
    with store.unit_of_work() as work:
        assert not work.second_factors.take_code(ANNA, b"one")
        assert work.second_factors.take_code(ANNA, b"two")


def test_everybodys_codes_can_be_voided_at_once(store: Store, bert: UserId) -> None:
    put(store, IN_FORCE, a_second_factor(user_id=bert), codes=[b"one"])
    with store.unit_of_work() as work:
        work.second_factors.void_everybodys_codes(until=77)
        work.commit()
    with store.reading() as see:
        assert see.second_factors.get(ANNA) == replace(IN_FORCE, spent_step=77)
        assert see.second_factors.get(bert) == a_second_factor(user_id=bert, spent_step=77)
    assert (left(store), left(store, bert)) == (0, 0)


# -------------------------------------------------------------------------------- waiting sign-ins
def test_a_challenge_comes_back_as_it_was_and_counts_guesses(store: Store, anna: User) -> None:
    most = a_challenge(scopes=frozenset(Scope), account_at=LATER, guesses=3, begun_at=LATER)
    with store.unit_of_work() as work:
        work.challenges.add(most)
        work.challenges.add(a_challenge(digest=b"another", scopes=frozenset()))
        work.commit()
    with store.unit_of_work() as work:
        assert work.challenges.get(most.digest) == most
        assert work.challenges.get(b"nothing") is None
        work.challenges.save(most.guessed())
        work.challenges.save(a_challenge(digest=b"gone"))
        work.commit()
    with store.reading() as see:
        assert see.challenges.get(most.digest) == most.guessed()
        assert see.challenges.get(b"another") == a_challenge(digest=b"another", scopes=frozenset())
        assert see.challenges.get(b"gone") is None


def test_a_challenge_is_taken_once(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.challenges.add(a_challenge())
        work.commit()
    taken = []
    for _ in range(2):
        with store.unit_of_work() as work:
            taken.append(work.challenges.take(b"a digest"))
            work.commit()
    assert taken == [True, False]


def test_a_challenge_of_a_user_who_is_gone_is_not_kept(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.challenges.add(a_challenge())


def test_challenges_that_are_over_go_some_at_a_time(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        for number, begun_at in enumerate((NOW, NOW, NOW + TICK, LATER)):
            work.challenges.add(a_challenge(digest=bytes([number]), begun_at=begun_at))
        work.commit()
    gone = []
    for _ in range(3):
        with store.unit_of_work() as work:
            gone.append(work.challenges.remove_begun(before=NOW + TICK, at_most=2))
            work.commit()
    assert gone == [2, 1, 0]
    with store.unit_of_work() as work:
        assert work.challenges.get(bytes([3]))
        assert work.challenges.remove_everybodys() == 1


def test_all_challenges_of_a_user_go_at_once(store: Store, anna: User, bert: UserId) -> None:
    theirs = a_challenge(digest=b"berts", user_id=bert, account_at=anna.updated_at)
    with store.unit_of_work() as work:
        for each in (a_challenge(digest=b"1"), a_challenge(digest=b"2"), theirs):
            work.challenges.add(each)
        work.challenges.remove_all_of(anna.id)
        work.commit()
    with store.reading() as see:
        kept = [see.challenges.get(digest) for digest in (b"1", b"2", b"berts")]
    assert kept == [None, None, theirs]


def test_a_users_challenges_are_listed_oldest_first(store: Store, bert: UserId) -> None:
    first, second = a_challenge(digest=b"b"), a_challenge(digest=b"a", begun_at=LATER)
    with store.unit_of_work() as work:
        for each in (second, first, a_challenge(digest=b"theirs", user_id=bert)):
            work.challenges.add(each)
        work.commit()
    with store.reading() as see:
        assert see.challenges.of_user(ANNA) == [first, second]
        assert see.challenges.of_user(UserId(uuid(99))) == []


def test_all_of_it_goes_with_the_user(store: Store, bert: UserId) -> None:
    put(store, IN_FORCE, a_second_factor(user_id=bert), codes=[b"one"])
    with store.unit_of_work() as work:
        work.challenges.add(a_challenge())
        work.challenges.add(a_challenge(digest=b"theirs", user_id=bert))
        work.commit()
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    with store.reading() as see:
        assert see.second_factors.get(ANNA) is None
        assert see.challenges.get(b"a digest") is None
        assert see.challenges.get(b"theirs")
    assert (left(store), left(store, bert)) == (0, 1)
