"""What whoever reads a mailbox can do, once, and what becomes of everybody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.records import AuditFilter
from domain.access import Caller, Person, Scope
from domain.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidOneTimeToken,
    ReauthenticationRequired,
    TokenRevoked,
    TooManyAttempts,
    WeakPassword,
    WrongPassword,
)
from domain.mail import Topic
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House

NEW = "another long passphrase"
NEW_EMAIL = "anna@new.example"
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
TICK = timedelta(microseconds=1)


def recovery(house: House, email: str = EMAIL) -> str:
    """Ask for recovery, and return the token that arrives."""
    house.request_recovery(email, HERE)
    return house.token(Topic.RECOVERY, email)


def verification(house: House, caller: Caller) -> str:
    house.request_verification(caller)
    return house.token(Topic.VERIFICATION)


def change(house: House, caller: Person, to: str = NEW_EMAIL) -> str:
    house.request_email_change(caller, to, PASSWORD)
    return house.token(Topic.NEW_ADDRESS, to)


def moved(house: House, caller: Person, was: str = EMAIL, to: str = NEW_EMAIL) -> str:
    """Change an address, and return the token with which its old one can undo that."""
    house.confirm_email(change(house, caller, to), HERE)
    return house.token(Topic.OLD_ADDRESS, was)


def opens(house: House, email: str, password: str) -> bool:
    try:
        house.sign_in(email, password, None, replace(HERE, address=None))
    except InvalidCredentials:
        return False
    return True


def test_a_reset_gives_a_new_password_and_ends_every_session(house: House) -> None:
    caller = house.arrive()
    house.reset_password(recovery(house), NEW, HERE)
    assert house.sessions() == []
    assert (opens(house, EMAIL, PASSWORD), opens(house, EMAIL, NEW)) == (False, True)
    user = house.user()
    assert user
    assert user.email_verified
    assert user.id == caller.user_id
    assert house.done()[-4:-2] == ["password.reset_requested success", "password.reset success"]


def test_a_reset_signs_nobody_in(house: House) -> None:
    house.arrive()
    house.reset_password(recovery(house), NEW, HERE)
    assert house.sessions() == []


def test_a_reset_is_announced_to_the_stored_address(house: House) -> None:
    house.arrive()
    house.reset_password(recovery(house), NEW, HERE)
    assert [(mail.subject, mail.to) for mail in house.delivered()] == [
        (Topic.PASSWORD_CHANGED, EMAIL)
    ]


def test_a_change_of_password_is_announced(house: House) -> None:
    house.change_password(house.arrive(), PASSWORD, NEW)
    assert [mail.subject for mail in house.delivered()] == [Topic.PASSWORD_CHANGED]


def test_a_reset_lifts_the_locks(house: House) -> None:
    caller = house.arrive()
    for _ in range(10):
        opens(house, EMAIL, "a wrong password")
        with pytest.raises(WrongPassword):
            house.change_password(caller, "a wrong password", NEW)
    with pytest.raises(TooManyAttempts):
        house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.reset_password(recovery(house), NEW, HERE)
    caller = house.caller(house.sign_in(EMAIL, NEW, None, HERE))
    house.change_password(caller, NEW, PASSWORD)


def test_a_reset_ends_every_key_for_machines(house: House) -> None:
    made = house.create_key(house.arrive(), "an impostor's", frozenset({Scope.ITEMS_READ}))
    house.identify(made.text, HERE)  # it works
    house.delivered()
    house.reset_password(recovery(house), NEW, HERE)
    with pytest.raises(TokenRevoked):
        house.identify(made.text, HERE)


def test_undoing_a_change_of_address_ends_every_key_for_machines(house: House) -> None:
    caller = house.arrive()
    undo = moved(house, caller)
    made = house.create_key(caller, "a thief's", frozenset({Scope.ITEMS_READ}))
    house.confirm_email(undo, HERE)
    with pytest.raises(TokenRevoked):
        house.identify(made.text, HERE)


def test_an_account_without_a_password_gets_one(house: House) -> None:
    house.arrive()
    house.change(password_hash=None)
    house.reset_password(recovery(house), NEW, HERE)
    assert opens(house, EMAIL, NEW)


def test_a_weak_new_password_uses_nothing_up(house: House) -> None:
    house.arrive()
    token = recovery(house)
    for weak in ("short", EMAIL, "correct horse battery"):
        with pytest.raises(WeakPassword):
            house.reset_password(token, weak, HERE)
    house.reset_password(token, NEW, HERE)


@pytest.mark.parametrize("topic", [Topic.RECOVERY, Topic.VERIFICATION, Topic.NEW_ADDRESS])
def test_a_token_works_once_and_only_within_an_hour_of_its_mail(house: House, topic: Topic) -> None:
    caller = house.arrive()
    use: Callable[[str], None] = {
        Topic.RECOVERY: lambda token: house.reset_password(token, NEW, HERE),
        Topic.VERIFICATION: lambda token: house.confirm_email(token, HERE),
        Topic.NEW_ADDRESS: lambda token: house.confirm_email(token, HERE),
    }[topic]
    ask: Callable[[], str] = {
        Topic.RECOVERY: lambda: recovery(house),
        Topic.VERIFICATION: lambda: verification(house, caller),
        Topic.NEW_ADDRESS: lambda: change(house, caller),
    }[topic]
    late = ask()
    house.clock.advance(HOUR)
    with pytest.raises(InvalidOneTimeToken):
        use(late)
    token = ask()
    house.clock.advance(HOUR - TICK)
    use(token)
    with pytest.raises(InvalidOneTimeToken):
        use(token)


def test_no_token_is_good_for_what_another_one_is_for(house: House) -> None:
    """Threat B5: each kind of token, at each door that is not its own."""
    caller = house.arrive()
    undo = moved(house, caller)
    caller = house.caller(house.sign_in(NEW_EMAIL, PASSWORD, None, HERE))
    house.change(NEW_EMAIL, email_verified=False)
    house.request_verification(caller)
    tokens = [
        house.token(Topic.VERIFICATION, NEW_EMAIL),
        change(house, caller, "third@example.com"),
        undo,
        "access 0",
        house.refresh_tokens.of(house.sessions(NEW_EMAIL)[0]),
    ]
    for token in tokens:
        with pytest.raises(InvalidOneTimeToken):
            house.reset_password(token, NEW, HERE)
    reset = recovery(house, NEW_EMAIL)
    for token in (reset, *tokens[3:]):
        with pytest.raises(InvalidOneTimeToken):
            house.confirm_email(token, HERE)
    house.reset_password(reset, NEW, HERE)


def altered(token: str) -> list[str]:
    """Return texts that name the same letter and prove nothing."""
    id, _, proof = token.partition(" ")
    return [f"{id} {proof[::-1]}", f"{id} ", f"{id} {'0' * len(proof)}"]


def test_a_token_that_was_altered_is_dead_and_the_real_one_is_not(house: House) -> None:
    caller = house.arrive()
    token = verification(house, caller)
    for forged in altered(token):
        with pytest.raises(InvalidOneTimeToken):
            house.confirm_email(forged, HERE)
    house.confirm_email(token, HERE)
    token = recovery(house)
    for forged in altered(token):
        with pytest.raises(InvalidOneTimeToken):
            house.reset_password(forged, NEW, HERE)
    house.reset_password(token, NEW, HERE)


def test_a_link_of_before_a_change_of_address_is_dead_also_when_that_is_changed_again(
    house: House,
) -> None:
    caller = house.arrive()
    token = recovery(house)
    moved(house, caller)
    moved(house, caller, NEW_EMAIL, EMAIL)
    with pytest.raises(InvalidOneTimeToken):
        house.reset_password(token, NEW, HERE)


@pytest.mark.parametrize("by", ["change of password", "reset", "change of address", "undo"])
def test_every_link_dies_with_a_change_of_password_or_address(house: House, by: str) -> None:
    caller = house.arrive()
    undo = moved(house, caller, EMAIL, "anna@old.example")
    house.change("anna@old.example", email_verified=False)
    house.request_verification(caller)
    house.request_recovery("anna@old.example", HERE)
    house.request_recovery("anna@old.example", HERE)
    house.request_email_change(caller, NEW_EMAIL, PASSWORD)
    mails = house.delivered()
    tokens = {mail.subject: mail.text for mail in mails}
    reset = next(mail.text for mail in mails if mail.subject == Topic.RECOVERY)
    match by:
        case "change of password":
            house.change_password(caller, PASSWORD, NEW)
        case "reset":
            house.reset_password(reset, NEW, HERE)
        case "change of address":
            house.confirm_email(tokens[Topic.NEW_ADDRESS], HERE)
        case _:
            house.confirm_email(undo, HERE)
    with pytest.raises(InvalidOneTimeToken):
        house.reset_password(tokens[Topic.RECOVERY], PASSWORD, HERE)
    for topic in (Topic.VERIFICATION, Topic.NEW_ADDRESS):
        with pytest.raises(InvalidOneTimeToken):
            house.confirm_email(tokens[topic], HERE)


def test_a_link_in_a_mail_that_waits_dies_as_well_and_is_not_sent(house: House) -> None:
    caller = house.arrive()
    house.request_email_change(caller, NEW_EMAIL, PASSWORD)
    house.change_password(caller, PASSWORD, NEW)
    assert [mail.subject for mail in house.delivered()] == [Topic.PASSWORD_CHANGED]


@pytest.mark.parametrize("what", ["suspended", "gone", "readdressed"])
def test_a_token_of_an_account_that_is_not_as_it_was_is_dead(house: House, what: str) -> None:
    house.arrive()
    token = recovery(house)
    match what:
        case "suspended":
            house.change(status=Status.SUSPENDED)
        case "gone":
            house.remove()
        case _:
            user = house.user()
            assert user
            with house.store.unit_of_work() as work:
                work.users.save(replace(user, email=NEW_EMAIL))
                work.commit()
    with pytest.raises(InvalidOneTimeToken):
        house.reset_password(token, NEW, HERE)


def test_a_verification_proves_the_address_and_changes_nothing_else(house: House) -> None:
    caller = house.arrive()
    before = house.user()
    house.confirm_email(verification(house, caller), HERE)
    after = house.user()
    assert before
    assert after
    assert after == replace(before, email_verified=True)
    assert len(house.sessions()) == 1
    house.request_verification(caller)
    assert house.delivered() == []


def test_an_address_changes_when_the_new_one_answers(house: House) -> None:
    caller = house.arrive()
    token = change(house, caller)
    assert (house.user() is None, house.user(NEW_EMAIL) is None) == (False, True)
    house.confirm_email(token, HERE)
    user = house.user(NEW_EMAIL)
    assert user
    assert (user.id, user.email_verified) == (caller.user_id, True)
    assert len(house.sessions(NEW_EMAIL)) == 1
    assert (opens(house, EMAIL, PASSWORD), opens(house, NEW_EMAIL, PASSWORD)) == (False, True)
    assert [(mail.subject, mail.to) for mail in house.delivered()] == [(Topic.OLD_ADDRESS, EMAIL)]


def test_an_address_changes_for_nobody_without_the_password(house: House) -> None:
    caller = house.arrive()
    with pytest.raises(WrongPassword):
        house.request_email_change(caller, NEW_EMAIL, "a wrong password")
    assert house.delivered() == []
    assert house.done()[-1] == "email.change_requested failure"


def test_only_the_newest_wish_for_an_address_counts(house: House) -> None:
    caller = house.arrive()
    first = change(house, caller)
    second = change(house, caller, "second@example.com")
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(first, HERE)
    house.confirm_email(second, HERE)


def test_whether_somebody_has_the_new_address_is_not_told(house: House) -> None:
    house.register(NEW_EMAIL, PASSWORD)
    house.request_email_change(house.arrive(), NEW_EMAIL, PASSWORD)
    assert (house.delivered(), house.list_outbox()) == ([], [])


def test_an_address_that_was_taken_meanwhile_stays_where_it_is(house: House) -> None:
    token = change(house, house.arrive())
    house.register(NEW_EMAIL, PASSWORD)
    with pytest.raises(EmailTaken):
        house.confirm_email(token, HERE)
    assert house.user() is not None


def test_the_old_address_undoes_the_change_and_whoever_made_it_is_out(house: House) -> None:
    caller = house.arrive()
    undo = moved(house, caller)
    house.request_recovery(NEW_EMAIL, HERE)
    theirs = house.token(Topic.RECOVERY, NEW_EMAIL)
    house.clock.advance(HOUR - TICK)
    house.confirm_email(undo, HERE)
    user = house.user()
    assert user
    assert (user.id, user.email_verified) == (caller.user_id, True)
    assert house.user(NEW_EMAIL) is None
    assert house.sessions() == []
    with pytest.raises(InvalidOneTimeToken):
        house.reset_password(theirs, NEW, HERE)
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(undo, HERE)
    assert "email.restored success" in house.done()


def test_an_undo_works_for_a_week_whatever_else_is_changed(house: House) -> None:
    caller = house.arrive()
    undo = moved(house, caller)
    house.change_password(caller, PASSWORD, NEW)
    house.reset_password(recovery(house, NEW_EMAIL), PASSWORD, HERE)
    thief = house.caller(house.sign_in(NEW_EMAIL, PASSWORD, None, HERE))
    moved(house, thief, NEW_EMAIL, "thief@example.com")
    house.clock.advance(WEEK - HOUR)
    house.confirm_email(undo, HERE)
    assert house.user() is not None


def test_an_undo_is_over_after_a_week(house: House) -> None:
    undo = moved(house, house.arrive())
    house.clock.advance(WEEK)
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(undo, HERE)


def test_a_thief_who_moves_on_twice_cannot_take_the_undo_from_its_owner(house: House) -> None:
    caller = house.arrive()
    owners = moved(house, caller)
    thiefs = moved(house, caller, NEW_EMAIL, "thief@example.com")
    house.confirm_email(thiefs, HERE)
    assert house.user(NEW_EMAIL)
    house.confirm_email(owners, HERE)
    assert house.user()
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(thiefs, HERE)


def test_after_the_owners_undo_the_thiefs_is_dead(house: House) -> None:
    caller = house.arrive()
    owners = moved(house, caller)
    thiefs = moved(house, caller, NEW_EMAIL, "thief@example.com")
    house.confirm_email(owners, HERE)
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(thiefs, HERE)


def test_who_registered_somebodys_address_first_ends_with_nothing(house: House) -> None:
    """Pre-hijacking (Sudhodanan and Paverd, 2022), in all the ways that are open here."""
    impostor = house.arrive()
    tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.request_email_change(impostor, "impostor@example.com", PASSWORD)
    theirs = house.token(Topic.NEW_ADDRESS, "impostor@example.com")
    house.reset_password(recovery(house), NEW, HERE)
    assert not opens(house, EMAIL, PASSWORD)
    with pytest.raises(TokenRevoked):
        house.caller(tokens)
    with pytest.raises(InvalidOneTimeToken):
        house.confirm_email(theirs, HERE)
    assert opens(house, EMAIL, NEW)


def test_recovery_knows_an_address_in_its_one_form_only(house: House) -> None:
    """Threat A13: mail goes to the stored address, whatever was typed."""
    house.register("quack@example.com", PASSWORD)
    house.request_recovery(" QUACK@Example.COM ", HERE)
    (mail,) = house.delivered()
    assert mail.to == "quack@example.com"


@pytest.fixture
def strict(house: House) -> House:
    """A house in which nobody signs in before their address is proved."""
    return House(house.store, needs_verified=True)


def test_an_account_whose_address_is_not_proved_is_as_good_as_none(strict: House) -> None:
    assert strict.sign_up(EMAIL, PASSWORD, None, HERE) is None
    assert not opens(strict, EMAIL, PASSWORD)
    assert strict.done()[-1] == "session.started failure"
    strict.confirm_email(strict.token(Topic.VERIFICATION), HERE)
    assert opens(strict, EMAIL, PASSWORD)


def test_a_reset_proves_the_address_too(strict: House) -> None:
    strict.sign_up(EMAIL, PASSWORD, None, HERE)
    strict.reset_password(recovery(strict), NEW, HERE)
    assert opens(strict, EMAIL, NEW)


def test_signing_up_tells_nobody_whether_there_is_an_account_but_its_owner(strict: House) -> None:
    assert strict.sign_up(EMAIL, PASSWORD, None, HERE) is None
    strict.delivered()
    hashes = len(strict.hasher.hashed)
    assert strict.sign_up(EMAIL, NEW, None, HERE) is None
    assert len(strict.hasher.hashed) == hashes + 1  # it takes as long
    assert [(mail.subject, mail.to) for mail in strict.delivered()] == [
        (Topic.KNOWN_ADDRESS, EMAIL)
    ]
    user = strict.user()
    assert user
    assert user.password_hash
    assert user.password_hash.endswith(PASSWORD)
    assert strict.done()[-1] == "account.created failure"


def test_an_operator_vouches_for_the_address_and_is_told_of_a_taken_one(strict: House) -> None:
    strict.register(EMAIL, PASSWORD)
    assert opens(strict, EMAIL, PASSWORD)
    assert strict.delivered() == []
    with pytest.raises(EmailTaken):
        strict.register(EMAIL, PASSWORD)


def test_signing_up_tells_of_a_taken_address_where_nothing_has_to_be_proved(house: House) -> None:
    assert house.sign_up(EMAIL, PASSWORD, None, HERE)
    assert opens(house, EMAIL, PASSWORD)
    with pytest.raises(EmailTaken):
        house.sign_up(EMAIL, PASSWORD, None, HERE)


def test_who_has_no_password_changes_the_address_with_a_fresh_proof_and_not_without(
    house: House,
) -> None:
    caller = house.arrive()
    user = house.user()
    assert user is not None
    with house.store.unit_of_work() as work:
        work.users.save(replace(user, password_hash=None))
        work.commit()
    house.clock.advance(timedelta(minutes=15))
    stale = replace(caller, proved_at=house.clock() - timedelta(minutes=15, seconds=1))
    with pytest.raises(ReauthenticationRequired):
        house.request_email_change(stale, NEW_EMAIL, None)
    house.request_email_change(replace(caller, proved_at=house.clock()), NEW_EMAIL, None)
    assert house.token(Topic.NEW_ADDRESS, NEW_EMAIL)


def test_who_opened_an_account_with_the_address_meanwhile_cannot_keep_the_owner_from_it(
    house: House,
) -> None:
    owner = house.arrive()
    undo = moved(house, owner)
    house.register(EMAIL, PASSWORD, origin=HERE)
    squatter = house.user()
    assert squatter is not None
    house.confirm_email(undo, HERE)
    restored = house.user()
    assert restored is not None
    assert restored.id == owner.user_id != squatter.id


def test_who_proved_the_address_meanwhile_keeps_it(house: House) -> None:
    owner = house.arrive()
    undo = moved(house, owner)
    other = house.arrive()
    house.confirm_email(verification(house, other), HERE)
    with pytest.raises(EmailTaken):
        house.confirm_email(undo, HERE)
    user = house.user()
    assert user is not None
    assert user.id == other.user_id


def test_after_an_undo_the_password_that_a_thief_knows_opens_nothing_and_a_mail_leads_back(
    house: House,
) -> None:
    undo = moved(house, house.arrive())
    house.confirm_email(undo, HERE)
    assert not opens(house, EMAIL, PASSWORD)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    assert opens(house, EMAIL, NEW)


def test_a_reset_to_the_password_that_was_is_refused_and_uses_nothing_up(house: House) -> None:
    house.arrive()
    token = recovery(house)
    with pytest.raises(WeakPassword):
        house.reset_password(token, PASSWORD, HERE)
    house.reset_password(token, NEW, HERE)


def test_a_wish_too_many_leaves_the_last_link_good_and_is_nobody_elses_loss(house: House) -> None:
    caller, other = house.arrive(), house.arrive("bert@example.com")
    for _ in range(9):
        house.request_email_change(caller, NEW_EMAIL, PASSWORD)
    last = [mail for mail in house.delivered() if mail.subject == Topic.NEW_ADDRESS][-1].text
    assert change(house, other)
    house.confirm_email(last, HERE)
    user = house.user(NEW_EMAIL)
    assert user is not None
    assert user.id == caller.user_id


def test_a_good_link_works_also_where_many_bad_ones_were_tried(house: House) -> None:
    house.arrive()
    token = recovery(house)
    for _ in range(40):
        with pytest.raises((InvalidOneTimeToken, TooManyAttempts)):
            house.reset_password("bot_" + "x" * 64, NEW, HERE)
    house.reset_password(token, NEW, HERE)


def test_what_a_recovery_was_asked_for_is_in_no_trail(house: House) -> None:
    house.request_recovery("nobody@example.com", HERE)
    with house.store.reading() as see:
        entries = see.audit.matching(AuditFilter(), before=None, limit=99)
    assert all(entry.personal is None or entry.personal.email is None for entry in entries)


def test_in_the_name_of_a_session_that_ended_nothing_is_decided(house: House) -> None:
    caller = house.arrive()
    house.sign_out(caller)
    for decide in (
        lambda: house.create_key(caller, "late", frozenset({Scope.ITEMS_READ})),
        lambda: house.request_email_change(caller, NEW_EMAIL, PASSWORD),
        lambda: house.change_password(caller, PASSWORD, NEW),
        lambda: house.delete_account(caller, PASSWORD),
    ):
        with pytest.raises(TokenRevoked):
            decide()
