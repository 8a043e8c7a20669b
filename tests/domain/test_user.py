"""Accounts: how they begin, and what changes them."""

from dataclasses import replace

import pytest

from domain.access import Role
from domain.errors import InvalidValue
from domain.user import DISPLAY_NAME_MAX, Status, User
from tests.domain.examples import ANNA, LATER, NOW, a_user


def test_an_account_begins_active_and_unverified_under_its_canonical_address() -> None:
    user = User.register(id=ANNA, email=" Anna@Example.COM ", password_hash="a hash", now=NOW)
    assert user == a_user(display_name=None)
    assert (user.role, user.status, user.email_verified) == (Role.MEMBER, Status.ACTIVE, False)
    assert (user.created_at, user.updated_at) == (NOW, NOW)


def test_an_account_may_begin_with_a_name_and_a_role() -> None:
    user = User.register(
        id=ANNA, email="a@b.co", password_hash="h", now=NOW, name=" Anna ", role=Role.ADMIN
    )
    assert (user.display_name, user.role) == ("Anna", Role.ADMIN)


@pytest.mark.parametrize(
    ("email", "name"), [("no address", None), ("a@b.co", ""), ("a@b.co", "x" * 101)]
)
def test_an_account_does_not_begin_with_a_bad_address_or_name(email: str, name: str | None) -> None:
    with pytest.raises(InvalidValue):
        User.register(id=ANNA, email=email, password_hash="h", now=NOW, name=name)


@pytest.mark.parametrize("name", ["B", "\U0001f512" * DISPLAY_NAME_MAX, None])
def test_another_name_is_another_user_at_another_time(name: str | None) -> None:
    renamed = a_user().renamed(name, now=LATER)
    assert renamed == replace(a_user(), display_name=name, updated_at=LATER)


@pytest.mark.parametrize("name", ["Anna", "  Anna\n"])
def test_the_same_name_changes_nothing(name: str) -> None:
    user = a_user()
    assert user.renamed(name, now=LATER) is user
    nobody = a_user(display_name=None)
    assert nobody.renamed(None, now=LATER) is nobody


@pytest.mark.parametrize("name", ["", "  ", "x" * (DISPLAY_NAME_MAX + 1), "\x00", "\ud800"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        a_user().renamed(name, now=LATER)
    assert refused.value.field == "display_name"


def test_another_password_is_a_change_and_a_stronger_hash_of_the_same_is_none() -> None:
    user = a_user()
    assert user.with_password("new", now=LATER) == replace(
        user, password_hash="new", updated_at=LATER
    )
    assert user.rehashed("new") == replace(user, password_hash="new")


@pytest.mark.parametrize(
    ("role", "status", "administers"),
    [
        (Role.ADMIN, Status.ACTIVE, True),
        (Role.ADMIN, Status.SUSPENDED, False),
        (Role.MEMBER, Status.ACTIVE, False),
        (Role.MEMBER, Status.SUSPENDED, False),
    ],
)
def test_only_an_active_administrator_administers(
    role: Role, status: Status, administers: bool
) -> None:
    user = a_user(role=role, status=status)
    assert user.is_active_admin is administers
    assert user.is_active is (status is Status.ACTIVE)


def test_the_hash_is_not_shown_with_the_user() -> None:
    assert "a hash" not in repr(a_user())
