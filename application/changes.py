"""The change feed: what changed in one's view since a cursor, without gaps, in order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from application.ports.items import Change
from application.ports.places import Place
from application.ports.security import Cursors
from application.ports.store import Reading
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
        with self.reading() as see:
            forgotten = see.changes.forgotten_until(caller.user_id)
            mark = self._mark(caller, since, forgotten)
            found = see.changes.since(caller.user_id, mark.number, limit=limit + 1)
            if not mark.covers(see.changes.forgotten_until(caller.user_id)):
                raise Gone
        page = [_as_seen_by(caller, change) for change in found[:limit]]
        last = page[-1].number if page else mark.number
        return ChangePage(
            page, self._sealed(caller, replace(mark, number=last)), len(found) > limit
        )

    def cursors_behind(self, caller: Caller, page: ChangePage) -> Sequence[str]:
        """Return for each change of a page the cursor behind it."""
        mark = self._mark(caller, page.next_cursor, 0)
        return [
            self._sealed(caller, replace(mark, number=change.number)) for change in page.changes
        ]

    def _mark(self, caller: Caller, cursor: str | None, forgotten: int) -> "_Mark":
        place = self.cursors.open(cursor, of=_feed_of(caller))
        if place is None:
            return _Mark(0, forgotten)
        number, _, begun_at = str(place.key).partition(",")
        return _Mark(int(number), int(begun_at))

    def _sealed(self, caller: Caller, mark: "_Mark") -> str:
        place = Place(f"{mark.number},{mark.begun_at}", caller.user_id)
        return self.cursors.seal(place, of=_feed_of(caller))


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far somebody has read, and up to where things were forgotten when they began."""

    number: int
    begun_at: int

    def covers(self, forgotten: int) -> bool:
        """Whether nothing that they still have to hear of is forgotten.

        Who begins has nothing, so they need not hear of what had gone before.
        """
        return max(self.number, self.begun_at) >= forgotten


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
