"""One's own account: looking at it, renaming oneself, and leaving."""

from datetime import timedelta

import pytest

from domain.access import Role
from domain.errors import (
    InvalidValue,
    LastAdmin,
    TokenRevoked,
    TooManyAttempts,
    WeakPassword,
    WrongPassword,
)
from domain.user import Status
from tests.application.house import EMAIL, PASSWORD, House
from tests.domain.examples import NOW, a_draft

BERT = "bert@example.com"
SECOND = timedelta(seconds=1)


def test_everybody_sees_their_own_account(house: House) -> None:
    anna, bert = house.arrive(), house.arrive(BERT)
    assert house.read_profile(anna) == house.user()
    assert house.read_profile(bert) == house.user(BERT)


def test_an_account_that_is_gone_meanwhile_has_no_profile_name_password_or_end(
    house: House,
) -> None:
    anna = house.arrive()
    house.remove()
    with pytest.raises(TokenRevoked):
        house.read_profile(anna)
    with pytest.raises(TokenRevoked):
        house.rename_profile(anna, "Anna")
    with pytest.raises(TokenRevoked):
        house.change_password(anna, PASSWORD, "another good passphrase")
    with pytest.raises(TokenRevoked):
        house.delete_account(anna, PASSWORD)


@pytest.mark.parametrize(("name", "kept"), [(" Anna ", "Anna"), (None, None)])
def test_a_new_name_is_stored_with_its_time(
    house: House, name: str | None, kept: str | None
) -> None:
    anna = house.arrive()
    house.rename_profile(anna, "Before")
    house.clock.advance(SECOND)
    renamed = house.rename_profile(anna, name)
    assert renamed == house.user()
    assert (renamed.display_name, renamed.updated_at) == (kept, NOW + SECOND)
    assert house.done()[-2:] == ["account.updated success"] * 2


def test_the_same_name_changes_nothing(house: House) -> None:
    anna = house.arrive()
    before = house.rename_profile(anna, "Anna")
    trail = house.trail()
    house.clock.advance(SECOND)
    assert house.rename_profile(anna, " Anna") == before == house.user()
    assert house.trail() == trail


def test_a_bad_name_is_refused(house: House) -> None:
    anna = house.arrive()
    for name in ("", " ", "x" * 101, "\x00"):
        with pytest.raises(InvalidValue):
            house.rename_profile(anna, name)
    user = house.user()
    assert user
    assert user.display_name is None


def test_leaving_takes_the_account_with_all_that_is_in_it(house: House) -> None:
    anna, bert = house.arrive(), house.arrive(BERT)
    mine, theirs = house.create_item(anna, a_draft()), house.create_item(bert, a_draft())
    house.delete_account(anna, PASSWORD)
    assert house.user() is None
    with pytest.raises(TokenRevoked):
        house.read_profile(anna)
    with house.store.reading() as see:
        assert see.items.get(mine.item.id) is None
        assert see.items.get(theirs.item.id) == theirs.item
        assert see.sessions.standing(anna.session_id) is None
        assert see.sessions.standing(bert.session_id)
    house.register(EMAIL, PASSWORD)


def test_leaving_takes_the_right_password(house: House) -> None:
    anna = house.arrive()
    for password in ("a wrong passphrase", "", PASSWORD.upper()):
        with pytest.raises(WrongPassword):
            house.delete_account(anna, password)
    assert house.user()
    assert house.sessions()
    assert house.done()[-1] == "account.deleted failure"


def test_who_has_no_password_cannot_leave_by_one(house: House) -> None:
    anna = house.arrive()
    house.change(password_hash=None)
    with pytest.raises(WrongPassword):
        house.delete_account(anna, "")
    assert house.user()


def test_a_password_that_was_changed_while_we_hashed_proves_nothing(house: House) -> None:
    anna = house.arrive()
    house.hasher.meanwhile = [lambda: house.change(password_hash="1:1:another")]
    with pytest.raises(WrongPassword):
        house.delete_account(anna, PASSWORD)
    assert house.user()


def test_the_last_active_administrator_stays(house: House) -> None:
    anna = house.arrive(role=Role.ADMIN)
    house.arrive(BERT, role=Role.ADMIN)
    house.change(BERT, status=Status.SUSPENDED)
    with pytest.raises(LastAdmin):
        house.delete_account(anna, PASSWORD)
    with pytest.raises(WrongPassword):
        house.delete_account(anna, "a wrong passphrase")
    assert house.user()
    assert house.sessions()
    house.change(BERT, status=Status.ACTIVE)
    house.delete_account(anna, PASSWORD)
    assert house.user() is None


def test_a_member_may_leave_a_house_without_administrators(house: House) -> None:
    anna = house.arrive()
    house.delete_account(anna, PASSWORD)
    assert house.user() is None


def test_leaving_erases_what_the_trail_says_of_a_person_and_leaves_the_chain(
    house: House,
) -> None:
    anna, _ = house.arrive(), house.arrive(BERT)
    house.delete_account(anna, PASSWORD)
    own = [entry for entry in house.trail() if entry.actor_id == anna.user_id]
    assert [entry.action for entry in own][-1] == "account.deleted"
    for entry in own[:-1]:
        assert entry.personal is None
    last = own[-1].personal
    assert last is None or (last.address, last.user_agent, last.email) == (None, None, None)
    others = [entry for entry in house.trail() if entry.actor_id not in (None, anna.user_id)]
    assert any(entry.personal and entry.personal.address for entry in others)


def test_ten_wrong_proofs_lock_proving_for_a_minute_but_not_signing_in(house: House) -> None:
    anna = house.arrive()
    for _ in range(10):
        with pytest.raises(WrongPassword):
            house.delete_account(anna, "a wrong passphrase")
    with pytest.raises(TooManyAttempts):
        house.delete_account(anna, PASSWORD)
    house.arrive(BERT)
    house.clock.advance(timedelta(minutes=1))
    house.delete_account(anna, PASSWORD)
    assert house.user() is None


def test_a_right_proof_is_no_failure_whatever_else_is_in_the_way(house: House) -> None:
    admin = house.arrive(role=Role.ADMIN)
    for _ in range(12):
        with pytest.raises(LastAdmin):
            house.delete_account(admin, PASSWORD)
    for _ in range(12):
        with pytest.raises(WeakPassword):
            house.change_password(admin, PASSWORD, PASSWORD)
