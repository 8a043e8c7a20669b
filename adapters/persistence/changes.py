"""The change feeds: for each user, the newest change of each item in their view, numbered.

A feed's numbers are given out under a lock on its row, which lasts until the commit. So they are
in the order of commits, and whoever has seen a number has seen all that are smaller.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, insert, literal, select, update

from adapters.persistence.item_rows import ITEM_COLUMNS, item_of
from adapters.persistence.prepared import Prepared, as_given, given
from adapters.persistence.statements import Statements
from adapters.persistence.tables import (
    ChangeRow,
    FeedRow,
    GrantRow,
    ItemRow,
    UserRow,
    table,
)
from application.ports.items import Change, Changes, feed_number
from domain.access import UserId
from domain.item import Access, ItemId, SeenItem

_FEEDS = table(FeedRow)
_CHANGES = table(ChangeRow)
_ITEMS = table(ItemRow)
_GRANTS = table(GrantRow)
_USERS = table(UserRow)


def _next_number(dialect: Any) -> Any:
    """Number a change for a user who is there, and hold them so until the commit."""
    there = (
        select(_USERS.c.id, literal(1), literal(0))
        .where(_USERS.c.id == bindparam("noted_user_id"))
        .with_for_update(read=True, key_share=True)
    )
    made = dialect.insert(_FEEDS).from_select(["user_id", "newest", "forgotten"], there)
    return made.on_conflict_do_update(
        index_elements=["user_id"], set_={"newest": _FEEDS.c.newest + 1}
    ).returning(_FEEDS.c.newest)


def _note(dialect: Any) -> Any:
    made = dialect.insert(_CHANGES)
    new = {name: made.excluded[name] for name in ("number", "at", "is_gone")}
    return made.on_conflict_do_update(index_elements=["user_id", "item_id"], set_=new)


def _numbered_note(dialect: Any) -> Any:
    """Number a change and note it, which is one trip where a statement can change two tables."""
    numbered = _next_number(dialect).cte("numbered")
    told = given([_CHANGES.c[name] for name in ("user_id", "item_id", "at", "is_gone")], "noted")
    return _note(dialect).from_select([*told, "number"], select(*told.values(), numbered.c.newest))


_NEXT_NUMBER = Prepared(_next_number)
_NOTE = Prepared(_note)
_NUMBERED_NOTE = Prepared(_numbered_note)
_SINCE = Prepared(
    select(
        _CHANGES.c.number,
        _CHANGES.c.item_id,
        _CHANGES.c.at,
        _CHANGES.c.is_gone,
        _GRANTS.c.role,
        *ITEM_COLUMNS,
    )
    .join_from(_CHANGES, _ITEMS, _CHANGES.c.item_id == _ITEMS.c.id, isouter=True)
    .join(
        _GRANTS,
        and_(_GRANTS.c.item_id == _CHANGES.c.item_id, _GRANTS.c.user_id == _CHANGES.c.user_id),
        isouter=True,
    )
    .where(_CHANGES.c.user_id == bindparam("user"), _CHANGES.c.number > bindparam("behind"))
    .order_by(_CHANGES.c.number)
    .limit(bindparam("limit"))
)
_NEWEST = select(_FEEDS.c.user_id, _FEEDS.c.newest).where(
    _FEEDS.c.user_id.in_(bindparam("users", expanding=True))
)
_FORGOTTEN = Prepared(select(_FEEDS.c.forgotten).where(_FEEDS.c.user_id == bindparam("user")))
_HOLD_ITEMS_OF = Prepared(
    select(func.count()).select_from(
        select(_ITEMS.c.id)
        .where(_ITEMS.c.owner_id == bindparam("owner"))
        .order_by(_ITEMS.c.id)
        .with_for_update()
        .subquery()
    )
)
_SHARED_BY = Prepared(
    select(_GRANTS.c.item_id, _GRANTS.c.user_id)
    .join_from(_GRANTS, _ITEMS, _GRANTS.c.item_id == _ITEMS.c.id)
    .where(_ITEMS.c.owner_id == bindparam("owner"))
    .order_by(_GRANTS.c.user_id, _GRANTS.c.item_id)
)
_OLDEST_GONE = (
    select(_CHANGES.c.user_id, _CHANGES.c.item_id, _CHANGES.c.number)
    .where(_CHANGES.c.is_gone, _CHANGES.c.at < bindparam("before"))
    .order_by(_CHANGES.c.at)
    .limit(bindparam("at_most"))
    .subquery()
)
_LONG_GONE = Prepared(select(_OLDEST_GONE).order_by(_OLDEST_GONE.c.user_id))
_FORGET = Prepared(
    delete(_CHANGES).where(
        _CHANGES.c.user_id == bindparam("user"),
        _CHANGES.c.item_id == bindparam("item"),
        _CHANGES.c.number == bindparam("which"),
    )
)
_ADD_FEEDS = Prepared(
    insert(_FEEDS).from_select(
        ["user_id", "newest", "forgotten"],
        select(_USERS.c.id, literal(0), literal(0)).where(
            _USERS.c.id.not_in(select(_FEEDS.c.user_id))
        ),
    )
)
_NEXT_OR_LEAST = case(
    (_FEEDS.c.newest >= bindparam("least", type_=_FEEDS.c.newest.type), _FEEDS.c.newest + 1),
    else_=bindparam("least", type_=_FEEDS.c.newest.type),
)
_BEGIN_ANEW = Prepared(update(_FEEDS).values(newest=_NEXT_OR_LEAST, forgotten=_NEXT_OR_LEAST))
_MOVE_FORGOTTEN = Prepared(
    update(_FEEDS)
    .where(_FEEDS.c.user_id == bindparam("user"), _FEEDS.c.forgotten < bindparam("which"))
    .values(forgotten=bindparam("which"))
)


class SqlChanges(Changes):
    """Change feeds on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements
        self._noted: dict[tuple[UserId, ItemId], tuple[datetime, bool]] = {}

    def note(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        self._write(item_id, viewers, at=at, is_gone=False)

    def note_gone(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        self._write(item_id, viewers, at=at, is_gone=True)

    def note_owner_gone(self, owner_id: UserId, *, at: datetime) -> None:
        self._sql.value(_HOLD_ITEMS_OF, {"owner": owner_id})  # whoever shares one is told, too
        for row in self._sql.all(_SHARED_BY, {"owner": owner_id}):
            self._write(row.item_id, [row.user_id], at=at, is_gone=True)

    def _write(
        self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime, is_gone: bool
    ) -> None:
        for user_id in viewers:
            self._noted.pop((user_id, item_id), None)
            self._noted[user_id, item_id] = at, is_gone

    def number(self) -> None:
        """Number what was noted: last of all, and every unit of work in the same order of users.

        So none waits for a feed that another holds while that one waits for something of its own:
        but for what goes with the numbering, and waits for the same user alone.
        """
        if len({user_id for user_id, _ in self._noted}) > 1:
            self._sql.ready()  # what waits may wait for one of them, and would hold another's feed
        for (user_id, item_id), (at, is_gone) in sorted(
            self._noted.items(), key=lambda noted: noted[0][0]
        ):
            self._number(user_id=user_id, item_id=item_id, at=at, is_gone=is_gone)

    def _number(self, **told: object) -> None:
        if self._sql.dialect == "postgresql":
            self._sql.change_later(_NUMBERED_NOTE, as_given(told, "noted"))
            return
        number = self._sql.value(_NEXT_NUMBER, {"noted_user_id": told["user_id"]})
        if number is not None:  # else they left meanwhile, and their feed with them
            self._sql.change(_NOTE, told | {"number": number})

    def since(self, user_id: UserId, number: int, *, limit: int) -> Sequence[Change]:
        rows = self._sql.all(_SINCE, {"user": user_id, "behind": number, "limit": limit})
        return [_change(row, user_id) for row in rows]

    def newest(self, users: Collection[UserId]) -> Mapping[UserId, int]:
        rows = self._sql.all(_NEWEST, {"users": list(users)})
        return {row.user_id: row.newest for row in rows}

    def forgotten_until(self, user_id: UserId) -> int:
        return self._sql.value(_FORGOTTEN, {"user": user_id}) or 0

    def begin_anew(self, *, now: datetime) -> None:
        self._sql.change(_ADD_FEEDS)
        self._sql.change(_BEGIN_ANEW, {"least": feed_number(now)})

    def forget_gone(self, *, before: datetime, at_most: int) -> int:
        gone = self._sql.all(_LONG_GONE, {"before": before, "at_most": at_most})
        for row in gone:
            self._sql.change(_MOVE_FORGOTTEN, {"user": row.user_id, "which": row.number})
            self._sql.change(
                _FORGET, {"user": row.user_id, "item": row.item_id, "which": row.number}
            )
        return len(gone)


def _change(row: Any, user_id: UserId) -> Change:
    seen = None
    if not row.is_gone and row.id is not None:
        item = item_of(row)
        access = Access.OWNER if item.owner_id == user_id else Access(row.role)
        seen = SeenItem(item=item, access=access)
    return Change(number=row.number, item_id=row.item_id, at=row.at, seen=seen)
