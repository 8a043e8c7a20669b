"""Opening an account."""

from datetime import timedelta

import pytest

from domain.access import Origin, Role
from domain.errors import EmailTaken, InvalidValue, TooManyAttempts, WeakPassword
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import NOW


def test_an_account_is_stored_as_it_is_returned(house: House) -> None:
    user = house.register(" Anna@Example.COM ", PASSWORD, " Anna ", origin=HERE)
    assert house.user() == user
    assert (user.email, user.display_name) == (EMAIL, "Anna")
    assert (user.role, user.status, user.email_verified) == (Role.MEMBER, Status.ACTIVE, False)
    assert (user.created_at, user.updated_at) == (NOW, NOW)
    assert user.password_hash
    assert user.password_hash.endswith(PASSWORD)


def test_an_operator_can_open_an_account_for_an_administrator(house: House) -> None:
    user = house.register(EMAIL, PASSWORD, role=Role.ADMIN)
    assert user.role is Role.ADMIN
    assert user.email_verified  # an operator vouches for the address


def test_the_password_is_hashed_in_its_composed_form(house: House) -> None:
    house.register(EMAIL, "u\u0308" * 15)
    assert house.hasher.hashed == ["\u00fc" * 15]


@pytest.mark.parametrize("password", ["short", "x" * 257, EMAIL, "correct horse battery"])
def test_a_weak_password_is_refused_before_a_hash_is_spent(house: House, password: str) -> None:
    with pytest.raises(WeakPassword):
        house.register(EMAIL, password)
    assert house.user() is None
    assert house.hasher.hashed == []


@pytest.mark.parametrize(("email", "name"), [("no address", None), (EMAIL, " "), (EMAIL, "\x00")])
def test_a_bad_address_or_name_is_refused_before_a_hash_is_spent(
    house: House, email: str, name: str | None
) -> None:
    with pytest.raises(InvalidValue):
        house.register(email, PASSWORD, name)
    assert house.user() is None
    assert house.hasher.hashed == []


@pytest.mark.parametrize("email", [EMAIL, "ANNA@EXAMPLE.COM", " anna@example.com\n"])
def test_an_address_that_is_taken_is_refused_before_a_hash_is_spent(
    house: House, email: str
) -> None:
    first = house.register(EMAIL, PASSWORD)
    house.hasher.hashed.clear()
    with pytest.raises(EmailTaken):
        house.register(email, PASSWORD)
    assert house.user() == first
    assert house.hasher.hashed == []


def test_a_weak_password_says_nothing_of_who_has_the_address(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    with pytest.raises(WeakPassword):
        house.register(EMAIL, "short")


def test_an_address_that_is_taken_while_we_hash_stays_whose_it_is(house: House) -> None:
    house.hasher.meanwhile = [lambda: house.register(EMAIL, PASSWORD, "The first")]
    with pytest.raises(EmailTaken):
        house.register(EMAIL, PASSWORD, "The second")
    user = house.user()
    assert user
    assert user.display_name == "The first"
    assert house.done() == ["account.created success"]


def test_an_opened_account_stands_in_the_trail_with_who_opened_it(house: House) -> None:
    own = house.register(EMAIL, PASSWORD, origin=HERE)
    by_operator = house.register("bert@example.com", PASSWORD)
    first, second = house.trail()
    assert (first.action, first.actor_id, first.target_id) == (
        "account.created",
        own.id,
        str(own.id),
    )
    assert (second.actor_id, second.target_id) == (None, str(by_operator.id))


def test_thirty_accounts_an_hour_may_be_asked_for_from_one_network(house: House) -> None:
    for number in range(30):
        house.register(f"{number}@example.com", PASSWORD, origin=HERE)
    with pytest.raises(TooManyAttempts):
        house.register(EMAIL, PASSWORD, origin=HERE)
    assert house.user() is None
    house.register("elsewhere@example.com", PASSWORD, origin=Origin(address="192.0.2.2"))
    house.register("operator@example.com", PASSWORD)
    house.clock.advance(timedelta(hours=1))
    house.register(EMAIL, PASSWORD, origin=HERE)


def test_an_attempt_that_fails_counts_as_well(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    for _ in range(30):
        with pytest.raises(EmailTaken):
            house.register(EMAIL, PASSWORD, origin=HERE)
    with pytest.raises(TooManyAttempts):
        house.register(EMAIL, PASSWORD, origin=HERE)
