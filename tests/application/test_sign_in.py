"""Signing in."""

from dataclasses import replace

import pytest

from domain.access import Origin, Role, Scope
from domain.errors import InvalidCredentials, InvalidScope
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, SESSION_CAP, House
from tests.application.stand_in_tokens import ACCESS_TTL
from tests.domain.examples import NOW

READ = frozenset({Scope.ITEMS_READ})


def sign_in(house: House, email: str = EMAIL, password: str = PASSWORD) -> None:
    house.sign_in(email, password, None, HERE)


@pytest.fixture(autouse=True)
def anna(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    house.hasher.hashed.clear()


def test_whoever_knows_the_password_gets_all_that_the_role_grants(house: House) -> None:
    tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    assert tokens.scopes == Role.MEMBER.scopes
    assert tokens.scope == "account:read account:write items:read items:write"
    assert tokens.expires_in == ACCESS_TTL.total_seconds()
    caller = house.identify(tokens.access_token, HERE)
    user = house.user()
    assert user
    assert (caller.user_id, caller.scopes) == (user.id, Role.MEMBER.scopes)


def test_the_session_remembers_when_and_where_it_began(house: House) -> None:
    tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    (session,) = house.sessions()
    assert (session.address, session.user_agent) == (HERE.address, HERE.user_agent)
    assert (session.created_at, session.last_used_at, session.counter) == (NOW, NOW, 0)
    assert house.refresh_tokens.of(session) == tokens.refresh_token
    assert len(session.seed) == 32


def test_every_sign_in_is_a_session_of_its_own(house: House) -> None:
    one, other = (house.sign_in(EMAIL, PASSWORD, None, HERE) for _ in range(2))
    first, second = house.sessions()
    assert first.id != second.id
    assert first.seed != second.seed
    assert one.refresh_token != other.refresh_token
    assert one.access_token != other.access_token


@pytest.mark.parametrize("email", ["ANNA@example.com", "  anna@EXAMPLE.com\n"])
def test_an_address_opens_its_account_however_it_is_written(house: House, email: str) -> None:
    sign_in(house, email)


def test_a_password_may_be_typed_composed_or_not(house: House) -> None:
    house.register("b@example.com", "u\u0308" * 15)
    sign_in(house, "b@example.com", "\u00fc" * 15)
    sign_in(house, "b@example.com", "u\u0308" * 15)


def test_an_account_without_a_password_is_not_opened_by_any(house: House) -> None:
    house.change(password_hash=None)
    with pytest.raises(InvalidCredentials):
        sign_in(house)
    assert house.hasher.matched == [None]


def test_a_suspended_account_is_not_opened(house: House) -> None:
    house.change(status=Status.SUSPENDED)
    with pytest.raises(InvalidCredentials):
        sign_in(house)
    assert house.hasher.matched == [None]
    assert house.sessions() == []


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("bert@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("anna\x00@example.com", PASSWORD),
        ("quac\u212a@example.com", PASSWORD),
        (EMAIL, "a wrong passphrase"),
        (EMAIL, PASSWORD.upper()),
        (EMAIL, PASSWORD + " "),
        (EMAIL, ""),
        (EMAIL, "x" * 1_000_000),
        (EMAIL, "\ud800"),
    ],
    ids=range(11),
)
def test_whatever_is_wrong_takes_one_hash_and_is_told_in_one_way(
    house: House, email: str, password: str
) -> None:
    with pytest.raises(InvalidCredentials):
        sign_in(house, email, password)
    assert len(house.hasher.matched) == 1
    assert house.hasher.longest <= 256
    assert house.hasher.hashed == []
    assert house.sessions() == []


def test_no_character_beyond_the_longest_password_is_cut_off(house: House) -> None:
    house.register("b@example.com", "x" * 256)
    sign_in(house, "b@example.com", "x" * 256)
    house.hasher.matched.clear()
    with pytest.raises(InvalidCredentials):
        sign_in(house, "b@example.com", "x" * 257)
    assert house.hasher.matched == [None]


def test_a_subset_of_what_the_role_grants_can_be_asked_for(house: House) -> None:
    tokens = house.sign_in(EMAIL, PASSWORD, READ, HERE)
    assert tokens.scopes == READ
    assert [session.scopes for session in house.sessions()] == [READ]


def test_a_scope_that_the_role_lacks_is_refused_to_whoever_knows_the_password_only(
    house: House,
) -> None:
    too_much = READ | {Scope.ITEMS_ADMIN}
    with pytest.raises(InvalidScope):
        house.sign_in(EMAIL, PASSWORD, too_much, HERE)
    with pytest.raises(InvalidCredentials):
        house.sign_in(EMAIL, "a wrong passphrase", too_much, HERE)
    with pytest.raises(InvalidCredentials):
        house.sign_in("bert@example.com", PASSWORD, too_much, HERE)
    assert house.sessions() == []


def test_a_hash_of_weaker_parameters_is_made_anew_without_a_visible_change(house: House) -> None:
    before = house.user()
    house.hasher.strength = 2
    house.clock.advance(ACCESS_TTL)
    sign_in(house)
    after = house.user()
    assert before
    assert after
    assert after.password_hash
    assert not house.hasher.is_outdated(after.password_hash)
    assert replace(after, password_hash=before.password_hash) == before
    sign_in(house)
    assert len(house.hasher.hashed) == 1


def test_a_wrong_password_makes_no_hash_anew(house: House) -> None:
    house.hasher.strength = 2
    before = house.user()
    with pytest.raises(InvalidCredentials):
        sign_in(house, password="a wrong passphrase")
    assert house.user() == before


def test_two_sign_ins_that_both_make_the_hash_anew_both_succeed(house: House) -> None:
    house.hasher.strength = 2
    house.hasher.meanwhile = [lambda: sign_in(house)]
    sign_in(house)
    assert len(house.sessions()) == 2


def test_a_password_that_was_changed_while_we_hashed_opens_nothing(house: House) -> None:
    other = "1:1:another good passphrase"
    house.hasher.meanwhile = [lambda: house.change(password_hash=other)]
    with pytest.raises(InvalidCredentials):
        sign_in(house)
    assert house.sessions() == []


def test_an_account_that_was_suspended_or_removed_while_we_hashed_is_not_opened(
    house: House,
) -> None:
    house.hasher.meanwhile = [lambda: house.change(status=Status.SUSPENDED)]
    with pytest.raises(InvalidCredentials):
        sign_in(house)
    house.change(status=Status.ACTIVE)
    house.hasher.meanwhile = [house.remove]
    with pytest.raises(InvalidCredentials):
        sign_in(house)
    assert house.sessions() == []


def test_a_role_that_was_lowered_while_we_hashed_grants_what_it_grants_now(house: House) -> None:
    house.change(role=Role.ADMIN)
    house.hasher.meanwhile = [lambda: house.change(role=Role.MEMBER)]
    assert house.sign_in(EMAIL, PASSWORD, None, HERE).scopes == Role.MEMBER.scopes


def test_one_session_more_than_the_cap_ends_the_one_that_was_idle_longest(house: House) -> None:
    for _ in range(SESSION_CAP):
        sign_in(house)
        house.clock.advance(ACCESS_TTL)
    first = house.sessions()[-1]
    sign_in(house)
    assert len(house.sessions()) == SESSION_CAP
    assert first not in house.sessions()


def test_how_it_ended_stands_in_the_trail(house: House) -> None:
    sign_in(house)
    for email, password in ((EMAIL, "a wrong passphrase"), ("bert@example.com", PASSWORD)):
        with pytest.raises(InvalidCredentials):
            house.sign_in(email, password, None, Origin(address="192.0.2.9"))
    good, wrong, unknown = house.trail()[1:]
    user = house.user()
    assert user
    assert (good.result, good.actor_id) == ("success", user.id)
    assert (wrong.result, wrong.actor_id, wrong.target_id) == ("failure", None, str(user.id))
    assert (unknown.result, unknown.actor_id, unknown.target_id) == ("failure", None, None)
    assert wrong.personal
    assert (wrong.personal.address, wrong.personal.email) == ("192.0.2.9", EMAIL)
