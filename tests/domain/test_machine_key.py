"""Machine keys: what they are called, when they end, and when a use of one is news."""

from datetime import datetime, timedelta

import pytest

from domain.access import MachineKeyId, Role, Scope
from domain.errors import Forbidden, InvalidValue, KeyExpired, KeyRevoked
from domain.machine_key import NOTED_EVERY, KeyStanding, MachineKey, is_news
from domain.user import Status
from tests.domain.examples import ANNA, LATER, NOW, a_caller, a_machine, a_machine_key, uuid

TICK = timedelta(microseconds=1)


def create(name: str = "nightly", expires_at: datetime | None = None) -> MachineKey:
    return MachineKey.create(
        id=MachineKeyId(uuid(15)),
        user_id=ANNA,
        name=name,
        scopes=frozenset({Scope.ITEMS_READ}),
        digest=b"a digest",
        now=NOW,
        expires_at=expires_at,
    )


def standing(**fields: object) -> KeyStanding:
    key = a_machine_key()
    good: dict[str, object] = {
        "id": key.id,
        "user_id": ANNA,
        "role": Role.MEMBER,
        "status": Status.ACTIVE,
        "scopes": key.scopes,
        "expires_at": None,
        "last_used_at": None,
    }
    return KeyStanding(**good | fields)  # type: ignore[arg-type]  # by name


def test_a_key_begins_unused_and_ends_never_or_then() -> None:
    assert create(" nightly ") == a_machine_key()
    assert create(expires_at=LATER) == a_machine_key(expires_at=LATER)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "\x00", "\ud800"])
def test_a_key_has_a_name_that_can_be_shown(name: str) -> None:
    with pytest.raises(InvalidValue) as broken:
        create(name)
    assert broken.value.field == "name"


@pytest.mark.parametrize("end", [NOW, NOW - TICK])
def test_no_key_is_over_when_it_begins(end: datetime) -> None:
    with pytest.raises(InvalidValue) as broken:
        create(expires_at=end)
    assert (broken.value.field, broken.value.reason) == ("expires_at", "datetime_future")


def test_a_key_is_good_until_its_very_end() -> None:
    standing().check(now=NOW + timedelta(days=9999))
    standing(expires_at=LATER).check(now=LATER - TICK)
    with pytest.raises(KeyExpired):
        standing(expires_at=LATER).check(now=LATER)


def test_a_key_of_a_suspended_user_is_not_good_and_an_expired_one_is_said_to_be() -> None:
    with pytest.raises(KeyRevoked):
        standing(status=Status.SUSPENDED).check(now=NOW)
    with pytest.raises(KeyExpired):
        standing(status=Status.SUSPENDED, expires_at=NOW).check(now=NOW)


@pytest.mark.parametrize(
    ("last", "news"),
    [
        (None, True),
        (NOW, False),
        (NOW - NOTED_EVERY + TICK, False),
        (NOW - NOTED_EVERY, True),
        (NOW + NOTED_EVERY, True),
    ],
)
def test_a_use_is_news_once_a_minute_also_when_a_clock_was_set_back(
    last: datetime | None, news: bool
) -> None:
    assert is_news(last, now=NOW) is news
    assert a_machine_key(last_used_at=last).used(now=NOW) == a_machine_key(last_used_at=NOW)


def test_the_digest_is_not_shown_with_the_key() -> None:
    assert "digest" not in repr(a_machine_key())


def test_a_machine_is_nobody_in_person() -> None:
    person = a_caller()
    assert person.in_person() is person
    with pytest.raises(Forbidden):
        a_machine(role=Role.ADMIN).in_person()
