"""Setting up a second factor, renewing its recovery codes, and giving it up."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from application import starting
from domain.access import FRESH_FOR, Person, Role, Scope
from domain.errors import (
    InvalidValue,
    ReauthenticationRequired,
    SecondFactorInForce,
    SecondFactorNotFound,
    StoreUnfit,
    TokenRevoked,
    TooManyAttempts,
    UserNotFound,
    WrongCode,
    WrongPassword,
)
from domain.mail import Topic
from domain.second_factor import RECOVERY_CODES, STEP
from tests.application.authenticator import again, begun, challenge, protect
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import ANNA

TICK = timedelta(microseconds=1)


@pytest.fixture
def anna(house: House) -> Person:
    caller = house.arrive()
    house.delivered()
    return caller


# -------------------------------------------------------------------------------------- setting up
def test_what_was_begun_changes_nothing_before_it_is_confirmed(house: House, anna: Person) -> None:
    begun(house, anna)
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    status = house.read_second_factor(anna)
    assert (status.enabled, status.confirmed_at, status.recovery_codes_left) == (False, None, 0)
    assert house.done()[-2:] == ["second_factor.begun success", "session.started success"]
    assert house.delivered() == []


def test_a_code_puts_it_in_force_and_is_answered_with_ten_codes(house: House, anna: Person) -> None:
    app = begun(house, anna)
    codes = house.confirm_second_factor(anna, app.code())
    assert len(set(codes)) == RECOVERY_CODES == 10
    status = house.read_second_factor(anna)
    assert (status.enabled, status.recovery_codes_left) == (True, 10)
    assert status.confirmed_at == house.clock.now
    assert [mail.subject for mail in house.delivered()] == [Topic.SECOND_FACTOR_ADDED]
    assert house.done()[-1] == "second_factor.confirmed success"
    assert challenge(house)


def test_beginning_again_replaces_what_was_not_confirmed(house: House, anna: Person) -> None:
    first, second = begun(house, anna), begun(house, anna)
    with pytest.raises(WrongCode):
        house.confirm_second_factor(anna, first.code())
    assert house.confirm_second_factor(anna, second.code())


def test_one_that_is_in_force_is_not_replaced(house: House, anna: Person) -> None:
    app, _ = protect(house, anna)
    with pytest.raises(SecondFactorInForce):
        house.begin_second_factor(anna)
    with pytest.raises(SecondFactorInForce):
        house.confirm_second_factor(anna, app.code())


def test_there_is_nothing_to_confirm_renew_or_remove_without_one(
    house: House, anna: Person
) -> None:
    with pytest.raises(SecondFactorNotFound):
        house.confirm_second_factor(anna, "a code")
    with pytest.raises(SecondFactorNotFound):
        house.renew_recovery_codes(anna)
    with pytest.raises(SecondFactorNotFound):
        house.remove_second_factor(anna)
    begun(house, anna)
    with pytest.raises(SecondFactorNotFound):
        house.renew_recovery_codes(anna)


def test_wrong_codes_confirm_nothing_and_count(house: House, anna: Person) -> None:
    app = begun(house, anna)
    for wrong in ("", "000000", app.code(-2), app.code(2), *["nonsense"] * 6):
        with pytest.raises(WrongCode):
            house.confirm_second_factor(anna, wrong)
    assert house.done()[-2:] == ["second_factor.confirmed failure", "account.locked failure"]
    with pytest.raises(TooManyAttempts):
        house.confirm_second_factor(anna, app.code())
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_what_was_begun_can_be_dropped_without_a_word(house: House, anna: Person) -> None:
    app = begun(house, anna)
    house.remove_second_factor(anna)
    with pytest.raises(SecondFactorNotFound):
        house.confirm_second_factor(anna, app.code())
    assert house.delivered() == []


# ------------------------------------------------------------------------------------ fresh proofs
def test_nothing_is_done_on_an_old_proof(house: House, anna: Person) -> None:
    app = begun(house, anna)
    house.clock.advance(FRESH_FOR + TICK)
    with pytest.raises(ReauthenticationRequired):
        house.begin_second_factor(anna)
    with pytest.raises(ReauthenticationRequired):
        house.confirm_second_factor(anna, app.code())
    house.reauthenticate(anna, PASSWORD)
    house.confirm_second_factor(again(house, anna), app.code())
    house.clock.advance(FRESH_FOR + TICK)
    with pytest.raises(ReauthenticationRequired):
        house.renew_recovery_codes(again(house, anna))
    with pytest.raises(ReauthenticationRequired):
        house.remove_second_factor(again(house, anna))


def test_confirming_proves_this_session_and_takes_the_proofs_of_others(
    house: House, anna: Person
) -> None:
    other = house.caller(house.sign_in(EMAIL, PASSWORD, None, HERE))
    house.clock.advance(timedelta(minutes=1))
    protect(house, anna)
    with pytest.raises(ReauthenticationRequired):
        house.renew_recovery_codes(other)
    with pytest.raises(ReauthenticationRequired):
        house.remove_second_factor(other)
    house.renew_recovery_codes(again(house, anna))
    house.remove_second_factor(again(house, anna))
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_a_password_proves_nothing_while_a_second_factor_is_in_force(
    house: House, anna: Person
) -> None:
    app, codes = protect(house, anna)
    with pytest.raises(InvalidValue) as missing:
        house.reauthenticate(anna, PASSWORD)
    assert (missing.value.field, missing.value.reason) == ("code", "missing")
    house.clock.advance(FRESH_FOR + TICK)
    with pytest.raises(InvalidValue):
        house.reauthenticate(again(house, anna), PASSWORD)
    for spare in (None, codes[0]):
        with pytest.raises(ReauthenticationRequired):
            house.remove_second_factor(again(house, anna))
        house.reauthenticate_by_code(anna, spare or app.code())
        assert again(house, anna).proved_at == house.clock.now
        house.clock.advance(FRESH_FOR + TICK)


def test_one_put_in_force_while_the_password_was_hashed_is_not_passed_by(
    house: House, anna: Person
) -> None:
    other = house.caller(house.sign_in(EMAIL, PASSWORD, None, HERE))
    before = again(house, other).proved_at
    house.clock.advance(timedelta(minutes=1))
    house.hasher.meanwhile = [lambda: protect(house, anna)]
    with pytest.raises(InvalidValue):
        house.reauthenticate(other, PASSWORD)
    assert again(house, other).proved_at == before


NEW = "another good passphrase"
ACTS: dict[str, Callable[[House, Person], object]] = {
    "change the password": lambda house, who: house.change_password(who, PASSWORD, NEW),
    "leave": lambda house, who: house.delete_account(who, PASSWORD),
    "move": lambda house, who: house.request_email_change(who, "new@example.com", PASSWORD),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_no_password_is_enough_when_one_came_into_force_while_it_was_hashed(
    house: House, anna: Person, act: Callable[[House, Person], object]
) -> None:
    other = house.caller(house.sign_in(EMAIL, PASSWORD, None, HERE))
    house.clock.advance(timedelta(minutes=1))
    house.hasher.meanwhile = [lambda: protect(house, anna)]
    with pytest.raises(ReauthenticationRequired):
        act(house, other)
    challenge(house)  # with the password, and at the address, of before


def test_a_proof_of_before_makes_and_ends_no_key_for_machines(house: House, anna: Person) -> None:
    other = house.caller(house.sign_in(EMAIL, PASSWORD, None, HERE))
    scopes = frozenset({Scope.ITEMS_READ})
    key = house.create_key(other, "nightly", scopes).key
    house.clock.advance(TICK)
    app, _ = protect(house, anna)
    with pytest.raises(ReauthenticationRequired):
        house.create_key(other, "for ever", scopes)
    with pytest.raises(ReauthenticationRequired):
        house.delete_key(other, key.id)
    house.reauthenticate_by_code(other, app.code())
    house.delete_key(again(house, other), key.id)


def test_a_code_proves_nothing_where_there_is_no_second_factor_and_counts_as_no_guess(
    house: House, anna: Person
) -> None:
    for _ in range(11):
        with pytest.raises(InvalidValue):
            house.reauthenticate_by_code(anna, "123456")
    house.reauthenticate(anna, PASSWORD)


def test_nobody_begins_for_ever(house: House, anna: Person) -> None:
    for _ in range(20):
        begun(house, anna)
    for _ in range(2):
        with pytest.raises(TooManyAttempts):
            begun(house, anna)
    assert house.apps.drawn == 20  # a picture takes a while


def test_without_a_password_a_proof_of_before_changes_nothing(house: House, anna: Person) -> None:
    other = house.caller(house.sign_in(EMAIL, PASSWORD, None, HERE))
    house.change(password_hash=None)
    house.clock.advance(TICK)
    app, _ = protect(house, anna)
    with pytest.raises(ReauthenticationRequired):
        house.change_password(other, None, "another good passphrase")
    with pytest.raises(ReauthenticationRequired):
        house.delete_account(other, None)
    house.reauthenticate_by_code(other, app.code())
    house.change_password(again(house, other), None, "another good passphrase")


def test_a_password_alone_changes_nothing_beside_an_old_proof(house: House, anna: Person) -> None:
    app, _ = protect(house, anna)
    house.clock.advance(FRESH_FOR + TICK)
    late = again(house, anna)
    with pytest.raises(ReauthenticationRequired):
        house.change_password(late, PASSWORD, "another good passphrase")
    with pytest.raises(ReauthenticationRequired):
        house.delete_account(late, PASSWORD)
    with pytest.raises(ReauthenticationRequired):
        house.request_email_change(late, "new@example.com", PASSWORD)
    house.reauthenticate_by_code(late, app.code())
    house.change_password(again(house, anna), PASSWORD, "another good passphrase")


# -------------------------------------------------------------------------------- reauthenticating
def test_a_code_is_a_proof_with_and_without_a_password(house: House, anna: Person) -> None:
    app, _ = protect(house, anna)
    house.change(password_hash=None)
    house.clock.advance(FRESH_FOR)
    house.reauthenticate_by_code(anna, app.code())
    assert again(house, anna).proved_at == house.clock.now
    assert house.done()[-1] == "session.reauthenticated success"


def test_wrong_and_used_codes_prove_nothing_and_count(house: House, anna: Person) -> None:
    app, codes = protect(house, anna)
    house.reauthenticate_by_code(anna, app.code())
    house.reauthenticate_by_code(anna, codes[0])
    for wrong in (app.code(), app.code(-1), codes[0], "000000", *["nonsense"] * 6):
        with pytest.raises(WrongCode):
            house.reauthenticate_by_code(anna, wrong)
    assert house.done()[-2:] == ["session.reauthenticated failure", "account.locked failure"]
    with pytest.raises(TooManyAttempts):
        house.reauthenticate_by_code(anna, app.code(1))


def test_a_good_code_clears_no_guesses_at_the_password(house: House, anna: Person) -> None:
    for _ in range(9):
        with pytest.raises(WrongPassword):
            house.reauthenticate(anna, "a wrong passphrase")
    app, _ = protect(house, anna)
    house.reauthenticate_by_code(anna, app.code())
    house.remove_second_factor(again(house, anna))
    with pytest.raises(WrongPassword):
        house.reauthenticate(anna, "a wrong passphrase")
    with pytest.raises(TooManyAttempts):
        house.reauthenticate(anna, PASSWORD)


def test_a_right_password_clears_no_guesses_at_codes(house: House, anna: Person) -> None:
    app, _ = protect(house, anna)
    for _ in range(9):
        with pytest.raises(WrongCode):
            house.reauthenticate_by_code(anna, "000000")
    house.change_password(again(house, anna), PASSWORD, "another long passphrase")
    with pytest.raises(WrongCode):
        house.reauthenticate_by_code(anna, "000000")
    with pytest.raises(TooManyAttempts):
        house.reauthenticate_by_code(anna, app.code())


def test_a_code_proves_nothing_where_no_second_factor_is_in_force(
    house: House, anna: Person
) -> None:
    app = begun(house, anna)
    with pytest.raises(InvalidValue):
        house.reauthenticate_by_code(anna, app.code())


def test_a_session_that_is_over_proves_nothing(house: House, anna: Person) -> None:
    app, codes = protect(house, anna)
    house.sign_out(anna)
    with pytest.raises(TokenRevoked):
        house.reauthenticate_by_code(anna, app.code())
    with pytest.raises(TokenRevoked):
        house.remove_second_factor(anna)
    house.finish_sign_in(challenge(house), codes[0], HERE)  # and spends none


# ---------------------------------------------------------------------------------- recovery codes
def test_new_recovery_codes_void_those_of_before(house: House, anna: Person) -> None:
    _, before = protect(house, anna)
    house.delivered()
    codes = house.renew_recovery_codes(anna)
    assert len(set(codes) | set(before)) == 2 * RECOVERY_CODES
    assert [mail.subject for mail in house.delivered()] == [Topic.RECOVERY_CODES_MADE]
    assert house.done()[-1] == "second_factor.recovery_codes_made success"
    with pytest.raises(WrongCode):
        house.reauthenticate_by_code(anna, before[0])
    house.reauthenticate_by_code(anna, codes[0])


def test_a_recovery_code_works_once_and_its_use_is_told(house: House, anna: Person) -> None:
    _, codes = protect(house, anna)
    house.delivered()
    house.reauthenticate_by_code(anna, codes[3])
    assert house.read_second_factor(anna).recovery_codes_left == 9
    assert [mail.subject for mail in house.delivered()] == [Topic.RECOVERY_CODE_USED]
    assert "second_factor.recovery_code_used success" in house.done()
    with pytest.raises(WrongCode):
        house.reauthenticate_by_code(anna, codes[3])


def test_nobody_elses_recovery_code_works(house: House, anna: Person) -> None:
    bert = house.arrive("bert@example.com")
    _, codes = protect(house, anna)
    protect(house, bert)
    with pytest.raises(WrongCode):
        house.reauthenticate_by_code(bert, codes[0])


# ---------------------------------------------------------------------------------------- removing
def test_what_is_removed_is_gone_with_its_codes_and_told(house: House, anna: Person) -> None:
    app, codes = protect(house, anna)
    house.delivered()
    house.remove_second_factor(anna)
    assert [mail.subject for mail in house.delivered()] == [Topic.SECOND_FACTOR_REMOVED]
    assert house.done()[-1] == "second_factor.removed success"
    assert house.read_second_factor(anna).recovery_codes_left == 0
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    protect(house, anna)
    for code in (app.code(), codes[0]):
        with pytest.raises(WrongCode):
            house.reauthenticate_by_code(anna, code)


def test_an_administrator_lets_in_whoever_lost_everything(house: House, anna: Person) -> None:
    admin = house.arrive("admin@example.com", role=Role.ADMIN)
    protect(house, anna)
    house.delivered()
    house.remove_user_second_factor(admin, anna.user_id)
    assert [(mail.to, mail.subject) for mail in house.delivered()] == [
        (EMAIL, Topic.SECOND_FACTOR_REMOVED)
    ]
    assert house.trail()[-1].action == "user.second_factor_removed"
    assert house.trail()[-1].actor_id == admin.user_id
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    with pytest.raises(SecondFactorNotFound):
        house.remove_user_second_factor(admin, anna.user_id)


def test_an_administrator_needs_a_fresh_proof_for_that_by_a_code_if_they_have_one(
    house: House, anna: Person
) -> None:
    admin = house.arrive("admin@example.com", role=Role.ADMIN)
    protect(house, anna)
    house.clock.advance(FRESH_FOR + TICK)
    with pytest.raises(ReauthenticationRequired):
        house.remove_user_second_factor(admin, anna.user_id)
    house.reauthenticate(admin, PASSWORD)
    admin = house.caller(house.sign_in("admin@example.com", PASSWORD, None, HERE))
    other = house.caller(house.sign_in("admin@example.com", PASSWORD, None, HERE))
    house.clock.advance(TICK)
    protect(house, admin)
    for whose in (anna.user_id, admin.user_id):
        with pytest.raises(ReauthenticationRequired):
            house.remove_user_second_factor(other, whose)


def test_nobody_is_not_let_in(house: House) -> None:
    admin = house.arrive("admin@example.com", role=Role.ADMIN)
    with pytest.raises(UserNotFound):
        house.remove_user_second_factor(admin, ANNA)


# --------------------------------------------------------------------------- the operator's secret
def test_secrets_are_sealed_anew_when_the_operators_changes(house: House, anna: Person) -> None:
    house.prepare_keys()
    app, _ = protect(house, anna)
    house.sealer.secrets = ["tomorrow", "today"]
    house.prepare_keys()
    house.sealer.secrets = ["tomorrow"]
    house.clock.advance(STEP)
    house.reauthenticate_by_code(anna, app.code())


def test_however_many_they_are(house: House, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_FACTORS_AT_ONCE", 2)
    people = [anna, *(house.arrive(f"{number}@example.com") for number in range(3))]
    for person in people:
        protect(house, person)
    house.prepare_keys()
    house.sealer.secrets = ["tomorrow", "today"]
    house.prepare_keys()
    with house.store.reading() as see:
        found = [see.second_factors.get(person.user_id) for person in people]
    assert all(factor and house.sealer.is_current(factor.sealed) for factor in found)


def test_a_secret_is_sealed_anew_when_a_code_is_used(house: House, anna: Person) -> None:
    app, _ = protect(house, anna)
    house.sealer.secrets = ["tomorrow", "today"]
    house.reauthenticate_by_code(anna, app.code())
    house.sealer.secrets = ["tomorrow"]
    house.clock.advance(STEP)
    house.reauthenticate_by_code(anna, app.code())


def test_one_that_nobody_can_open_holds_up_no_start_and_lets_nobody_in_without_a_code(
    house: House, anna: Person
) -> None:
    app, codes = protect(house, anna)
    house.sealer.secrets = ["another"]
    house.prepare_keys()
    with pytest.raises(StoreUnfit) as caught:
        house.finish_sign_in(challenge(house), app.code(), HERE)
    assert caught.value.cause == caught.value.remedy  # in the log, for the operator
    house.finish_sign_in(challenge(house), codes[0], HERE)
