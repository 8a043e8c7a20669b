"""Every store keeps the audit trail as the port promises."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.ports.records import AuditFilter
from domain.access import UserId
from domain.audit import EMPTY, Entry, EntryId, Head, Personal
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, NOW, uuid

PERSONAL = Personal(salt=b"salt", address="192.0.2.1", user_agent="an agent", email="a@b.co")
MINUTE = timedelta(minutes=1)


def entry(number: int, **fields: Any) -> Entry:
    """Return an entry: Anna did something to Bert's account."""
    example: dict[str, Any] = {
        "number": number,
        "id": EntryId(uuid(number)),
        "at": NOW + number * MINUTE,
        "action": "user.updated",
        "result": "success",
        "actor_id": ANNA,
        "target_type": "user",
        "target_id": str(BERT),
        "request_id": "a request",
        "personal_digest": b"digest",
        "mac": bytes([number]) * 32,
        "personal": PERSONAL,
    }
    return Entry(**example | fields)


def keep(store: Store, *entries: Entry) -> None:
    for each in entries:
        with store.unit_of_work() as work:
            work.audit.lock_head()
            work.audit.append(each)
            work.commit()


def found(store: Store, *, before: int | None = None, limit: int = 100, **wanted: Any) -> list[int]:
    with store.reading() as see:
        entries = see.audit.matching(AuditFilter(**wanted), before=before, limit=limit)
    return [each.number for each in entries]


def test_an_empty_trail_has_an_empty_head(store: Store) -> None:
    with store.unit_of_work() as work:
        assert work.audit.lock_head() == EMPTY
    assert found(store) == []


def test_the_head_is_the_newest_entrys_number_and_mac(store: Store) -> None:
    keep(store, entry(1), entry(2))
    with store.unit_of_work() as work:
        assert work.audit.lock_head() == Head(2, bytes([2]) * 32)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"actor_id": None, "target_id": None, "request_id": None, "personal": None},
        {"personal": Personal(salt=bytes(16), address=None, user_agent=None, email=None)},
        {"at": NOW.replace(microsecond=0), "target_id": "\U0001f512" * 256, "result": "failure"},
        {"mac": bytes(range(256)), "personal_digest": b""},
    ],
    ids=["whole", "bare", "anonymous", "odd", "bytes"],
)
def test_an_entry_comes_back_as_it_was_written(store: Store, fields: dict[str, Any]) -> None:
    written = entry(1, **fields)
    keep(store, written)
    with store.reading() as see:
        assert list(see.audit.following(0, limit=1)) == [written]
        assert list(see.audit.matching(AuditFilter(), before=None, limit=1)) == [written]


def test_an_entry_that_was_not_committed_never_was(store: Store) -> None:
    with store.unit_of_work() as work:
        work.audit.append(entry(1))
        assert work.audit.lock_head() == Head(1, bytes([1]) * 32)
    with store.unit_of_work() as work:
        assert work.audit.lock_head() == EMPTY


def test_entries_are_looked_at_newest_first_and_verified_oldest_first(store: Store) -> None:
    keep(store, *(entry(number) for number in range(1, 6)))
    assert found(store) == [5, 4, 3, 2, 1]
    assert found(store, limit=2) == [5, 4]
    assert found(store, before=4, limit=2) == [3, 2]
    assert found(store, before=1) == []
    with store.reading() as see:
        assert [each.number for each in see.audit.following(0, limit=2)] == [1, 2]
        assert [each.number for each in see.audit.following(3, limit=9)] == [4, 5]
        assert list(see.audit.following(5, limit=9)) == []


def test_entries_are_found_by_who_what_and_when(store: Store) -> None:
    other = UserId(uuid(3))
    keep(
        store,
        entry(1, actor_id=BERT, target_id=str(ANNA)),
        entry(2, actor_id=other, target_id=str(other), action="key.created"),
        entry(3, actor_id=None, target_id=None),
        entry(4),
    )
    assert found(store, concerning=BERT) == [4, 1]
    assert found(store, concerning=other) == [2]
    assert found(store, actor_id=BERT) == [1]
    assert found(store, target_id=str(BERT)) == [4]
    assert found(store, action="key.created") == [2]
    assert found(store, action="key") == []
    assert found(store, since=NOW + 2 * MINUTE) == [4, 3, 2]
    assert found(store, until=NOW + 2 * MINUTE) == [1]
    assert found(store, since=NOW + 2 * MINUTE, until=NOW + 4 * MINUTE, actor_id=other) == [2]
    assert found(store, concerning=BERT, before=4) == [1]


def test_erasing_a_user_takes_what_is_personal_and_leaves_the_chain(store: Store) -> None:
    other = UserId(uuid(3))
    by_bert = entry(1, actor_id=BERT, target_id=None)
    to_bert = entry(2, actor_id=None)
    others = entry(3, actor_id=other, target_id=str(other))
    keep(store, by_bert, to_bert, others)
    with store.unit_of_work() as work:
        work.audit.erase(BERT)
        work.commit()
    with store.reading() as see:
        assert list(see.audit.following(0, limit=9)) == [
            replace(by_bert, personal=None),
            replace(to_bert, personal=None),
            others,
        ]
