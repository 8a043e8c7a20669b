"""Changing one's password."""

from collections.abc import Callable

import pytest

from domain.access import Person
from domain.errors import InvalidCredentials, TokenRevoked, WeakPassword, WrongPassword
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.application.stand_in_tokens import ACCESS_TTL

NEW = "another good passphrase"


@pytest.fixture
def anna(house: House) -> Person:
    return house.arrive()


def test_from_then_on_the_new_password_opens_the_account_and_the_old_does_not(
    house: House, anna: Person
) -> None:
    house.change_password(anna, PASSWORD, NEW)
    house.sign_in(EMAIL, NEW, None, HERE)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_every_other_session_ends_and_this_one_stays(house: House, anna: Person) -> None:
    other = house.sign_in(EMAIL, PASSWORD, None, HERE)
    bert = house.arrive("bert@example.com")
    house.change_password(anna, PASSWORD, NEW)
    assert [session.id for session in house.sessions()] == [anna.session_id]
    with pytest.raises(TokenRevoked):
        house.caller(other)
    assert [session.id for session in house.sessions("bert@example.com")] == [bert.session_id]


def test_the_change_has_its_time_and_stands_in_the_trail(house: House, anna: Person) -> None:
    house.clock.advance(ACCESS_TTL)
    house.change_password(anna, PASSWORD, NEW)
    user = house.user()
    assert user
    assert user.updated_at == house.clock.now
    assert house.done()[-1] == "password.changed success"


def test_both_passwords_may_be_typed_composed_or_not(house: House, anna: Person) -> None:
    house.change_password(anna, PASSWORD, "u\u0308" * 15)
    house.change_password(anna, "\u00fc" * 15, NEW)
    house.sign_in(EMAIL, NEW, None, HERE)


@pytest.mark.parametrize("current", ["a wrong passphrase", "", NEW, PASSWORD + " "])
def test_a_wrong_current_password_changes_nothing(house: House, anna: Person, current: str) -> None:
    before = house.user()
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    with pytest.raises(WrongPassword):
        house.change_password(anna, current, NEW)
    assert house.user() == before
    assert len(house.sessions()) == 2
    assert house.done()[-1] == "password.changed failure"


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("short", "too_short"),
        ("x" * 257, "too_long"),
        (EMAIL.upper(), "same_as_email"),
        ("correct horse battery", "common"),
        (PASSWORD, "same_as_current"),
    ],
)
def test_a_weak_new_password_changes_nothing(
    house: House, anna: Person, new: str, reason: str
) -> None:
    before = house.user()
    with pytest.raises(WeakPassword) as refused:
        house.change_password(anna, PASSWORD, new)
    assert refused.value.reason == reason
    assert house.user() == before


def test_the_old_password_in_another_spelling_is_the_old_one(house: House, anna: Person) -> None:
    house.change_password(anna, PASSWORD, "u\u0308" * 15)
    with pytest.raises(WeakPassword) as refused:
        house.change_password(anna, "u\u0308" * 15, "\u00fc" * 15)
    assert refused.value.reason == "same_as_current"


def test_whether_the_new_one_is_the_old_one_is_told_to_whoever_knows_it_only(
    house: House, anna: Person
) -> None:
    with pytest.raises(WrongPassword):
        house.change_password(anna, NEW, NEW)


@pytest.mark.parametrize("hashes_before", [0, 1])
def test_a_password_that_was_changed_while_we_hashed_is_not_overwritten(
    house: House, anna: Person, hashes_before: int
) -> None:
    nothing: Callable[[], None] = lambda: None  # noqa: E731  # a step at which nothing happens
    theirs = "1:1:a third good passphrase"
    house.hasher.meanwhile = [
        *[nothing] * hashes_before,
        lambda: house.change(password_hash=theirs),
    ]
    with pytest.raises(WrongPassword):
        house.change_password(anna, PASSWORD, NEW)
    user = house.user()
    assert user
    assert user.password_hash == theirs
