"""Proving again who one is, and what a fresh proof is good for."""

from datetime import timedelta

import pytest

from domain.access import FRESH_FOR
from domain.errors import (
    InvalidCredentials,
    InvalidValue,
    ReauthenticationRequired,
    TokenRevoked,
    TooManyAttempts,
    WrongPassword,
)
from tests.application.house import EMAIL, HERE, PASSWORD, House

NEW = "another good passphrase"
TICK = timedelta(microseconds=1)


def test_a_proof_makes_this_session_fresh_and_no_other(house: House) -> None:
    tokens, other = (house.sign_in_anew() for _ in range(2))
    house.clock.advance(FRESH_FOR - timedelta(minutes=9))
    caller = house.caller(tokens)
    house.reauthenticate(caller, PASSWORD)
    assert house.caller(tokens).proved_at == house.clock.now
    assert house.caller(other).proved_at == caller.proved_at
    assert house.done()[-1] == "session.reauthenticated success"


def test_a_refresh_proves_nothing(house: House) -> None:
    tokens = house.sign_in_anew()
    before = house.caller(tokens).proved_at
    house.clock.advance(timedelta(hours=1))
    assert house.caller(house.refresh(tokens.refresh_token, None)).proved_at == before


def test_a_wrong_password_proves_nothing_and_stands_in_the_trail(house: House) -> None:
    tokens = house.sign_in_anew()
    before = house.caller(tokens).proved_at
    house.clock.advance(TICK)
    for wrong in ("a wrong passphrase", "", PASSWORD.upper()):
        with pytest.raises(WrongPassword):
            house.reauthenticate(house.caller(tokens), wrong)
    assert house.caller(tokens).proved_at == before
    assert house.done()[-1] == "session.reauthenticated failure"


def test_ten_wrong_proofs_lock_proving_whatever_they_were_for(house: House) -> None:
    anna = house.arrive()
    for _ in range(5):
        with pytest.raises(WrongPassword):
            house.reauthenticate(anna, "a wrong passphrase")
        with pytest.raises(WrongPassword):
            house.delete_account(anna, "a wrong passphrase")
    with pytest.raises(TooManyAttempts):
        house.reauthenticate(anna, PASSWORD)
    house.clock.advance(timedelta(minutes=1))
    house.reauthenticate(anna, PASSWORD)


def test_a_password_that_was_changed_while_we_hashed_proves_nothing(house: House) -> None:
    anna = house.arrive()
    house.clock.advance(TICK)
    house.hasher.meanwhile = [lambda: house.change(password_hash="1:1:another")]
    with pytest.raises(WrongPassword):
        house.reauthenticate(anna, PASSWORD)
    assert house.sessions()[0].proved_at == anna.proved_at


def test_a_session_that_ends_while_we_hash_stays_ended(house: House) -> None:
    anna = house.arrive()
    house.hasher.meanwhile = [lambda: house.sign_out(anna)]
    with pytest.raises(TokenRevoked):
        house.reauthenticate(anna, PASSWORD)
    assert house.sessions() == []


def test_of_whoever_left_while_we_hashed_nothing_is_written_any_more(house: House) -> None:
    anna = house.arrive()
    house.hasher.meanwhile = [lambda: house.delete_account(anna, PASSWORD)]
    with pytest.raises(TokenRevoked):
        house.reauthenticate(anna, "a wrong passphrase")
    assert house.done()[-1] == "account.deleted success"


# ------------------------------------------------------------------- accounts without a password
@pytest.mark.parametrize("age", [timedelta(0), FRESH_FOR])
def test_the_first_password_is_set_with_a_fresh_proof(house: House, age: timedelta) -> None:
    anna = house.arrive()
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.change(password_hash=None)
    house.clock.advance(age)
    house.change_password(anna, None, NEW)
    assert [session.id for session in house.sessions()] == [anna.session_id]
    house.sign_in(EMAIL, NEW, None, HERE)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_whoever_has_no_password_leaves_with_a_fresh_proof(house: House) -> None:
    anna = house.arrive()
    house.change(password_hash=None)
    house.clock.advance(FRESH_FOR)
    house.delete_account(anna, None)
    assert house.user() is None


def test_without_a_password_an_old_proof_changes_nothing(house: House) -> None:
    anna = house.arrive()
    house.change(password_hash=None)
    house.clock.advance(FRESH_FOR + TICK)
    with pytest.raises(ReauthenticationRequired):
        house.change_password(anna, None, NEW)
    with pytest.raises(ReauthenticationRequired):
        house.delete_account(anna, None)
    user = house.user()
    assert user
    assert user.password_hash is None


def test_where_there_is_a_password_it_is_required_however_fresh_the_proof(house: House) -> None:
    anna = house.arrive()
    with pytest.raises(InvalidValue) as missing:
        house.change_password(anna, None, "weak")
    assert (missing.value.field, missing.value.reason) == ("current_password", "missing")
    with pytest.raises(InvalidValue) as missing:
        house.delete_account(anna, None)
    assert (missing.value.field, missing.value.reason) == ("password", "missing")


def test_a_password_that_was_set_meanwhile_is_not_overwritten(house: House) -> None:
    anna = house.arrive()
    house.change(password_hash=None)
    house.hasher.meanwhile = [lambda: house.change(password_hash="1:1:theirs")]
    with pytest.raises(WrongPassword):
        house.change_password(anna, None, NEW)
    user = house.user()
    assert user
    assert user.password_hash == "1:1:theirs"
