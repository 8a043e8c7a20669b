"""How often things were tried, in their table."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import TallyRow, table
from application.ports.records import Tallies
from domain.throttle import Tally

_TALLIES = table(TallyRow)
_MADE = Prepared(lambda dialect: dialect.insert(_TALLIES).on_conflict_do_nothing())
_HELD = Prepared(select(_TALLIES).where(_TALLIES.c.key == bindparam("key")).with_for_update())
_UPDATE = Prepared(update(_TALLIES).where(_TALLIES.c.key == bindparam("held")))
_DELETE = Prepared(delete(_TALLIES).where(_TALLIES.c.key == bindparam("key")))
_COUNT = Prepared(select(func.count()).select_from(_TALLIES))
_OLDEST = (
    select(_TALLIES.c.key)
    .order_by(_TALLIES.c.forget_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)  # who holds one is about to renew it
)
_DELETE_OVER = Prepared(
    delete(_TALLIES).where(
        _TALLIES.c.key.in_(_OLDEST.where(_TALLIES.c.forget_at <= bindparam("now")))
    )
)
_DELETE_OLDEST = Prepared(delete(_TALLIES).where(_TALLIES.c.key.in_(_OLDEST)))
_AT_ONCE = 10_000


class SqlTallies(Tallies):
    """Tallies on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def hold(self, key: str, *, now: datetime) -> Tally:
        row = self._sql.one(_HELD, {"key": key})
        while row is None:  # made first, so that there is something to hold
            self._sql.change(_MADE, asdict(Tally.fresh(key, now=now)))
            row = self._sql.one(_HELD, {"key": key})  # unless it was forgotten just now
        return Tally(
            key=row.key,
            count=row.count,
            closed_until=row.closed_until,
            forget_at=row.forget_at,
        )

    def save(self, tally: Tally) -> None:
        counted = asdict(tally)
        self._sql.change(_UPDATE, counted | {"held": counted.pop("key")})

    def remove(self, key: str) -> None:
        self._sql.change(_DELETE, {"key": key})

    def remove_forgettable(self, *, now: datetime, keep: int) -> int:
        over = {"now": now, "at_most": _AT_ONCE}
        gone = self._sql.change(_DELETE_OVER, over)
        surplus = self._sql.value(_COUNT) - keep
        if surplus > 0:
            gone += self._sql.change(_DELETE_OLDEST, {"at_most": surplus})
        return gone
