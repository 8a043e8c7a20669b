"""Results of requests that may be repeated, in their table.

A key is held by its row, which is there from the beginning of the transaction on: whoever comes
with the same key waits for it, and finds the result, or nothing if the first one came to nothing.
"""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Text, bindparam, delete, select, tuple_, update

from adapters.persistence.failures import waited_too_long
from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import ReplayRow, table
from application.batch import BatchDone
from application.ports.items import Attempt, Grantee, Replays
from domain.access import UserId
from domain.errors import IdempotencyInProgress, IdempotencyKeyReused, Unavailable
from domain.item import SeenItem

_REPLAYS = table(ReplayRow)
_THIS_ONE = (_REPLAYS.c.user_id == bindparam("user"), _REPLAYS.c.key == bindparam("which"))
_DELETE_OVER = Prepared(
    delete(_REPLAYS).where(*_THIS_ONE, _REPLAYS.c.expires_at <= bindparam("now"))
)
_HOLD = Prepared(
    lambda dialect: dialect.insert(_REPLAYS).on_conflict_do_nothing().returning(_REPLAYS.c.key)
)
_ONE = Prepared(select(_REPLAYS).where(*_THIS_ONE))
_KEEP = Prepared(update(_REPLAYS).where(*_THIS_ONE))
_KEY = tuple_(_REPLAYS.c.user_id, _REPLAYS.c.key)
_DELETE_ALL_OVER = Prepared(
    delete(_REPLAYS).where(
        _KEY.in_(
            select(_REPLAYS.c.user_id, _REPLAYS.c.key)
            .where(_REPLAYS.c.expires_at <= bindparam("now"))
            .limit(bindparam("at_most"))
        )
    )
)
_DELETE_NAMING = Prepared(
    delete(_REPLAYS).where(_REPLAYS.c.result.contains(bindparam("name", type_=Text)))
)
_KINDS: dict[str, TypeAdapter[object]] = {
    kind.__name__: TypeAdapter(kind) for kind in (SeenItem, Grantee, BatchDone)
}


class SqlReplays(Replays):
    """Replays on SQLite and PostgreSQL; a result is the name of its kind, a space, and JSON."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def find(self, user_id: UserId, attempt: Attempt, *, now: datetime) -> object | None:
        this_one: dict[str, object] = {"user": user_id, "which": attempt.key}
        self._sql.change(_DELETE_OVER, this_one | {"now": now})
        if self._hold(user_id, attempt, now):
            return None
        row = self._sql.one(_ONE, this_one)
        if row is None or row.result is None:
            raise IdempotencyInProgress
        if row.fingerprint != attempt.fingerprint:
            raise IdempotencyKeyReused
        kind, _, written = row.result.partition(" ")
        return _KINDS[kind].validate_json(written)

    def _hold(self, user_id: UserId, attempt: Attempt, now: datetime) -> bool:
        held = {
            "user_id": user_id,
            "key": attempt.key,
            "fingerprint": attempt.fingerprint,
            "expires_at": now,
        }
        try:
            return self._sql.one(_HOLD, held) is not None
        except Unavailable as failure:
            if waited_too_long(failure.__cause__):
                raise IdempotencyInProgress from failure
            raise

    def keep(
        self, user_id: UserId, attempt: Attempt, result: object, *, expires_at: datetime
    ) -> None:
        kind = type(result).__name__
        written = _KINDS[kind].dump_json(result).decode()
        this_one = {"user": user_id, "which": attempt.key}
        self._sql.change(
            _KEEP, this_one | {"result": f"{kind} {written}", "expires_at": expires_at}
        )

    def remove_naming(self, user_id: UserId) -> None:
        self._sql.change(_DELETE_NAMING, {"name": str(user_id)})

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        return self._sql.change(_DELETE_ALL_OVER, {"now": now, "at_most": at_most})
