"""Keys for machines: who may make and end them, what they may do, and until when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest

from application.administration import EditUser, UserEdit
from domain.access import FRESH_FOR, MEMBER_SCOPES, MachineKeyId, Role, Scope
from domain.errors import (
    Forbidden,
    InvalidScope,
    InvalidToken,
    InvalidValue,
    KeyExpired,
    KeyNotFound,
    KeyRevoked,
    ReauthenticationRequired,
    TokenExpired,
    TokenRevoked,
    TooManyKeys,
)
from domain.machine_key import KEYS_MAX, NOTED_EVERY
from domain.mail import Topic
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.application.stand_in_tokens import ACCESS_TTL
from tests.domain.examples import uuid

BERT = "bert@example.com"
READ = frozenset({Scope.ITEMS_READ})
TICK = timedelta(microseconds=1)


def key_of(house: House, **more: object) -> str:
    """Return the key of a new account."""
    scopes: frozenset[Scope] = more.pop("scopes", READ)  # type: ignore[assignment]  # by name
    return house.create_key(house.arrive(), "nightly", scopes, **more).text  # type: ignore[arg-type]  # by name


def test_a_key_calls_in_its_users_name_with_its_own_scopes(house: House) -> None:
    anna = house.arrive()
    made = house.create_key(anna, " nightly ", READ)
    machine = house.machine(made.text)
    assert (machine.user_id, machine.key_id) == (anna.user_id, made.key.id)
    assert (machine.scopes, machine.role, machine.origin) == (READ, Role.MEMBER, HERE)
    assert made.key.name == "nightly"
    assert list(house.list_keys(anna)) == [made.key]
    assert house.done()[-1] == "machine_key.created success"


def test_nothing_that_is_kept_is_the_key(house: House) -> None:
    made = house.create_key(house.arrive(), "nightly", READ)
    assert made.text.encode() not in made.key.digest
    assert made.text not in str(house.trail())


@pytest.mark.parametrize(
    ("role", "granted", "wanted"),
    [
        (Role.MEMBER, None, {Scope.USERS_READ}),
        (Role.MEMBER, None, {Scope.ITEMS_READ, Scope.ITEMS_ADMIN}),
        (Role.ADMIN, {Scope.ACCOUNT_WRITE}, {Scope.ITEMS_READ}),
    ],
)
def test_nobody_gives_a_key_what_they_may_not_do_themselves(
    house: House, role: Role, granted: set[Scope] | None, wanted: set[Scope]
) -> None:
    narrowed = None if granted is None else frozenset(granted)
    anna = house.arrive(role=role, wanted=narrowed)
    with pytest.raises(InvalidScope):
        house.create_key(anna, "nightly", frozenset(wanted))
    assert house.list_keys(anna) == []


def test_a_key_grants_what_the_role_grants_at_the_time(house: House) -> None:
    text = house.create_key(house.arrive(role=Role.ADMIN), "all", frozenset(Scope)).text
    assert house.machine(text).scopes == frozenset(Scope)
    house.change(role=Role.MEMBER)
    assert house.machine(text).scopes == MEMBER_SCOPES
    house.change(role=Role.ADMIN)
    assert house.machine(text).scopes == frozenset(Scope)


def test_a_key_outlives_sessions_and_passwords(house: House) -> None:
    anna = house.arrive()
    text = house.create_key(anna, "nightly", READ).text
    house.change_password(anna, PASSWORD, "another good passphrase")
    house.end_sessions(anna, include_current=True)
    house.clock.advance(timedelta(days=1000))
    assert house.machine(text).user_id == anna.user_id


# --------------------------------------------------------------------------------------- its end
def test_a_deleted_key_is_dead_at_once_and_no_other(house: House) -> None:
    anna = house.arrive()
    gone, kept = (house.create_key(anna, name, READ) for name in ("gone", "kept"))
    house.delete_key(anna, gone.key.id)
    with pytest.raises(KeyRevoked):
        house.machine(gone.text)
    house.machine(kept.text)
    assert house.done()[-1] == "machine_key.deleted success"
    with pytest.raises(KeyNotFound):
        house.delete_key(anna, gone.key.id)


def test_somebody_elses_key_is_not_there(house: House) -> None:
    made = house.create_key(house.arrive(), "nightly", READ)
    bert = house.arrive(BERT)
    for id in (made.key.id, MachineKeyId(uuid(99))):
        with pytest.raises(KeyNotFound):
            house.delete_key(bert, id)
    assert house.list_keys(bert) == []
    house.machine(made.text)


def test_an_expired_key_is_said_to_be(house: House) -> None:
    end = house.clock.now + timedelta(hours=1)
    text = key_of(house, expires_at=end)
    house.clock.now = end - TICK
    house.machine(text)
    house.clock.now = end
    with pytest.raises(KeyExpired):
        house.machine(text)


def test_an_end_that_is_past_is_none(house: House) -> None:
    anna = house.arrive()
    with pytest.raises(InvalidValue):
        house.create_key(anna, "nightly", READ, house.clock.now)
    assert house.list_keys(anna) == []


def suspend(house: House) -> None:
    house.change(status=Status.SUSPENDED)


def remove(house: House) -> None:
    house.remove()


@pytest.mark.parametrize("end", [suspend, remove])
def test_a_key_is_dead_without_its_user(house: House, end: Callable[[House], None]) -> None:
    text = key_of(house)
    end(house)
    with pytest.raises(KeyRevoked):
        house.machine(text)


def test_what_was_never_a_key_is_none_and_is_not_looked_for(house: House) -> None:
    def look() -> Never:
        raise AssertionError("the store was asked")

    identify = replace(house.identify, reading=look)
    with pytest.raises(InvalidToken):
        identify("key of something else", HERE)
    with pytest.raises(AssertionError):
        identify("key 7", HERE)


def test_a_key_that_nobody_made_is_no_longer_good(house: House) -> None:
    with pytest.raises(KeyRevoked):
        house.machine("key 7")


def test_whoever_finds_a_key_can_end_it(house: House) -> None:
    text = key_of(house, expires_at=house.clock.now + timedelta(hours=1))
    house.clock.advance(timedelta(days=1))  # an expired one as well
    house.revoke("key 7", HERE)
    house.revoke("key of something else", HERE)
    with pytest.raises(KeyExpired):
        house.machine(text)
    house.revoke(text, HERE)
    with pytest.raises(KeyRevoked):
        house.machine(text)
    assert house.done()[-1] == "machine_key.deleted success"
    assert len(house.sessions()) == 1


def test_a_key_is_no_access_token_to_whoever_asks(house: House) -> None:
    assert house.introspect(key_of(house), HERE) is None


def test_whoever_stays_connected_with_a_key_does_so_until_it_ends(house: House) -> None:
    anna = house.arrive()
    made = house.create_key(anna, "nightly", READ)
    assert house.foresee(made.text, HERE).until > 1e300
    house.delete_key(anna, made.key.id)
    with pytest.raises(TokenRevoked):
        house.foresee(made.text, HERE)
    tokens = house.sign_in(EMAIL, PASSWORD, None, HERE)
    outlook = house.foresee(tokens.access_token, HERE)
    assert outlook.caller == house.caller(tokens)
    assert outlook.until == int((house.clock.now + ACCESS_TTL).timestamp())
    house.clock.advance(ACCESS_TTL)
    with pytest.raises(TokenExpired):
        house.foresee(tokens.access_token, HERE)


# ---------------------------------------------------------------------------- who makes and ends
def test_making_and_ending_a_key_takes_a_fresh_proof(house: House) -> None:
    tokens = house.sign_in_anew()
    made = house.create_key(house.caller(tokens), "nightly", READ)
    house.clock.advance(FRESH_FOR + TICK)
    tokens = house.refresh(tokens.refresh_token, None)
    anna = house.caller(tokens)
    with pytest.raises(ReauthenticationRequired):
        house.create_key(anna, "another", READ)
    with pytest.raises(ReauthenticationRequired):
        house.delete_key(anna, made.key.id)
    assert list(house.list_keys(anna)) == [made.key]
    house.reauthenticate(anna, PASSWORD)
    anna = house.caller(tokens)
    house.create_key(anna, "another", READ)
    house.delete_key(anna, made.key.id)


def test_a_user_has_at_most_so_many_keys(house: House) -> None:
    anna = house.arrive()
    made = [house.create_key(anna, "one of many", READ) for _ in range(KEYS_MAX)]
    with pytest.raises(TooManyKeys):
        house.create_key(anna, "one too many", READ)
    assert len(house.list_keys(anna)) == KEYS_MAX
    house.create_key(house.arrive(BERT), "somebody else's", READ)
    house.delete_key(anna, made[0].key.id)
    house.create_key(anna, "in its place", READ)


def test_an_account_that_is_gone_meanwhile_gets_no_key(house: House) -> None:
    anna = house.arrive()
    house.remove()
    with pytest.raises(TokenRevoked):
        house.create_key(anna, "nightly", READ)


def test_no_key_is_anybody_in_person_whatever_its_scopes(house: House) -> None:
    with pytest.raises(Forbidden):
        house.machine(key_of(house, scopes=MEMBER_SCOPES)).in_person()


# --------------------------------------------------------------------------------- when it is used
def test_a_use_is_noted_at_most_once_a_minute_and_the_first_is_in_the_trail(house: House) -> None:
    anna = house.arrive()
    text = house.create_key(anna, "nightly", READ).text
    first = house.clock.now
    before = house.trail()
    machine = house.machine(text)
    for _ in range(3):
        house.note_key_use(machine)  # as several workers do, to each of which it was news
        house.clock.advance(TICK)
    assert house.list_keys(anna)[0].last_used_at == first
    assert house.done()[len(before) :] == ["machine_key.first_used success"]
    house.clock.now = first + NOTED_EVERY - TICK
    assert not house.machine(text).is_news
    house.clock.advance(TICK)
    assert house.machine(text).is_news
    house.note_key_use(house.machine(text))
    assert house.list_keys(anna)[0].last_used_at == first + NOTED_EVERY
    assert len(house.trail()) == len(before) + 1


def test_the_first_use_is_noted_with_where_it_came_from(house: House) -> None:
    house.note_key_use(house.machine(key_of(house)))
    personal = house.trail()[-1].personal
    assert personal
    assert (personal.address, personal.user_agent) == (HERE.address, HERE.user_agent)


def test_a_use_of_a_key_that_is_gone_meanwhile_is_not_noted(house: House) -> None:
    anna = house.arrive()
    made = house.create_key(anna, "nightly", READ)
    machine = house.machine(made.text)
    house.delete_key(anna, made.key.id)
    house.note_key_use(machine)
    assert house.list_keys(anna) == []
    assert house.done()[-1] == "machine_key.deleted success"


def test_a_new_key_is_announced_by_mail_which_does_not_hold_it(house: House) -> None:
    made = house.create_key(house.arrive(), "nightly", frozenset({Scope.ITEMS_READ}))
    (mail,) = [each for each in house.delivered() if each.subject == Topic.KEY_CREATED]
    assert made.text not in mail.text


def test_a_key_of_an_administrator_changes_no_role_and_not_its_own_user(house: House) -> None:
    root = house.arrive("root@example.com", role=Role.ADMIN)
    other = house.arrive()
    made = house.create_key(root, "nightly", frozenset({Scope.USERS_READ, Scope.USERS_WRITE}))
    machine = house.machine(made.text)
    edit = EditUser(house.store.unit_of_work, house.clock, house.auditor)
    with pytest.raises(Forbidden):
        edit(machine, other.user_id, UserEdit(role=Role.ADMIN))
    with pytest.raises(Forbidden):
        edit(machine, root.user_id, UserEdit(status=Status.SUSPENDED))
    edit(machine, other.user_id, UserEdit(status=Status.SUSPENDED))
