"""The change feed: what changed in one's view since a cursor, without gaps, in order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from application.ports import Change, Cursors, Reading
from domain.access import Caller, Scope, UserId
from domain.errors import Gone
from domain.item import Access


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in their order, with the cursor behind the last one."""

    changes: Sequence[Change]
    next_cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class ListChanges:
    """Look at what was made, changed, shared or gone since a cursor, or from the start.

    Each item comes once, with its newest change. Raises Gone if the cursor is older than what
    is kept of what is gone.
    """

    reading: Reading
    cursors: Cursors

    def __call__(self, caller: Caller, *, since: str | None, limit: int) -> ChangePage:
        number = self.cursors.open_number(since, of=_feed_of(caller))
        with self.reading() as see:
            found = see.changes.since(caller.user_id, number or 0, limit=limit + 1)
            if number is not None and number < see.changes.forgotten_until(caller.user_id):
                raise Gone
        page = [_as_seen_by(caller, change) for change in found[:limit]]
        last = page[-1].number if page else number or 0
        return ChangePage(page, self.cursor_behind(caller, last), len(found) > limit)

    def cursor_behind(self, caller: Caller, number: int) -> str:
        """Return the cursor behind the change of that number in the caller's feed."""
        return self.cursors.seal_number(number, of=_feed_of(caller))


def _feed_of(caller: Caller) -> str:
    return f"changes {caller.user_id}"


def _as_seen_by(caller: Caller, change: Change) -> Change:
    """Return the change with what the caller is to the item: here, as where it is read alone."""
    seen = change.seen
    if seen is None or seen.access is Access.OWNER or Scope.ITEMS_ADMIN not in caller.scopes:
        return change
    return replace(change, seen=replace(seen, access=Access.ADMIN))


@dataclass(frozen=True, slots=True)
class NewestChanges:
    """Tell for each of some users how far their feed has come: one look for all streams."""

    reading: Reading

    def __call__(self, users: Collection[UserId]) -> Mapping[UserId, int]:
        with self.reading() as see:
            return see.changes.newest(users)
