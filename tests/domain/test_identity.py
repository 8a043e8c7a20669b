"""Identities and flows: what makes one good, and what nobody can be left without."""

from datetime import timedelta

import pytest

from domain.errors import InvalidFlow, InvalidIdentity, LastSignInMethod, NoAddress
from domain.identity import (
    FLOW_LIFETIME,
    Flow,
    Identity,
    IdentityId,
    ProviderName,
    check_not_last,
)
from tests.domain.examples import (
    ANNA,
    IDENTITY,
    LATER,
    NOW,
    PROVIDER,
    a_flow,
    a_proven_identity,
    a_user,
    an_identity,
    uuid,
)

OTHER = ProviderName("another")
TICK = timedelta(microseconds=1)


def test_a_flow_lasts_ten_minutes_and_not_a_moment_longer() -> None:
    flow = Flow.begin(digest=b"d", provider=PROVIDER, redirect_uri="https://a/", now=NOW)
    flow.check(PROVIDER, now=NOW)
    flow.check(None, now=NOW + FLOW_LIFETIME - TICK)
    with pytest.raises(InvalidFlow):
        flow.check(PROVIDER, now=NOW + FLOW_LIFETIME)


def test_a_flow_is_one_providers() -> None:
    with pytest.raises(InvalidFlow):
        a_flow().check(OTHER, now=NOW)


def test_a_clock_that_is_set_back_far_makes_no_flow_last() -> None:
    a_flow().check(PROVIDER, now=NOW - FLOW_LIFETIME)
    with pytest.raises(InvalidFlow):
        a_flow().check(PROVIDER, now=NOW - timedelta(hours=1))


def test_no_secret_is_in_what_a_flow_looks_like() -> None:
    assert "ddd" not in repr(a_flow())


@pytest.mark.parametrize("subject", ["1", "\u00fc" * 255, "a b", " "])
def test_a_subject_is_any_text_that_can_be_kept(subject: str) -> None:
    a_proven_identity(subject=subject).check()


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\x00b", "\ud800"])
def test_a_subject_that_cannot_be_kept_proves_nothing(subject: str) -> None:
    with pytest.raises(InvalidIdentity) as caught:
        a_proven_identity(subject=subject).check()
    assert str(caught.value.cause).startswith("provider google: ")
    assert str(caught.value.cause).endswith(" of the subject")


@pytest.mark.parametrize("email", [None, "", "anna", "anna@", "a\x00@example.com", "a" * 300])
def test_what_is_no_address_is_none(email: str | None) -> None:
    with pytest.raises(NoAddress):
        a_proven_identity(email=email).address()


def test_an_address_is_taken_in_its_canonical_form() -> None:
    assert a_proven_identity(email=" Anna@EXAMPLE.com ").address() == "anna@example.com"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna", "Anna"),
        (None, None),
        ("", None),
        (" ", None),
        ("\x00", None),
        ("x" * 101, "x" * 100),
    ],
)
def test_a_name_that_cannot_be_one_here_is_none(name: str | None, shown: str | None) -> None:
    assert a_proven_identity(name=name).display_name() == shown


@pytest.mark.parametrize(
    ("is_verified", "trusted", "owns"),
    [(True, {PROVIDER}, True), (True, {OTHER}, False), (False, {PROVIDER}, False)],
)
def test_an_address_is_owned_if_a_trusted_provider_says_so(
    is_verified: bool, trusted: set[ProviderName], owns: bool
) -> None:
    assert a_proven_identity(email_verified=is_verified).owns_address(trusted) is owns


def test_a_proven_identity_becomes_a_way_in() -> None:
    linked = a_proven_identity().linked(id=IDENTITY, user_id=ANNA, now=NOW)
    assert linked == an_identity()
    assert linked.used(now=LATER) == an_identity(last_used_at=LATER)


SECOND = an_identity(id=IdentityId(uuid(99)), issuer="https://b")


@pytest.mark.parametrize(
    ("password_hash", "identities", "issuers"),
    [
        ("a hash", [an_identity()], []),
        (None, [an_identity(), SECOND], ["https://b"]),
    ],
)
def test_one_way_in_may_go_while_there_is_another(
    password_hash: str | None, identities: list[Identity], issuers: list[str]
) -> None:
    user = a_user(password_hash=password_hash)
    check_not_last(user, an_identity(), identities, issuers=issuers)


@pytest.mark.parametrize("identities", [[an_identity()], [an_identity(), SECOND]])
def test_the_last_way_in_stays_also_beside_one_that_is_not_set_up(
    identities: list[Identity],
) -> None:
    user, issuers = a_user(password_hash=None), [an_identity().issuer]
    with pytest.raises(LastSignInMethod):
        check_not_last(user, an_identity(), identities, issuers=issuers)
