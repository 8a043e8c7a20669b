"""The audit trail in its tables: the entries, what of them is personal, and the head."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    bindparam,
    delete,
    insert,
    or_,
    select,
    union,
    update,
)

from adapters.persistence.prepared import Prepared, as_given, given
from adapters.persistence.statements import Statements
from adapters.persistence.tables import AuditEntryRow, AuditHeadRow, AuditPersonalRow, table
from application.ports.records import AuditFilter, AuditTrail
from domain.access import UserId
from domain.audit import Entry, Head, Personal

_ENTRIES = table(AuditEntryRow)
_PERSONAL = table(AuditPersonalRow)
_HEAD = table(AuditHeadRow)
_LOCKED_HEAD = Prepared(select(_HEAD.c.number, _HEAD.c.mac).with_for_update())
_MOVE_HEAD = Prepared(update(_HEAD).values(given((_HEAD.c.number, _HEAD.c.mac), "head")))
_INSERT = Prepared(insert(_ENTRIES).values(given(_ENTRIES.c, "entry")))
_INSERT_PERSONAL = Prepared(insert(_PERSONAL).values(given(_PERSONAL.c, "personal")))
_PERSONS = (_PERSONAL.c.salt, _PERSONAL.c.address, _PERSONAL.c.user_agent, _PERSONAL.c.email)
_FOLLOWING = Prepared(
    select(_ENTRIES, *_PERSONS)
    .join_from(_ENTRIES, _PERSONAL, _ENTRIES.c.number == _PERSONAL.c.number, isouter=True)
    .where(_ENTRIES.c.number > bindparam("number"))
    .order_by(_ENTRIES.c.number)
    .limit(bindparam("limit"))
)
_ERASE = Prepared(
    delete(_PERSONAL).where(
        _PERSONAL.c.number.in_(
            select(_ENTRIES.c.number).where(
                or_(
                    _ENTRIES.c.actor_id == bindparam("user_id", type_=_ENTRIES.c.actor_id.type),
                    _ENTRIES.c.target_id == bindparam("target_id"),
                )
            )
        )
    )
)


class SqlAuditTrail(AuditTrail):
    """The trail on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def lock_head(self) -> Head:
        row = self._sql.one(_LOCKED_HEAD)
        return Head(row.number, row.mac)

    def append(self, entry: Entry) -> None:
        facts = {
            "number": entry.number,
            "id": entry.id,
            "at": entry.at,
            "action": entry.action,
            "result": entry.result,
            "actor_id": entry.actor_id,
            "target_type": entry.target_type,
            "target_id": entry.target_id,
            "request_id": entry.request_id,
            "personal_digest": entry.personal_digest,
            "mac": entry.mac,
        }
        self._sql.change_later(_INSERT, as_given(facts, "entry"))
        if entry.personal:
            personal = {
                "number": entry.number,
                "salt": entry.personal.salt,
                "address": entry.personal.address,
                "user_agent": entry.personal.user_agent,
                "email": entry.personal.email,
            }
            self._sql.change_later(_INSERT_PERSONAL, as_given(personal, "personal"))
        head = {"number": entry.number, "mac": entry.mac}
        self._sql.change_later(_MOVE_HEAD, as_given(head, "head"))

    def matching(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        newest = _newest(_conditions(wanted, before), wanted.concerning, limit)
        return [_entry(row) for row in self._sql.all(_with_personal(newest).limit(limit))]

    def following(self, number: int, *, limit: int) -> Sequence[Entry]:
        rows = self._sql.all(_FOLLOWING, {"number": number, "limit": limit})
        return [_entry(row) for row in rows]

    def erase(self, user_id: UserId) -> None:
        self._sql.change(_ERASE, {"user_id": user_id, "target_id": str(user_id)})


def _with_personal(entries: Subquery) -> Select[Any]:
    """Return entries as they are, newest first, each with what of it is personal."""
    return (
        select(entries, *_PERSONS)
        .join_from(entries, _PERSONAL, entries.c.number == _PERSONAL.c.number, isouter=True)
        .order_by(entries.c.number.desc())
    )


def _conditions(wanted: AuditFilter, before: int | None) -> list[ColumnElement[bool]]:
    """Return what holds for all that is wanted, but for whom it concerns."""
    entry, conditions = _ENTRIES.c, list[ColumnElement[bool]]()
    if wanted.actor_id is not None:
        conditions.append(entry.actor_id == wanted.actor_id)
    if wanted.action is not None:
        conditions.append(entry.action == wanted.action)
    if wanted.target_id is not None:
        conditions.append(entry.target_id == wanted.target_id)
    if wanted.since is not None:
        conditions.append(entry.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(entry.at < wanted.until)
    if before is not None:
        conditions.append(entry.number < before)
    return conditions


def _newest(
    conditions: Sequence[ColumnElement[bool]], concerning: UserId | None, limit: int
) -> Subquery:
    """Return the newest of these entries; for a user, the newest by them, and those about them.

    Each of both comes out of its index in order. With one condition for the two, SQLite would
    sort all that was ever written of the user for each page.
    """
    entry = _ENTRIES.c
    newest = select(_ENTRIES).where(*conditions).order_by(entry.number.desc()).limit(limit)
    if concerning is None:
        return newest.subquery()
    by, about = entry.actor_id == concerning, entry.target_id == str(concerning)
    return union(*(select(newest.where(each).subquery()) for each in (by, about))).subquery()


def _entry(row: Any) -> Entry:
    return Entry(
        number=row.number,
        id=row.id,
        at=row.at,
        action=row.action,
        result=row.result,
        actor_id=row.actor_id,
        target_type=row.target_type,
        target_id=row.target_id,
        request_id=row.request_id,
        personal_digest=row.personal_digest,
        mac=row.mac,
        personal=None
        if row.salt is None
        else Personal(
            salt=row.salt, address=row.address, user_agent=row.user_agent, email=row.email
        ),
    )
