"""What roles grant, what tokens narrow, and what callers must have."""

from datetime import timedelta
from itertools import combinations

import pytest

from domain.access import (
    ADMIN_SCOPES,
    FRESH_FOR,
    MEMBER_SCOPES,
    Role,
    Scope,
    names_of,
    narrowed,
    scopes_named,
)
from domain.errors import InsufficientScope, InvalidScope, ReauthenticationRequired
from tests.domain.examples import NOW, a_caller

TICK = timedelta(microseconds=1)
READ, WRITE = Scope.ITEMS_READ, Scope.ITEMS_WRITE


def test_a_member_is_granted_the_first_four_scopes() -> None:
    assert names_of(Role.MEMBER.scopes) == (
        "account:read",
        "account:write",
        "items:read",
        "items:write",
    )


def test_an_administrator_is_granted_all() -> None:
    assert names_of(Role.ADMIN.scopes) == (
        "account:read",
        "account:write",
        "items:read",
        "items:write",
        "users:read",
        "users:write",
        "items:admin",
        "tokens:introspect",
        "audit:read",
    )
    assert MEMBER_SCOPES < ADMIN_SCOPES


def test_scopes_are_known_by_their_names() -> None:
    assert scopes_named(["items:write", "items:read", "items:read"]) == {READ, WRITE}
    assert scopes_named([]) == frozenset()


@pytest.mark.parametrize("name", ["", "items", "Items:Read", "items:read ", "ITEMS_READ", "*"])
def test_no_other_name_is_a_scope(name: str) -> None:
    with pytest.raises(InvalidScope):
        scopes_named(["items:read", name])


def test_names_come_in_one_order_whatever_the_set() -> None:
    for few in combinations(Scope, 2):
        assert names_of(frozenset(few)) == tuple(scope.value for scope in few)


def test_who_names_no_scope_gets_all_and_who_names_some_gets_these() -> None:
    granted = frozenset({READ, WRITE})
    assert narrowed(granted, None) == granted
    assert narrowed(granted, granted) == granted
    assert narrowed(granted, frozenset({READ})) == {READ}
    assert narrowed(granted, frozenset()) == frozenset()


def test_nobody_gets_more_than_was_granted() -> None:
    with pytest.raises(InvalidScope):
        narrowed(frozenset({READ}), frozenset({READ, WRITE}))
    with pytest.raises(InvalidScope):
        narrowed(frozenset(), frozenset({READ}))


def test_a_caller_with_every_scope_that_is_needed_may_pass() -> None:
    caller = a_caller(scopes=frozenset({READ, WRITE}))
    caller.require()
    caller.require(READ)
    caller.require(WRITE, READ)


def test_a_caller_who_lacks_one_is_told_all_that_are_needed() -> None:
    caller = a_caller(scopes=frozenset({READ}))
    with pytest.raises(InsufficientScope) as refused:
        caller.require(WRITE, READ)
    assert refused.value.details == {"scope": "items:read items:write"}


def test_the_role_of_a_caller_does_not_replace_a_scope() -> None:
    caller = a_caller(role=Role.ADMIN, scopes=frozenset({READ}))
    with pytest.raises(InsufficientScope):
        caller.require(Scope.ITEMS_ADMIN)


@pytest.mark.parametrize("age", [timedelta(0), FRESH_FOR, -FRESH_FOR])
def test_a_proof_is_fresh_for_fifteen_minutes_also_when_a_clock_was_set_back(
    age: timedelta,
) -> None:
    a_caller(proved_at=NOW - age).require_fresh(now=NOW)


@pytest.mark.parametrize("age", [FRESH_FOR + TICK, -FRESH_FOR - TICK, timedelta(days=30)])
def test_an_older_proof_must_be_given_again(age: timedelta) -> None:
    with pytest.raises(ReauthenticationRequired):
        a_caller(proved_at=NOW - age).require_fresh(now=NOW)
