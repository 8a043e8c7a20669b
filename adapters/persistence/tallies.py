"""How often things were tried, in their table."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.persistence.statements import Statements
from adapters.persistence.tables import TallyRow, table
from application.ports.records import Tallies
from domain.throttle import Tally

_TALLIES = table(TallyRow)
_MADE = {
    "sqlite": sqlite.insert(_TALLIES).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_TALLIES).on_conflict_do_nothing(),
}
_HELD = select(_TALLIES).where(_TALLIES.c.key == bindparam("key")).with_for_update()
_UPDATE = update(_TALLIES).where(_TALLIES.c.key == bindparam("held"))
_DELETE = delete(_TALLIES).where(_TALLIES.c.key == bindparam("key"))
_COUNT = select(func.count()).select_from(_TALLIES)
_OLDEST = select(_TALLIES.c.key).order_by(_TALLIES.c.forget_at).limit(bindparam("at_most"))
_DELETE_OVER = delete(_TALLIES).where(
    _TALLIES.c.key.in_(_OLDEST.where(_TALLIES.c.forget_at <= bindparam("now")))
)
_DELETE_OLDEST = delete(_TALLIES).where(_TALLIES.c.key.in_(_OLDEST))
_AT_ONCE = 10_000


class SqlTallies(Tallies):
    """Tallies on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def hold(self, key: str, *, now: datetime) -> Tally:
        row = self._sql.one(_HELD, {"key": key})
        while row is None:  # made first, so that there is something to hold
            self._sql.run(_MADE[self._sql.dialect], asdict(Tally.fresh(key, now=now)))
            row = self._sql.one(_HELD, {"key": key})  # unless it was forgotten just now
        return Tally(
            key=row.key,
            count=row._mapping["count"],  # `row.count` is a tuple's method
            closed_until=row.closed_until,
            forget_at=row.forget_at,
        )

    def save(self, tally: Tally) -> None:
        self._sql.run(_UPDATE, asdict(tally) | {"held": tally.key})

    def remove(self, key: str) -> None:
        self._sql.run(_DELETE, {"key": key})

    def remove_forgettable(self, *, now: datetime, keep: int) -> int:
        over = {"now": now, "at_most": _AT_ONCE}
        gone = self._sql.run(_DELETE_OVER, over).rowcount
        surplus = self._sql.run(_COUNT).scalar_one() - keep
        if surplus > 0:
            gone += self._sql.run(_DELETE_OLDEST, {"at_most": surplus}).rowcount
        return gone
