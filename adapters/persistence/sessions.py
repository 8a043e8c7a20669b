"""The live sign-ins in their table."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import any_, bindparam, delete, insert, or_, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import SessionRow, UserRow, table
from application.ports.accounts import Sessions
from domain.access import Role, SessionId, UserId, names_of, scopes_named
from domain.session import Lifetimes, Session, Standing
from domain.user import Status

_SESSIONS = table(SessionRow)
_USERS = table(UserRow)
_STANDINGS = select(
    _SESSIONS.c.id,
    _SESSIONS.c.user_id,
    _USERS.c.role,
    _USERS.c.status,
    _SESSIONS.c.created_at,
    _SESSIONS.c.last_used_at,
    _SESSIONS.c.proved_at,
).join_from(_SESSIONS, _USERS, _SESSIONS.c.user_id == _USERS.c.id)
_ONE_STANDING = Prepared(_STANDINGS.where(_SESSIONS.c.id == bindparam("id")))
_MANY_STANDINGS = Prepared(
    lambda words: _STANDINGS.where(
        _SESSIONS.c.id == any_(bindparam("ids", type_=words.ARRAY(_SESSIONS.c.id.type)))
    )
)
_LOCKED = Prepared(select(_SESSIONS).where(_SESSIONS.c.id == bindparam("id")).with_for_update())
_OF_USER = Prepared(
    select(_SESSIONS)
    .where(_SESSIONS.c.user_id == bindparam("user_id"))
    .order_by(_SESSIONS.c.last_used_at.desc(), _SESSIONS.c.id.desc())
)
_OVER = Prepared(
    select(_SESSIONS.c.id)
    .where(
        or_(
            _SESSIONS.c.last_used_at <= bindparam("idle_since"),
            _SESSIONS.c.created_at <= bindparam("begun_before"),
        )
    )
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_INSERT = Prepared(insert(_SESSIONS))
_UPDATE = Prepared(update(_SESSIONS).where(_SESSIONS.c.id == bindparam("key")))
_LASTING = frozenset({"id", "user_id", "scope", "seed", "created_at"})
"""What a session keeps: to write it again would be to write its indexes again."""

_DELETE = Prepared(delete(_SESSIONS).where(_SESSIONS.c.id == bindparam("id")))
_OF = delete(_SESSIONS).where(_SESSIONS.c.user_id == bindparam("user_id"))
_DELETE_ALL = Prepared(_OF)
_DELETE_EVERYBODYS = Prepared(delete(_SESSIONS))
_DELETE_OTHERS = Prepared(_OF.where(_SESSIONS.c.id != bindparam("keep")))


class SqlSessions(Sessions):
    """Sessions on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def standing(self, id: SessionId) -> Standing | None:
        row = self._sql.one(_ONE_STANDING, {"id": id})
        return None if row is None else _standing(row)

    def standings(self, ids: Collection[SessionId]) -> Mapping[SessionId, Standing]:
        if self._sql.dialect == "postgresql":
            rows = self._sql.all(_MANY_STANDINGS, {"ids": list(ids)})
            return {row.id: _standing(row) for row in rows}
        return {id: standing for id in ids if (standing := self.standing(id))}

    def of_user(self, user_id: UserId) -> Sequence[Session]:
        return [_session(row) for row in self._sql.all(_OF_USER, {"user_id": user_id})]

    def lock(self, id: SessionId) -> Session | None:
        row = self._sql.one(_LOCKED, {"id": id})
        return None if row is None else _session(row)

    def add(self, session: Session) -> None:
        self._sql.change(_INSERT, _values(session))

    def save(self, session: Session) -> None:
        changing = {name: value for name, value in _values(session).items() if name not in _LASTING}
        self._sql.change(_UPDATE, changing | {"key": session.id})

    def remove(self, id: SessionId) -> None:
        self._sql.change(_DELETE, {"id": id})

    def remove_all_of(self, user_id: UserId, *, keep: SessionId | None = None) -> None:
        if keep is None:
            self._sql.change(_DELETE_ALL, {"user_id": user_id})
        else:
            self._sql.change(_DELETE_OTHERS, {"user_id": user_id, "keep": keep})

    def remove_everybodys(self) -> int:
        return self._sql.change(_DELETE_EVERYBODYS)

    def remove_over(self, lifetimes: Lifetimes, *, now: datetime, at_most: int) -> int:
        limits = {
            "idle_since": now - lifetimes.idle,
            "begun_before": now - lifetimes.absolute,
            "at_most": at_most,
        }
        over = self._sql.values(_OVER, limits)
        for id in over:
            self.remove(id)
        return len(over)


def _standing(row: Any) -> Standing:
    return Standing(
        user_id=row.user_id,
        role=Role(row.role),
        status=Status(row.status),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        proved_at=row.proved_at,
    )


def _session(row: Any) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        scopes=scopes_named(row.scope.split()),
        seed=row.seed,
        counter=row.counter,
        secret_id=row.secret_id,
        address=row.address,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        proved_at=row.proved_at,
    )


def _values(session: Session) -> dict[str, object]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "scope": " ".join(names_of(session.scopes)),
        "seed": session.seed,
        "counter": session.counter,
        "secret_id": session.secret_id,
        "address": session.address,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "proved_at": session.proved_at,
    }
