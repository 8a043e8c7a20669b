"""Signing in by a provider: which account it is, who loses one, and what is never told."""

from datetime import timedelta

import pytest

from adapters.memory.store import InMemoryStore
from domain.access import Scope
from domain.audit import Action
from domain.errors import (
    AddressUnproved,
    EmailTaken,
    IdentityNotFound,
    IdentityTaken,
    InvalidCredentials,
    InvalidIdentity,
    KeyRevoked,
    LastSignInMethod,
    NoAddress,
    ReauthenticationRequired,
    SecondFactorRequired,
    TokenRevoked,
    TooManyAttempts,
    TooManyIdentities,
)
from domain.identity import IDENTITIES_MAX, IdentityId, ProviderName
from domain.mail import Topic
from domain.user import Status
from tests.application.authenticator import protect
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import NOW, a_proven_identity, uuid

UNTRUSTED = ProviderName("another")
ELSEWHERE = {"provider": UNTRUSTED, "issuer": "https://another.example.net", "subject": "mallory"}
NEW = "another long passphrase"


def subjects(topics: list[str], house: House) -> list[str]:
    return [mail.subject for mail in house.delivered() if mail.subject in topics]


# --------------------------------------------------------------------------------- newcomers
def test_a_newcomer_gets_an_account_without_a_password(house: House) -> None:
    caller = house.come_by_provider()
    user = house.user()
    assert user
    assert (user.id, user.password_hash, user.display_name) == (caller.user_id, None, "Anna")
    assert user.email_verified
    assert house.delivered() == []
    assert house.done() == [
        "account.created success",
        "identity.linked success",
        "identity.used success",
        "session.started success",
    ]


@pytest.mark.parametrize("said", [{"email_verified": False}, {"provider": UNTRUSTED}])
def test_a_newcomers_address_is_proved_only_by_a_trusted_provider_that_says_so(
    house: House, said: dict[str, object]
) -> None:
    house.come_by_provider(**said)
    user = house.user()
    assert user
    assert not user.email_verified
    house.confirm_email(house.token(Topic.VERIFICATION), HERE)


def test_whoever_comes_again_is_the_same_user_whatever_their_address_is_by_now(
    house: House,
) -> None:
    first = house.come_by_provider()
    house.clock.advance(timedelta(hours=1))
    again = house.come_by_provider(email="moved@example.org", name="Else")
    assert again.user_id == first.user_id
    assert house.user("moved@example.org") is None
    (identity,) = house.list_identities(again)
    assert (identity.created_at, identity.last_used_at) == (NOW, house.clock.now)


def test_an_address_that_went_to_somebody_else_opens_nothing(house: House) -> None:
    first = house.come_by_provider()
    with house.store.unit_of_work() as work:
        user = work.users.lock(first.user_id)
        assert user
        work.users.save(user.readdressed("anna@elsewhere.example", now=NOW))
        work.commit()
    other = house.come_by_provider(subject="5678")
    assert other.user_id != first.user_id


def test_the_same_subject_of_another_issuer_is_somebody_else(house: House) -> None:
    first = house.come_by_provider()
    other = house.come_by_provider(issuer="https://another.example.net", email="b@example.com")
    assert other.user_id != first.user_id


@pytest.mark.parametrize("email", [None, "nonsense"])
def test_without_an_address_there_is_no_account(house: House, email: str | None) -> None:
    with pytest.raises(NoAddress):
        house.come_by_provider(email=email)
    assert house.done() == ["identity.used failure"]


def test_who_is_known_needs_no_address(house: House) -> None:
    house.come_by_provider()
    house.come_by_provider(email=None)


def test_new_accounts_are_counted_like_any_other(house: House) -> None:
    for number in range(30):
        house.come_by_provider(subject=str(number), email=f"p{number}@example.com")
    with pytest.raises(TooManyAttempts):
        house.come_by_provider(subject="30", email="p30@example.com")


def test_a_provider_sign_in_is_a_proof_that_is_fresh_and_then_not(house: House) -> None:
    caller = house.come_by_provider()
    house.clock.advance(timedelta(minutes=16))
    with pytest.raises(ReauthenticationRequired):
        house.change_password(caller, None, NEW)
    house.change_password(house.come_by_provider(), None, NEW)
    house.sign_in(EMAIL, NEW, None, HERE)


def test_an_account_without_a_password_is_opened_by_none(house: House) -> None:
    house.come_by_provider()
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, PASSWORD, None, HERE)


# ------------------------------------------------------------------- addresses with an account
@pytest.mark.parametrize("said", [{"email_verified": False}, {"provider": UNTRUSTED}])
@pytest.mark.parametrize("is_verified", [True, False])
def test_an_account_is_not_joined_without_a_trusted_word(
    house: House, is_verified: bool, said: dict[str, object]
) -> None:
    caller = house.arrive()
    house.change(email_verified=is_verified)
    with pytest.raises(EmailTaken):
        house.come_by_provider(**said)
    assert house.list_identities(caller) == []
    assert house.identify(house.sign_in_anew().access_token, HERE).user_id == caller.user_id


def test_a_verified_account_is_joined_and_loses_nothing(house: House) -> None:
    caller = house.arrive()
    house.change(email_verified=True)
    house.delivered()
    joined = house.come_by_provider()
    assert joined.user_id == caller.user_id
    house.sign_in(EMAIL, PASSWORD, None, HERE)
    assert len(house.sessions()) == 3
    assert subjects([Topic.IDENTITY_LINKED], house) == [Topic.IDENTITY_LINKED]


def test_an_unproved_claim_loses_everything_to_the_proven_owner(house: House) -> None:
    mallory = house.arrive()
    tokens = house.sign_in_anew()
    key = house.create_key(mallory, "nightly", frozenset({Scope.ITEMS_READ}))
    house.link_identity(mallory, a_proven_identity(**ELSEWHERE))
    house.request_recovery(EMAIL, HERE)
    recovery = house.token(Topic.RECOVERY)
    house.request_email_change(mallory, "mallory@example.com", PASSWORD)
    moving = house.token(Topic.NEW_ADDRESS, "mallory@example.com")

    anna = house.come_by_provider()

    assert anna.user_id == mallory.user_id
    user = house.user()
    assert user
    assert (user.password_hash, user.email_verified) == (None, True)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, PASSWORD, None, HERE)
    with pytest.raises(TokenRevoked):
        house.caller(tokens)
    with pytest.raises(KeyRevoked):
        house.machine(key.text)
    for text in (recovery, moving):
        with pytest.raises(Exception, match="does not work"):
            house.confirm_email(text, HERE)
    (identity,) = house.list_identities(anna)
    assert identity.subject == "1234"
    with pytest.raises(EmailTaken):
        house.come_by_provider(**ELSEWHERE)
    assert len(house.sessions()) == 1
    assert f"{Action.ACCOUNT_HANDED_OVER} success" in house.done()
    assert Topic.ACCOUNT_HANDED_OVER in {mail.subject for mail in house.delivered()}


def test_an_impostors_second_factor_keeps_nobody_out(house: House) -> None:
    protect(house, house.arrive())
    anna = house.come_by_provider()
    assert not house.read_second_factor(anna).enabled


def test_a_second_factor_is_asked_for_whatever_the_first_one_was(house: House) -> None:
    caller = house.arrive()
    house.change(email_verified=True)
    app, _ = protect(house, caller)
    with pytest.raises(SecondFactorRequired) as caught:
        house.come_by_provider()
    assert len(house.sessions()) == 1
    tokens = house.finish_sign_in(caught.value.challenge, app.code(), HERE)
    assert house.caller(tokens).user_id == caller.user_id


def test_an_impostor_who_came_by_an_untrusted_provider_loses_the_account_too(
    house: House,
) -> None:
    house.come_by_provider(**ELSEWHERE)
    anna = house.come_by_provider()
    assert [each.subject for each in house.list_identities(anna)] == ["1234"]
    with pytest.raises(EmailTaken):
        house.come_by_provider(**ELSEWHERE)


def test_a_reset_by_mail_ends_what_an_impostor_linked(house: House) -> None:
    house.come_by_provider(**ELSEWHERE)
    house.request_recovery(EMAIL, HERE)
    house.reset_password(house.token(Topic.RECOVERY), NEW, HERE)
    house.sign_in(EMAIL, NEW, None, HERE)
    with pytest.raises(EmailTaken):
        house.come_by_provider(**ELSEWHERE)


def test_an_undone_change_of_address_ends_what_a_thief_linked(house: House) -> None:
    thief = house.arrive()
    house.link_identity(thief, a_proven_identity(**ELSEWHERE))
    house.request_email_change(thief, "mallory@example.com", PASSWORD)
    house.confirm_email(house.token(Topic.NEW_ADDRESS, "mallory@example.com"), HERE)
    house.confirm_email(house.token(Topic.OLD_ADDRESS), HERE)
    with pytest.raises(EmailTaken):
        house.come_by_provider(**ELSEWHERE)


def test_a_change_of_password_ends_no_identity(house: House) -> None:
    caller = house.arrive()
    house.link_identity(caller, a_proven_identity())
    house.change_password(caller, PASSWORD, NEW)
    assert house.come_by_provider().user_id == caller.user_id


# ------------------------------------------------------------------------------- closed doors
def test_a_suspended_account_is_opened_to_nobody_and_nobody_is_told(house: House) -> None:
    house.come_by_provider()
    house.change(status=Status.SUSPENDED)
    for said in ({}, {"subject": "5678"}):
        with pytest.raises(InvalidIdentity) as caught:
            house.come_by_provider(**said)
        assert type(caught.value) is InvalidIdentity
        assert caught.value.cause == "provider google: a suspended account"
    assert house.done()[-2:] == ["identity.used failure"] * 2


@pytest.fixture
def strict() -> House:
    """A house in which nobody signs in before their address is proved."""
    return House(InMemoryStore(), needs_verified=True)


def test_where_addresses_are_to_be_proved_a_newcomer_proves_theirs_first(strict: House) -> None:
    for _ in range(2):
        with pytest.raises(AddressUnproved):
            strict.come_by_provider(email_verified=False)
    assert strict.sessions() == []
    mails = [mail for mail in strict.delivered() if mail.subject == Topic.VERIFICATION]
    strict.confirm_email(mails[0].text, HERE)
    strict.come_by_provider(email_verified=False)


def test_where_addresses_are_to_be_proved_a_trusted_word_is_proof(strict: House) -> None:
    strict.come_by_provider()


def test_where_addresses_are_to_be_proved_nobody_learns_which_have_accounts(
    strict: House,
) -> None:
    strict.register(EMAIL, PASSWORD)
    strict.delivered()
    with pytest.raises(AddressUnproved):
        strict.come_by_provider(**ELSEWHERE)
    assert [mail.subject for mail in strict.delivered()] == [Topic.KNOWN_ADDRESS]
    with strict.store.reading() as see:
        assert see.identities.known_by("https://another.example.net", "mallory") is None


def test_where_addresses_are_to_be_proved_the_limit_tells_nothing_either(strict: House) -> None:
    strict.register(EMAIL, PASSWORD)
    for number in range(30):
        said = ELSEWHERE | {"subject": str(number), "email": f"p{number}@example.com"}
        with pytest.raises(AddressUnproved):
            strict.come_by_provider(**said)
    for email in (EMAIL, "nobody@example.com"):
        with pytest.raises(TooManyAttempts):
            strict.come_by_provider(**ELSEWHERE, email=email)


def test_joining_an_account_is_no_sign_up(house: House) -> None:
    for number in range(31):
        email = f"p{number}@example.com"
        house.register(email, PASSWORD)
        house.change(email, email_verified=True)
        house.come_by_provider(subject=str(number), email=email)


# ----------------------------------------------------------------------- linking and unlinking
def test_an_identity_is_linked_and_opens_the_account_from_then_on(house: House) -> None:
    caller = house.arrive()
    house.delivered()
    identity = house.link_identity(caller, a_proven_identity(email="else@example.org"))
    assert list(house.list_identities(caller)) == [identity]
    assert house.come_by_provider().user_id == caller.user_id
    assert [mail.subject for mail in house.delivered()] == [Topic.IDENTITY_LINKED]
    noted = [e.target_id for e in house.trail() if e.action.startswith("identity.")]
    assert noted == [f"google/{identity.id}"] * 2


def test_nobody_has_identities_without_end(house: House) -> None:
    caller = house.arrive()
    house.change(email_verified=True)
    linked = [
        house.link_identity(caller, a_proven_identity(subject=str(number)))
        for number in range(IDENTITIES_MAX)
    ]
    with pytest.raises(TooManyIdentities):
        house.link_identity(caller, a_proven_identity(subject="one more"))
    with pytest.raises(InvalidIdentity):
        house.come_by_provider(subject="one more")
    assert house.link_identity(caller, a_proven_identity(subject="0")) == linked[0]
    house.come_by_provider(subject="49")
    house.unlink_identity(caller, linked[0].id)
    house.come_by_provider(subject="one more")


def test_linking_what_is_ones_own_already_changes_nothing(house: House) -> None:
    caller = house.arrive()
    identity = house.link_identity(caller, a_proven_identity())
    house.delivered()
    assert house.link_identity(caller, a_proven_identity()) == identity
    assert house.delivered() == []


def test_somebody_elses_identity_is_not_linked_and_who_tried_is_in_the_trail(house: House) -> None:
    house.come_by_provider()
    bert = house.arrive("bert@example.com")
    with pytest.raises(IdentityTaken):
        house.link_identity(bert, a_proven_identity())
    last = house.trail()[-1]
    assert (last.action, last.result) == ("identity.linked", "failure")
    assert (last.actor_id, last.target_id) == (bert.user_id, "google")


def test_of_whoever_left_while_the_provider_was_asked_nothing_is_written_any_more(
    house: House,
) -> None:
    caller = house.arrive()
    house.delete_account(caller, PASSWORD)
    with pytest.raises(TokenRevoked):
        house.note_unproved(UNTRUSTED, HERE, caller)
    assert house.done()[-1] == "account.deleted success"


def test_a_subject_that_cannot_be_kept_is_in_the_trail(house: House) -> None:
    said = {"subject": "a\x00b"}
    with pytest.raises(InvalidIdentity):
        house.come_by_provider(**said)
    with pytest.raises(InvalidIdentity):
        house.link_identity(house.arrive("bert@example.com"), a_proven_identity(**said))
    failed = [each for each in house.done() if each.endswith("failure")]
    assert failed == ["identity.used failure", "identity.linked failure"]


def test_linking_and_unlinking_need_a_fresh_proof(house: House) -> None:
    caller = house.arrive()
    identity = house.link_identity(caller, a_proven_identity())
    house.clock.advance(timedelta(minutes=16))
    with pytest.raises(ReauthenticationRequired):
        house.link_identity(caller, a_proven_identity(subject="5678"))
    with pytest.raises(ReauthenticationRequired):
        house.unlink_identity(caller, identity.id)
    assert len(house.list_identities(caller)) == 1


def test_nothing_is_linked_or_unlinked_in_the_name_of_a_session_that_has_ended(
    house: House,
) -> None:
    caller = house.arrive()
    identity = house.link_identity(caller, a_proven_identity())
    house.sign_out(caller)
    with pytest.raises(TokenRevoked):
        house.link_identity(caller, a_proven_identity(subject="5678"))
    with pytest.raises(TokenRevoked):
        house.unlink_identity(caller, identity.id)


def test_an_unlinked_identity_opens_nothing_and_its_user_is_told(house: House) -> None:
    caller = house.arrive()
    identity = house.link_identity(caller, a_proven_identity())
    house.delivered()
    house.unlink_identity(caller, identity.id)
    assert house.list_identities(caller) == []
    assert [mail.subject for mail in house.delivered()] == [Topic.IDENTITY_UNLINKED]
    with pytest.raises(EmailTaken):
        house.come_by_provider(email_verified=False)


def test_the_last_way_in_is_not_unlinked(house: House) -> None:
    caller = house.come_by_provider()
    (first,) = house.list_identities(caller)
    with pytest.raises(LastSignInMethod):
        house.unlink_identity(caller, first.id)
    second = house.link_identity(caller, a_proven_identity(**ELSEWHERE))
    house.unlink_identity(caller, first.id)
    with pytest.raises(LastSignInMethod):
        house.unlink_identity(caller, second.id)
    house.change_password(caller, None, NEW)
    house.unlink_identity(caller, second.id)


def test_an_identity_of_a_provider_that_is_gone_is_no_way_in(house: House) -> None:
    caller = house.come_by_provider()
    gone = a_proven_identity(provider="gone", issuer="https://gone.example.net")
    house.link_identity(caller, gone)
    (alive,) = [each for each in house.list_identities(caller) if each.issuer != gone.issuer]
    with pytest.raises(LastSignInMethod):
        house.unlink_identity(caller, alive.id)


def test_somebody_elses_identity_is_not_there_to_be_unlinked(house: House) -> None:
    (identity,) = house.list_identities(house.come_by_provider())
    bert = house.arrive("bert@example.com")
    for id in (identity.id, IdentityId(uuid(99))):
        with pytest.raises(IdentityNotFound):
            house.unlink_identity(bert, id)


def test_identities_go_with_their_account(house: House) -> None:
    caller = house.come_by_provider()
    house.delete_account(caller, None)
    assert house.come_by_provider().user_id != caller.user_id
