"""The second step of signing in: what a challenge and a code are good for, and how often."""

from datetime import timedelta

import pytest

from application.administration import EditUser, EndUserSessions, UserEdit
from domain.access import Person, Role, Scope
from domain.errors import (
    InvalidCredentials,
    InvalidSecondFactor,
    SecondFactorRequired,
    TooManyAttempts,
)
from domain.mail import Topic
from domain.second_factor import CHALLENGE_FOR, GUESSES, STEP
from domain.user import Status
from tests.application.authenticator import App, again, challenge, protect
from tests.application.house import EMAIL, HERE, PASSWORD, House

NEW = "another good passphrase"


@pytest.fixture
def anna(house: House) -> Person:
    caller = house.arrive()
    house.change(email_verified=True)
    house.delivered()
    return caller


@pytest.fixture
def app(house: House, anna: Person) -> App:
    found, _ = protect(house, anna)
    house.delivered()
    house.clock.advance(STEP)
    return found


def refused(house: House, text: str, code: str) -> None:
    with pytest.raises(InvalidSecondFactor):
        house.finish_sign_in(text, code, HERE)


# ---------------------------------------------------------------------------------------- the gate
def test_the_right_password_is_answered_with_a_challenge_and_no_session(
    house: House, app: App
) -> None:
    before = house.sessions()
    with pytest.raises(SecondFactorRequired) as required:
        house.sign_in(EMAIL, PASSWORD, None, HERE)
    assert required.value.details == {"challenge": required.value.challenge}
    assert house.sessions() == before
    assert house.done()[-1] == "session.challenged success"


def test_a_wrong_password_is_told_nothing_of_a_second_factor(house: House, app: App) -> None:
    for email, password in ((EMAIL, "a wrong passphrase"), ("nobody@example.com", PASSWORD)):
        with pytest.raises(InvalidCredentials):
            house.sign_in(email, password, None, HERE)


def test_whoever_is_suspended_is_told_nothing_of_it_either(house: House, app: App) -> None:
    house.change(status=Status.SUSPENDED)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_a_code_finishes_the_sign_in_with_the_scopes_that_it_began_with(
    house: House, app: App
) -> None:
    with pytest.raises(SecondFactorRequired) as required:
        house.sign_in(EMAIL, PASSWORD, frozenset({Scope.ITEMS_READ}), HERE)
    tokens = house.finish_sign_in(required.value.challenge, app.code(), HERE)
    assert tokens.scopes == {Scope.ITEMS_READ}
    caller = house.caller(tokens)
    assert (caller.proved_at, caller.scopes) == (house.clock.now, tokens.scopes)
    assert house.done()[-1] == "session.started success"
    house.remove_second_factor(caller)  # it was a proof by a code


def test_a_recovery_code_finishes_it_once_and_its_use_is_told(house: House, anna: Person) -> None:
    _, codes = protect(house, anna)
    house.delivered()
    house.finish_sign_in(challenge(house), codes[0], HERE)
    assert [mail.subject for mail in house.delivered()] == [Topic.RECOVERY_CODE_USED]
    refused(house, challenge(house), codes[0])
    house.finish_sign_in(challenge(house), codes[1], HERE)


# -------------------------------------------------------------------------- once, and not for ever
def test_a_challenge_is_good_once(house: House, app: App) -> None:
    text = challenge(house)
    house.finish_sign_in(text, app.code(), HERE)
    refused(house, text, app.code(1))


def test_a_code_is_good_once_whatever_the_challenge(house: House, app: App) -> None:
    house.finish_sign_in(challenge(house), app.code(), HERE)
    refused(house, challenge(house), app.code())
    refused(house, challenge(house), app.code(-1))
    house.finish_sign_in(challenge(house), app.code(1), HERE)


@pytest.mark.parametrize("text", ["", "nonsense", "challenge 99", "recovery 1"])
def test_what_is_no_challenge_begins_nothing(house: House, app: App, text: str) -> None:
    refused(house, text, app.code())


def test_a_challenge_waits_five_minutes(house: House, app: App) -> None:
    text = challenge(house)
    house.clock.advance(CHALLENGE_FOR - timedelta(seconds=1))
    in_time = challenge(house)
    house.clock.advance(timedelta(seconds=1))
    refused(house, text, app.code())
    house.finish_sign_in(in_time, app.code(), HERE)


def test_nobody_elses_code_finishes_it(house: House, app: App) -> None:
    bert = house.arrive("bert@example.com")
    theirs, codes = protect(house, bert)
    refused(house, challenge(house), theirs.code())
    refused(house, challenge(house), codes[0])


@pytest.mark.parametrize("include_current", [False, True])
def test_it_ends_with_ones_other_sessions(
    house: House, app: App, anna: Person, *, include_current: bool
) -> None:
    text, bert = challenge(house), house.arrive("bert@example.com")
    house.end_sessions(bert, include_current=True)
    house.end_sessions(anna, include_current=include_current)
    refused(house, text, app.code())
    house.finish_sign_in(challenge(house), app.code(), HERE)


def test_it_ends_with_the_sessions_that_an_administrator_ends(
    house: House, app: App, anna: Person
) -> None:
    text, admin = challenge(house), house.arrive("root@example.com", role=Role.ADMIN)
    EndUserSessions(house.store.unit_of_work, house.auditor)(admin, anna.user_id)
    refused(house, text, app.code())


def test_it_is_void_after_a_change_of_the_password(house: House, app: App, anna: Person) -> None:
    text = challenge(house)
    house.clock.advance(timedelta(seconds=1))
    house.change_password(_by_code(house, app), PASSWORD, NEW)
    refused(house, text, app.code(1))
    house.finish_sign_in(challenge(house, password=NEW), app.code(1), HERE)


def test_it_is_void_after_a_change_of_the_address(house: House, app: App) -> None:
    text = challenge(house)
    house.clock.advance(timedelta(seconds=1))
    house.request_email_change(_by_code(house, app), "new@example.com", PASSWORD)
    house.confirm_email(house.token(Topic.NEW_ADDRESS, "new@example.com"), HERE)
    refused(house, text, app.code(1))
    house.finish_sign_in(challenge(house, "new@example.com"), app.code(1), HERE)


def test_it_is_void_after_a_suspension_also_one_that_is_over(house: House, app: App) -> None:
    admin = house.arrive("admin@example.com", role=Role.ADMIN)
    edit = EditUser(house.store.unit_of_work, house.clock, house.auditor)
    user = house.user()
    assert user
    text = challenge(house)
    for status in (Status.SUSPENDED, Status.ACTIVE):
        house.clock.advance(timedelta(seconds=1))
        edit(admin, user.id, UserEdit(status=status))
        refused(house, text, app.code())
    house.finish_sign_in(challenge(house), app.code(), HERE)


def test_it_is_void_once_the_second_factor_is_gone(house: House, app: App) -> None:
    text = challenge(house)
    house.remove_second_factor(_by_code(house, app))
    refused(house, text, app.code(1))
    house.sign_in(EMAIL, PASSWORD, None, HERE)


def _by_code(house: House, app: App) -> Person:
    """Return a caller who has just signed in with a code."""
    return house.caller(house.finish_sign_in(challenge(house), app.code(), HERE))


# ----------------------------------------------------------------------------------------- guesses
def test_five_wrong_codes_end_a_challenge(house: House, app: App) -> None:
    text = challenge(house)
    for _ in range(GUESSES):
        refused(house, text, "000000")
    refused(house, text, app.code())
    house.finish_sign_in(challenge(house), app.code(), HERE)


def test_guesses_are_counted_across_challenges_and_no_password_clears_them(
    house: House, app: App
) -> None:
    for _ in range(10):
        refused(house, challenge(house), "000000")
    assert house.done()[-2:] == ["session.started failure", "account.locked failure"]
    assert [mail.subject for mail in house.delivered()] == [Topic.SECOND_STEP_LOCKED]
    text = challenge(house)  # the password is right, and not locked
    with pytest.raises(TooManyAttempts) as locked:
        house.finish_sign_in(text, app.code(), HERE)
    assert locked.value.retry_after == 60
    house.clock.advance(timedelta(minutes=1))
    refused(house, challenge(house), "000000")
    with pytest.raises(TooManyAttempts) as locked:
        house.finish_sign_in(challenge(house), app.code(), HERE)
    assert locked.value.retry_after == 120
    house.clock.advance(timedelta(minutes=2))
    house.finish_sign_in(challenge(house), app.code(), HERE)
    refused(house, challenge(house), "000000")  # the row of failures is over


def test_guesses_lock_nobody_out_who_is_signed_in(house: House, app: App, anna: Person) -> None:
    for _ in range(10):
        refused(house, challenge(house), "000000")
    house.reauthenticate_by_code(anna, app.code())


def test_a_password_reset_gives_no_new_guesses(house: House, app: App) -> None:
    for _ in range(10):
        refused(house, challenge(house), "000000")
    house.request_recovery(EMAIL, HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    with pytest.raises(TooManyAttempts):
        house.finish_sign_in(challenge(house, password=NEW), app.code(), HERE)


def test_wrong_codes_count_against_the_network_that_they_come_from(house: House, app: App) -> None:
    for _ in range(100):
        refused(house, "nonsense", "000000")
    with pytest.raises(TooManyAttempts):
        house.finish_sign_in("nonsense", "000000", HERE)
    with pytest.raises(TooManyAttempts):
        house.sign_in(EMAIL, PASSWORD, None, HERE)


# --------------------------------------------------------------------------------- the other doors
def test_a_password_reset_by_mail_does_not_pass_it_by(house: House, app: App) -> None:
    house.request_recovery(EMAIL, HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    house.finish_sign_in(challenge(house, password=NEW), app.code(), HERE)


@pytest.mark.parametrize("is_proved_first", [False, True], ids=["reset", "verified, then reset"])
def test_an_impostors_second_factor_goes_with_a_reset(house: House, is_proved_first: bool) -> None:
    """Who registers somebody else's address first must not shut its owner out."""
    impostor = house.arrive()
    protect(house, impostor)
    house.request_verification(impostor)
    letter = house.token(Topic.VERIFICATION)
    if is_proved_first:  # the owner follows the link that somebody else asked for
        house.confirm_email(letter, HERE)
    house.request_recovery(EMAIL, HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    house.sign_in(EMAIL, NEW, None, HERE)


def moved(house: House, caller: Person) -> str:
    """Move the account to another address; return what undoes that."""
    house.request_email_change(caller, "moved@example.com", PASSWORD)
    house.confirm_email(house.token(Topic.NEW_ADDRESS, "moved@example.com"), HERE)
    return house.token(Topic.OLD_ADDRESS)


def test_a_thiefs_second_factor_goes_when_the_owner_undoes_the_change_of_address(
    house: House, anna: Person
) -> None:
    undo = moved(house, anna)
    protect(house, anna)
    house.confirm_email(undo, HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    house.sign_in(EMAIL, NEW, None, HERE)


def test_the_owners_second_factor_outlives_a_change_of_address_and_its_undoing(
    house: House, anna: Person, app: App
) -> None:
    house.confirm_email(moved(house, again(house, anna)), HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    house.finish_sign_in(challenge(house, password=NEW), app.code(), HERE)


def test_where_the_second_factor_goes_its_lock_and_its_waiting_sign_ins_go_too(
    house: House, anna: Person, app: App
) -> None:
    early = challenge(house)
    for _ in range(10):
        refused(house, challenge(house), "000000")
    house.reauthenticate_by_code(anna, app.code())
    house.remove_second_factor(again(house, anna))
    newer, _ = protect(house, again(house, anna))
    house.clock.advance(STEP)
    refused(house, early, newer.code())
    house.finish_sign_in(challenge(house), newer.code(), HERE)
