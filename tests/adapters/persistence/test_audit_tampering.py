"""Whoever rewrites the audit trail in its tables is found out, and where; erasing is not rewriting.

The real chain on real databases, changed behind the service's back.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, Table, delete, insert, select, update

from adapters.ids import uuid7
from adapters.persistence.database import Database
from adapters.persistence.tables import AuditEntryRow, AuditHeadRow, AuditPersonalRow, table
from adapters.persistence.unit_of_work import SqlStore
from adapters.security.audit_chain import HmacAuditChain
from adapters.security.sealing import SecretSealer
from adapters.security.secrets import Secrets
from application.auditing import Auditor
from application.starting import AUDIT_KEY
from application.verifying import Damage, ReadHead, Verdict, VerifyAudit
from domain.access import Origin
from domain.audit import EMPTY, Action, Head, Target, TargetType
from tests.domain.examples import ANNA, BERT, NOW, uuid

ENTRIES, PERSONAL, HEAD = table(AuditEntryRow), table(AuditPersonalRow), table(AuditHeadRow)
SEALER = SecretSealer(Secrets(b"the service's secret of today ..."))
TARGET = Target(TargetType.USER, str(BERT))
HERE = Origin(address="192.0.2.1", user_agent="an agent", request_id="a request")
WRITTEN = 5
WRITERS, EACH = 8, 5


class Trail:
    """A trail of a database, written and verified as the service does it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = SqlStore(database)
        chain = HmacAuditChain(self.store.reading, SEALER)
        self.auditor = Auditor(lambda: NOW, uuid7, os.urandom, chain)
        self.verify = VerifyAudit(self.store.reading, chain)
        self.head = ReadHead(self.store.reading)

    def write(self, times: int = 1) -> None:
        with self.store.unit_of_work() as work:
            for _ in range(times):
                self.auditor.record(
                    work, Action.USER_UPDATED, TARGET, origin=HERE, actor_id=ANNA, email="a@b.co"
                )
            work.commit()

    def tamper(self, *statements: Executable) -> None:
        with self.database.transaction() as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def row(self, of: Table, number: int) -> dict[str, Any]:
        with self.database.connect() as connection:
            row = connection.execute(select(of).where(of.c.number == number)).one()
        return dict(row._mapping)

    def verdict(self, noted: Head | None = None) -> tuple[int, Damage | None, int | None]:
        found = self.verify(noted)
        return found.head.number, found.damage, found.damaged


@pytest.fixture
def trail(database: Database) -> Trail:
    trail = Trail(database)
    with trail.store.unit_of_work() as work:
        work.vault.put(AUDIT_KEY, SEALER.seal(AUDIT_KEY, bytes(32)))
        work.commit()
    trail.write(WRITTEN)
    return trail


def changed(number: int, /, **values: Any) -> Executable:
    return update(ENTRIES).where(ENTRIES.c.number == number).values(**values)


def without_personal(*numbers: int) -> Executable:
    return delete(PERSONAL).where(PERSONAL.c.number.in_(numbers))


def without(*numbers: int) -> list[Executable]:
    return [without_personal(*numbers), delete(ENTRIES).where(ENTRIES.c.number.in_(numbers))]


def test_a_trail_that_nobody_touched_is_whole(trail: Trail) -> None:
    assert trail.verify() == Verdict(trail.head(), erased=0)
    assert trail.verdict(trail.head()) == (WRITTEN, None, None)


def test_an_empty_trail_is_whole(trail: Trail) -> None:
    trail.tamper(delete(PERSONAL), delete(ENTRIES))
    assert trail.verify() == Verdict(EMPTY, erased=0)
    assert trail.verdict(Head(1, b"a mac")) == (0, Damage.HEAD_MISSING, 1)


CHANGES: list[dict[str, Any]] = [
    {"id": uuid(999)},
    {"at": NOW + timedelta(microseconds=1)},
    {"action": "user.deleted"},
    {"result": "failure"},
    {"actor_id": BERT},
    {"actor_id": None},
    {"target_type": "session"},
    {"target_id": str(ANNA)},
    {"target_id": None},
    {"request_id": "another request"},
    {"request_id": None},
    {"request_id": ""},
    {"personal_digest": bytes(32)},
    {"mac": bytes(32)},
    {"mac": b""},
]


def test_every_column_of_an_entry_is_changed_in_these_tests() -> None:
    assert {name for change in CHANGES for name in change} | {"number"} == set(ENTRIES.c.keys())


@pytest.mark.parametrize("number", [1, 3, WRITTEN])
def test_a_changed_entry_is_found(trail: Trail, number: int) -> None:
    before = trail.row(ENTRIES, number)
    for change in CHANGES:
        trail.tamper(changed(number, **change))
        assert trail.verdict() == (number - 1, Damage.CHANGED, number), change
        trail.tamper(changed(number, **before))
    assert trail.verdict() == (WRITTEN, None, None)


@pytest.mark.parametrize("number", [1, 3, 4])
def test_a_removed_entry_is_found(trail: Trail, number: int) -> None:
    trail.tamper(*without(number))
    assert trail.verdict() == (number - 1, Damage.MISSING, number + 1)


def test_a_removed_entry_is_found_also_when_the_others_close_the_gap(trail: Trail) -> None:
    trail.tamper(delete(PERSONAL), *without(3), changed(4, number=3), changed(5, number=4))
    assert trail.verdict() == (2, Damage.CHANGED, 3)


def test_swapped_entries_are_found(trail: Trail) -> None:
    trail.tamper(
        delete(PERSONAL), changed(2, number=99), changed(3, number=2), changed(99, number=3)
    )
    assert trail.verdict() == (1, Damage.CHANGED, 2)


def test_an_inserted_entry_is_found_wherever_it_stands(trail: Trail) -> None:
    forged = {**trail.row(ENTRIES, 3), "id": uuid(998), "number": WRITTEN + 1}
    trail.tamper(insert(ENTRIES).values(**forged))
    assert trail.verdict() == (WRITTEN, Damage.CHANGED, WRITTEN + 1)
    trail.tamper(
        *without(WRITTEN + 1), *without(1), insert(ENTRIES).values(**{**forged, "number": 1})
    )
    assert trail.verdict() == (0, Damage.CHANGED, 1)


def test_a_tail_that_was_cut_off_is_found_by_whoever_noted_the_head(trail: Trail) -> None:
    noted = trail.head()
    trail.tamper(*without(4, 5))
    assert trail.verdict() == (3, None, None)
    assert trail.verdict(noted) == (3, Damage.HEAD_MISSING, WRITTEN)


def test_a_tail_that_was_written_anew_is_found_by_whoever_noted_the_head(trail: Trail) -> None:
    noted = trail.head()
    third = trail.row(ENTRIES, 3)
    trail.tamper(*without(4, 5), update(HEAD).values(number=3, mac=third["mac"]))
    trail.write(4)
    assert trail.verdict() == (7, None, None)
    assert trail.verdict(noted) == (4, Damage.HEAD_CHANGED, WRITTEN)


def test_a_head_that_was_noted_long_ago_is_still_there(trail: Trail) -> None:
    noted = trail.head()
    trail.write(2)
    assert trail.verdict(noted) == (WRITTEN + 2, None, None)
    assert trail.verdict(Head(noted.number, bytes(32)))[1:] == (Damage.HEAD_CHANGED, WRITTEN)


PERSONAL_CHANGES: list[dict[str, Any]] = [
    {"salt": b"another salt"},
    {"address": "192.0.2.2"},
    {"address": None},
    {"user_agent": "another agent"},
    {"user_agent": None},
    {"email": "b@b.co"},
    {"email": None},
    {"address": "an agent", "user_agent": "192.0.2.1"},
]


def test_a_changed_personal_part_is_found(trail: Trail) -> None:
    before, three = trail.row(PERSONAL, 3), PERSONAL.c.number == 3
    for values in PERSONAL_CHANGES:
        trail.tamper(update(PERSONAL).where(three).values(**values))
        assert trail.verdict() == (2, Damage.PERSONAL_CHANGED, 3), values
        trail.tamper(update(PERSONAL).where(three).values(**before))
    assert trail.verdict() == (WRITTEN, None, None)


def test_a_personal_part_that_was_moved_is_found(trail: Trail) -> None:
    three = PERSONAL.c.number == 3
    trail.tamper(without_personal(2), update(PERSONAL).where(three).values(number=2))
    assert trail.verdict() == (1, Damage.PERSONAL_CHANGED, 2)


def test_an_erased_personal_part_is_counted_and_breaks_nothing(trail: Trail) -> None:
    trail.tamper(without_personal(2, 4))
    assert trail.verify() == Verdict(trail.head(), erased=2)
    with trail.store.unit_of_work() as work:
        work.audit.erase(ANNA)
        work.commit()
    assert trail.verify() == Verdict(trail.head(), erased=WRITTEN)


def test_another_key_proves_nothing(trail: Trail) -> None:
    with trail.store.unit_of_work() as work:
        work.vault.put(AUDIT_KEY, SEALER.seal(AUDIT_KEY, bytes([1]) * 32))
        work.commit()
    assert Trail(trail.database).verdict() == (0, Damage.CHANGED, 1)


def test_a_trail_is_verified_beyond_what_is_looked_at_at_once(trail: Trail) -> None:
    trail.write(1000)
    assert trail.verdict() == (1000 + WRITTEN, None, None)
    trail.tamper(changed(1002, result="failure"))
    assert trail.verdict() == (1001, Damage.CHANGED, 1002)


def test_many_who_write_at_once_keep_the_chain_whole(trail: Trail) -> None:
    others = [Trail(trail.database) for _ in range(WRITERS)]

    def write(one: Trail) -> None:
        for _ in range(EACH):
            one.write()

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, others))
    assert trail.verdict() == (WRITTEN + WRITERS * EACH, None, None)


def test_what_was_not_committed_leaves_no_gap(trail: Trail) -> None:
    with trail.store.unit_of_work() as work:
        trail.auditor.record(work, Action.USER_UPDATED, TARGET, origin=HERE)
    trail.write()
    assert trail.verdict() == (WRITTEN + 1, None, None)
