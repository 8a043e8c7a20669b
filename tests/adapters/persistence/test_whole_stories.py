"""Use cases end alike on every store, whatever is typed and whoever else is at it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from domain.access import Role
from domain.errors import InvalidCredentials, LastAdmin, RefreshTokenReused, TokenRevoked
from tests.application.house import EMAIL, HERE, PASSWORD, House, Store

SIDE_BY_SIDE = 6


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.mark.parametrize(
    "typed",
    ["", "anna", "a\x00@example.com", "\x00", "\ud800", "'; DROP TABLE users", "x" * 100_000],
    ids=range(7),
)
def test_whatever_is_typed_for_an_address_is_just_wrong(house: House, typed: str) -> None:
    house.register(EMAIL, PASSWORD)
    with pytest.raises(InvalidCredentials):
        house.sign_in(typed, PASSWORD, None, HERE)
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_many_who_present_one_refresh_token_at_once_all_get_its_one_successor(
    house: House,
) -> None:
    house.register(EMAIL, PASSWORD)
    first = house.sign_in(EMAIL, PASSWORD, None, HERE)
    barrier = Barrier(SIDE_BY_SIDE)

    def refresh(_: int) -> str:
        barrier.wait(10)
        return house.refresh(first.refresh_token, None).refresh_token

    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        successors = set(threads.map(refresh, range(SIDE_BY_SIDE)))
    assert len(successors) == 1
    (session,) = house.sessions()
    assert session.counter == 1
    assert successors == {house.refresh_tokens.of(session)}


def test_the_verdict_over_a_reused_token_is_stored_although_it_is_an_error(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    first = house.sign_in(EMAIL, PASSWORD, None, HERE)
    third = house.refresh(house.refresh(first.refresh_token, None).refresh_token, None)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, None)
    assert house.sessions() == []
    with pytest.raises(TokenRevoked):
        house.caller(third)


def test_of_all_administrators_who_leave_at_once_the_last_one_may_not(house: House) -> None:
    names = [f"{number}@example.com" for number in range(SIDE_BY_SIDE)]
    callers = [house.arrive(name, role=Role.ADMIN) for name in names]
    barrier = Barrier(SIDE_BY_SIDE)

    def leave(number: int) -> bool:
        barrier.wait(10)
        try:
            house.delete_account(callers[number], PASSWORD)
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        left = list(threads.map(leave, range(SIDE_BY_SIDE)))
    assert left.count(False) == 1
    assert [house.user(name) is None for name in names] == left
