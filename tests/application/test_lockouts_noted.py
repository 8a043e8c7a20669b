"""A lockout is one event in the trail, also when the failures that led to it ran side by side."""

import pytest

from domain.errors import InvalidCredentials, WrongCode, WrongPassword
from tests.application.authenticator import protect
from tests.application.house import EMAIL, HERE, PASSWORD, House


def fail(house: House) -> None:
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, "a wrong passphrase", None, HERE)


def test_a_lockout_is_noted_once_when_two_failures_overlap(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    for _ in range(8):
        fail(house)
    house.hasher.meanwhile.append(lambda: fail(house))
    fail(house)
    assert house.done().count("session.started failure") == 10
    assert house.done().count("account.locked failure") == 1


def test_who_guesses_at_the_password_in_a_session_is_noted_as_locked_out(house: House) -> None:
    anna = house.arrive()
    for _ in range(10):
        with pytest.raises(WrongPassword):
            house.reauthenticate(anna, "a wrong passphrase")
    assert house.done()[-2:] == ["session.reauthenticated failure", "account.locked failure"]
    assert house.done().count("account.locked failure") == 1
    assert house.trail()[-1].actor_id == anna.user_id


def test_who_guesses_at_codes_in_a_session_is_noted_as_locked_out(house: House) -> None:
    anna = house.arrive()
    protect(house, anna)
    for _ in range(10):
        with pytest.raises(WrongCode):
            house.reauthenticate_by_code(anna, "000000")
    assert house.done()[-2:] == ["session.reauthenticated failure", "account.locked failure"]
    assert house.done().count("account.locked failure") == 1
