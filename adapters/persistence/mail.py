"""Letters and their tokens in their tables."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, null, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import LetterRow, OneTimeTokenRow, table
from application.ports.mail import OneTimeTokens, Outbox
from domain.access import UserId
from domain.mail import Letter, LetterId, OneTimeToken, Topic

_OUTBOX = table(LetterRow)
_TOKENS = table(OneTimeTokenRow)

_DUE = (
    select(_OUTBOX)
    .where(_OUTBOX.c.due_at <= bindparam("now"))
    .order_by(_OUTBOX.c.due_at, _OUTBOX.c.id)
    .limit(bindparam("at_most"))
)
_LOOK = Prepared(_DUE)
_NEXT = Prepared(_DUE.with_for_update(skip_locked=True))
_HELD = Prepared(select(_OUTBOX).where(_OUTBOX.c.id == bindparam("id")).with_for_update())
_OLDEST = Prepared(
    select(_OUTBOX).order_by(_OUTBOX.c.created_at, _OUTBOX.c.id).limit(bindparam("at_most"))
)
_CONCERNING = (
    select(_OUTBOX).where(_OUTBOX.c.user_id == bindparam("user_id")).order_by(_OUTBOX.c.id)
)
_INSERT = Prepared(insert(_OUTBOX))
_UPDATE = Prepared(update(_OUTBOX).where(_OUTBOX.c.id == bindparam("key")))
_DELETE = Prepared(delete(_OUTBOX).where(_OUTBOX.c.id == bindparam("id")))
_DELETE_GIVEN_UP = Prepared(
    delete(_OUTBOX).where(
        _OUTBOX.c.id.in_(
            select(_OUTBOX.c.id)
            .where(_OUTBOX.c.due_at == null(), _OUTBOX.c.created_at < bindparam("before"))
            .limit(bindparam("at_most"))
        )
    )
)

_TOKEN = Prepared(select(_TOKENS).where(_TOKENS.c.id == bindparam("id")))
_OF_USER = Prepared(
    select(_TOKENS).where(_TOKENS.c.user_id == bindparam("user_id")).order_by(_TOKENS.c.id)
)
_INSERT_TOKEN = Prepared(insert(_TOKENS))
_UPDATE_TOKEN = Prepared(update(_TOKENS).where(_TOKENS.c.id == bindparam("key")))
_DELETE_TOKEN = Prepared(delete(_TOKENS).where(_TOKENS.c.id == bindparam("id")))
_DELETE_ALL_TOKENS = Prepared(delete(_TOKENS))
_DELETE_EXPIRED = Prepared(
    delete(_TOKENS).where(
        _TOKENS.c.id.in_(
            select(_TOKENS.c.id)
            .where(
                _TOKENS.c.expires_at <= bindparam("now"),
                ~exists().where(_OUTBOX.c.id == _TOKENS.c.id),
            )
            .limit(bindparam("at_most"))
        )
    )
)


class SqlOutbox(Outbox):
    """An outbox on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def has_due(self, *, now: datetime) -> bool:
        return self._sql.one(_LOOK, {"now": now, "at_most": 1}) is not None

    def lock_due(self, *, now: datetime) -> Letter | None:
        return _letter(self._sql.one(_NEXT, {"now": now, "at_most": 1}))

    def lock(self, id: LetterId) -> Letter | None:
        return _letter(self._sql.one(_HELD, {"id": id}))

    def oldest(self, limit: int) -> Sequence[Letter]:
        return [_written(row) for row in self._sql.all(_OLDEST, {"at_most": limit})]

    def of_user(self, user_id: UserId, *, after: LetterId | None, limit: int) -> Sequence[Letter]:
        query = _CONCERNING.limit(limit)
        if after is not None:
            query = query.where(_OUTBOX.c.id > after)
        return [_written(row) for row in self._sql.all(query, {"user_id": user_id})]

    def add(self, letter: Letter) -> None:
        self._sql.change(_INSERT, asdict(letter) | {"topic": letter.topic.value})

    def save(self, letter: Letter) -> None:
        values = asdict(letter) | {"topic": letter.topic.value, "key": letter.id}
        self._sql.change(_UPDATE, values)

    def remove(self, id: LetterId) -> None:
        self._sql.change(_DELETE, {"id": id})

    def make_due(self, ids: Collection[LetterId] | None, *, now: datetime) -> int:
        made_due = update(_OUTBOX).values(due_at=now, attempts=0)
        return self._sql.change(
            made_due if ids is None else made_due.where(_OUTBOX.c.id.in_(list(ids)))
        )

    def remove_given_up(self, *, before: datetime, at_most: int) -> int:
        return self._sql.change(_DELETE_GIVEN_UP, {"before": before, "at_most": at_most})


class SqlOneTimeTokens(OneTimeTokens):
    """Tokens of letters on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, id: LetterId) -> OneTimeToken | None:
        row = self._sql.one(_TOKEN, {"id": id})
        return None if row is None else _token(row)

    def of_user(self, user_id: UserId) -> Sequence[OneTimeToken]:
        return [_token(row) for row in self._sql.all(_OF_USER, {"user_id": user_id})]

    def add(self, token: OneTimeToken) -> None:
        self._sql.change(_INSERT_TOKEN, asdict(token) | {"topic": token.topic.value})

    def save(self, token: OneTimeToken) -> None:
        values = asdict(token) | {"topic": token.topic.value, "key": token.id}
        self._sql.change(_UPDATE_TOKEN, values)

    def take(self, id: LetterId) -> bool:
        return self._sql.change(_DELETE_TOKEN, {"id": id}) == 1

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        return self._sql.change(_DELETE_EXPIRED, {"now": now, "at_most": at_most})

    def remove_everybodys(self) -> int:
        return self._sql.change(_DELETE_ALL_TOKENS)


def _letter(row: Any) -> Letter | None:
    return None if row is None else _written(row)


def _written(row: Any) -> Letter:
    return Letter(
        id=row.id,
        topic=Topic(row.topic),
        user_id=row.user_id,
        sealed=row.sealed,
        attempts=row.attempts,
        due_at=row.due_at,
        cause=row.cause,
        created_at=row.created_at,
    )


def _token(row: Any) -> OneTimeToken:
    return OneTimeToken(
        id=row.id,
        user_id=row.user_id,
        topic=Topic(row.topic),
        address=row.address,
        seed=row.seed,
        expires_at=row.expires_at,
    )
