"""One's sign-ins: looking at them, and ending them."""

from datetime import timedelta

import pytest

from application.admission import Tokens
from domain.access import Origin, Person, Role, SessionId
from domain.errors import InvalidRefreshToken, SessionNotFound, TokenRevoked
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.application.stand_in_tokens import ACCESS_TTL
from tests.domain.examples import uuid

BERT = "bert@example.com"


@pytest.fixture
def tokens(house: House) -> list[Tokens]:
    """Anna's sign-ins at two places, and Bert's."""
    house.register(EMAIL, PASSWORD)
    house.register(BERT, PASSWORD)
    return [house.sign_in(email, PASSWORD, None, HERE) for email in (EMAIL, EMAIL, BERT)]


def alive(house: House, tokens: list[Tokens]) -> list[bool]:
    """Whether each sign-in's access token and refresh token are good, which must agree."""
    found = []
    for each in tokens:
        try:
            house.caller(each)
        except TokenRevoked:
            with pytest.raises(InvalidRefreshToken):
                house.refresh(each.refresh_token, None)
            found.append(False)
        else:
            found.append(True)
    return found


def here(house: House, tokens: list[Tokens]) -> Person:
    return house.caller(tokens[0])


def test_signing_out_ends_this_session_only(house: House, tokens: list[Tokens]) -> None:
    house.sign_out(here(house, tokens))
    assert alive(house, tokens) == [False, True, True]
    assert house.done()[-1] == "session.ended success"


def test_signing_out_of_a_session_that_is_gone_is_no_harm(
    house: House, tokens: list[Tokens]
) -> None:
    caller = here(house, tokens)
    house.sign_out(caller)
    house.sign_out(caller)
    assert alive(house, tokens) == [False, True, True]


def test_ones_own_live_sessions_are_listed_with_their_end(
    house: House, tokens: list[Tokens]
) -> None:
    house.clock.advance(house.lifetimes.idle - timedelta(minutes=1))
    house.refresh(tokens[1].refresh_token, None)
    listed = house.list_sessions(house.caller(house.refresh(tokens[0].refresh_token, None)))
    assert [each.session for each in listed] == house.sessions()
    assert {each.expires_at for each in listed} == {house.clock.now + house.lifetimes.idle}


def test_a_session_that_is_over_is_not_listed_though_its_row_is_there(
    house: House, tokens: list[Tokens]
) -> None:
    house.clock.advance(house.lifetimes.idle - timedelta(minutes=1))
    fresh = house.sign_in(EMAIL, PASSWORD, None, HERE)
    house.clock.advance(timedelta(minutes=1))
    caller = house.caller(fresh)
    assert len(house.sessions()) == 3
    assert [each.session.id for each in house.list_sessions(caller)] == [caller.session_id]
    with pytest.raises(SessionNotFound):
        house.end_session(caller, house.sessions()[-1].id)


@pytest.mark.parametrize("which", [0, 1])
def test_each_of_ones_own_sessions_can_be_ended(
    house: House, tokens: list[Tokens], which: int
) -> None:
    house.end_session(here(house, tokens), house.caller(tokens[which]).session_id)
    assert alive(house, tokens) == [which != 0, which != 1, True]


def test_another_users_session_is_not_found_and_lives_on(
    house: House, tokens: list[Tokens]
) -> None:
    for id in (house.caller(tokens[2]).session_id, SessionId(uuid(1))):
        with pytest.raises(SessionNotFound):
            house.end_session(here(house, tokens), id)
    assert alive(house, tokens) == [True, True, True]


@pytest.mark.parametrize(
    ("include_current", "left"), [(False, [True, False, True]), (True, [False, False, True])]
)
def test_all_others_or_all_of_ones_sessions_can_be_ended(
    house: House, tokens: list[Tokens], include_current: bool, left: list[bool]
) -> None:
    house.end_sessions(here(house, tokens), include_current=include_current)
    assert alive(house, tokens) == left


def test_whoever_left_just_now_ends_nothing_and_nothing_is_written_of_them(
    house: House, tokens: list[Tokens]
) -> None:
    caller = house.caller(tokens[0])
    house.delete_account(caller, PASSWORD)
    with pytest.raises(TokenRevoked):
        house.sign_out(caller)
    with pytest.raises(TokenRevoked):
        house.end_sessions(caller, include_current=True)
    assert house.done()[-1] == "account.deleted success"


def test_any_genuine_token_ends_its_session_whoever_brings_it(
    house: House, tokens: list[Tokens]
) -> None:
    newer = house.refresh(tokens[1].refresh_token, None)
    house.revoke(tokens[0].access_token, Origin())
    house.revoke(tokens[1].refresh_token, Origin())  # superseded
    assert alive(house, [tokens[0], newer, tokens[2]]) == [False, False, True]
    house.clock.advance(ACCESS_TTL)
    house.revoke(tokens[2].access_token, Origin())  # expired
    assert house.sessions(BERT) == []


def test_anything_else_ends_nothing_and_is_no_error(house: House, tokens: list[Tokens]) -> None:
    forged = tokens[0].refresh_token[:-2] + "00"
    before = house.done()
    for text in ("", "nonsense", forged, "access 999"):
        house.revoke(text, Origin())
    assert alive(house, tokens) == [True, True, True]
    assert house.done() == before


def test_a_live_token_is_told_with_what_it_is_good_for_now(
    house: House, tokens: list[Tokens]
) -> None:
    found = house.introspect(tokens[0].access_token, HERE)
    assert found
    assert found.token.claims.user_id == here(house, tokens).user_id
    assert found.scopes == Role.MEMBER.scopes


def test_of_any_other_token_nothing_is_told(house: House, tokens: list[Tokens]) -> None:
    assert house.introspect("nonsense", HERE) is None
    assert house.introspect(tokens[0].refresh_token, HERE) is None
    house.sign_out(here(house, tokens))
    assert house.introspect(tokens[0].access_token, HERE) is None
    house.change(BERT, status=Status.SUSPENDED)
    assert house.introspect(tokens[2].access_token, HERE) is None
    house.clock.advance(ACCESS_TTL)
    assert house.introspect(tokens[1].access_token, HERE) is None
