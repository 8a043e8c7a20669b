"""A lockout is one event in the trail, also when the failures that led to it ran side by side."""

import pytest

from domain.errors import InvalidCredentials
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
