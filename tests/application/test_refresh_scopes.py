"""What a refreshed access token is good for."""

import pytest

from application.admission import Tokens
from domain.access import Role, Scope
from domain.errors import InvalidScope, RefreshTokenReused
from tests.application.house import EMAIL, HERE, PASSWORD, House

READ = frozenset({Scope.ITEMS_READ})


@pytest.fixture
def first(house: House) -> Tokens:
    house.register(EMAIL, PASSWORD)
    return house.sign_in(EMAIL, PASSWORD, None, HERE)


def test_a_subset_is_for_this_access_token_only(house: House, first: Tokens) -> None:
    narrow = house.refresh(first.refresh_token, READ)
    assert narrow.scopes == READ
    assert house.caller(narrow).scopes == READ
    assert house.refresh(narrow.refresh_token, None).scopes == Role.MEMBER.scopes


def test_more_than_the_sign_in_granted_is_refused_and_costs_nothing(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    narrow = house.sign_in(EMAIL, PASSWORD, READ, HERE)
    with pytest.raises(InvalidScope):
        house.refresh(narrow.refresh_token, Role.MEMBER.scopes)
    (session,) = house.sessions()
    assert session.counter == 0
    assert house.refresh(narrow.refresh_token, None).scopes == READ


def test_a_reuse_is_a_reuse_whatever_scope_is_asked_for(house: House, first: Tokens) -> None:
    house.refresh(house.refresh(first.refresh_token, None).refresh_token, None)
    with pytest.raises(RefreshTokenReused):
        house.refresh(first.refresh_token, frozenset(Scope))


def test_scopes_follow_the_role_of_today(house: House, first: Tokens) -> None:
    house.change(role=Role.ADMIN)
    admin = house.sign_in(EMAIL, PASSWORD, None, HERE)
    assert admin.scopes == Role.ADMIN.scopes
    house.change(role=Role.MEMBER)
    lowered = house.refresh(admin.refresh_token, None)
    assert lowered.scopes == Role.MEMBER.scopes
    house.change(role=Role.ADMIN)
    assert house.refresh(lowered.refresh_token, None).scopes == Role.ADMIN.scopes
    assert house.refresh(first.refresh_token, None).scopes == Role.MEMBER.scopes
