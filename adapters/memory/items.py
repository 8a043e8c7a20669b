"""Items, grants, change feeds and replays in dictionaries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from adapters.memory.shelves import Noted, Shelves
from application.ports.items import (
    Attempt,
    Change,
    Changes,
    Grantee,
    Grants,
    Items,
    Replays,
    feed_number,
)
from application.ports.places import Place
from domain.access import UserId
from domain.errors import AlreadyShared, IdempotencyKeyReused, TokenRevoked
from domain.item import Access, Item, ItemId, SeenItem
from domain.listing import ItemQuery, Whose
from domain.sharing import Grant


class InMemoryItems(Items):
    """Items in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, id: ItemId) -> Item | None:
        return self._shelves.items.get(id)

    def lock(self, id: ItemId) -> Item | None:
        return self.get(id)

    def lock_all(self, ids: Collection[ItemId]) -> Mapping[ItemId, Item]:
        return {id: item for id, item in self._shelves.items.items() if id in ids}

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        down = wanted.sort.is_descending
        found = [
            seen for item in self._shelves.items.values() if (seen := self._seen(item, wanted))
        ]
        place_of = wanted.place_of
        found.sort(key=lambda seen: place_of(seen.item), reverse=down)
        if after:
            behind = (after.key, after.id)
            found = [
                seen
                for seen in found
                if (place_of(seen.item) < behind if down else place_of(seen.item) > behind)
            ]
        return found[:limit]

    def _seen(self, item: Item, wanted: ItemQuery) -> SeenItem | None:
        grant = self._shelves.grants.get((item.id, wanted.viewer_id))
        own = item.owner_id == wanted.viewer_id
        belongs = {
            Whose.OWNED: own,
            Whose.SHARED: grant is not None,
            Whose.ALL: own or grant is not None,
            Whose.ANY: True,
        }[wanted.whose]
        if (
            not belongs
            or wanted.owner_id not in (None, item.owner_id)
            or not set(wanted.tags) <= set(item.tags)
            or not all(any(word.startswith(w) for word in item.words) for w in wanted.words)
        ):
            return None
        if own:
            return SeenItem(item=item, access=Access.OWNER)
        if wanted.sees_all or grant is None:
            return SeenItem(item=item, access=Access.ADMIN)
        return SeenItem(item=item, access=grant.role.access)

    def add(self, item: Item) -> None:
        if item.owner_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.items[item.id] = item

    def save(self, item: Item, *, before: Item) -> None:
        self._shelves.items[item.id] = item

    def remove(self, item: Item) -> None:
        del self._shelves.items[item.id]
        for key in [key for key in self._shelves.grants if key[0] == item.id]:
            del self._shelves.grants[key]


class InMemoryGrants(Grants):
    """Grants in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, item_id: ItemId, user_id: UserId) -> Grant | None:
        return self._shelves.grants.get((item_id, user_id))

    def of_item(self, item_id: ItemId, *, after: Place | None, limit: int) -> Sequence[Grantee]:
        grants = [one for one in self._shelves.grants.values() if one.item_id == item_id]
        grants.sort(key=lambda one: (one.created_at, one.user_id))
        if after:
            behind = (after.key, after.id)
            grants = [one for one in grants if (one.created_at, one.user_id) > behind]
        users = self._shelves.users
        return [Grantee(one, users[one.user_id].display_name) for one in grants[:limit]]

    def given_by(
        self, owner_id: UserId, *, after: tuple[ItemId, UserId] | None, limit: int
    ) -> Sequence[Grantee]:
        items, users = self._shelves.items, self._shelves.users
        given = sorted(
            (place, grant)
            for place, grant in self._shelves.grants.items()
            if items[grant.item_id].owner_id == owner_id and (after is None or place > after)
        )
        return [Grantee(one, users[one.user_id].display_name) for _, one in given[:limit]]

    def received_by(self, user_id: UserId, *, after: ItemId | None, limit: int) -> Sequence[Grant]:
        grants = [one for one in self._shelves.grants.values() if one.user_id == user_id]
        grants.sort(key=lambda one: one.item_id)
        return [one for one in grants if after is None or one.item_id > after][:limit]

    def grantees(self, item_id: ItemId) -> frozenset[UserId]:
        return frozenset(user for item, user in self._shelves.grants if item == item_id)

    def add(self, grant: Grant) -> None:
        if (grant.item_id, grant.user_id) in self._shelves.grants:
            raise AlreadyShared
        self.save(grant)

    def save(self, grant: Grant) -> None:
        self._shelves.grants[grant.item_id, grant.user_id] = grant

    def remove(self, item_id: ItemId, user_id: UserId) -> None:
        self._shelves.grants.pop((item_id, user_id), None)


class InMemoryChanges(Changes):
    """Change feeds in dictionaries."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def note(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        self._write(item_id, viewers, at=at, is_gone=False)

    def note_gone(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        self._write(item_id, viewers, at=at, is_gone=True)

    def note_owner_gone(self, owner_id: UserId, *, at: datetime) -> None:
        for user_id, item_id in sorted((user, item) for item, user in self._shelves.grants):
            if self._shelves.items[item_id].owner_id == owner_id:
                self._write(item_id, [user_id], at=at, is_gone=True)

    def _write(
        self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime, is_gone: bool
    ) -> None:
        for user_id in viewers:
            self._shelves.noted.pop((user_id, item_id), None)
            self._shelves.noted[user_id, item_id] = at, is_gone

    def number(self) -> None:
        """Number what was noted, as the last thing before the commit."""
        for (user_id, item_id), (at, is_gone) in sorted(
            self._shelves.noted.items(), key=lambda noted: noted[0][0]
        ):
            if user_id in self._shelves.users:
                newest = self._shelves.feeds.get(user_id, 0) + 1
                self._shelves.feeds[user_id] = newest
                self._shelves.changes[user_id, item_id] = Noted(newest, at, is_gone)
        self._shelves.noted.clear()

    def since(self, user_id: UserId, number: int, *, limit: int) -> Sequence[Change]:
        found = [
            self._change(user_id, item_id, noted)
            for (user, item_id), noted in self._shelves.changes.items()
            if user == user_id and noted.number > number
        ]
        return sorted(found, key=lambda change: change.number)[:limit]

    def _change(self, user_id: UserId, item_id: ItemId, noted: Noted) -> Change:
        item = None if noted.is_gone else self._shelves.items.get(item_id)
        seen = None
        if item is not None:
            own = item.owner_id == user_id
            grant = self._shelves.grants.get((item_id, user_id))
            access = Access.OWNER if own or grant is None else grant.role.access
            seen = SeenItem(item=item, access=access)
        return Change(number=noted.number, item_id=item_id, at=noted.at, seen=seen)

    def newest(self, users: Collection[UserId]) -> Mapping[UserId, int]:
        feeds = self._shelves.feeds
        return {user: feeds[user] for user in users if user in feeds}

    def forgotten_until(self, user_id: UserId) -> int:
        return self._shelves.forgotten.get(user_id, 0)

    def begin_anew(self, *, now: datetime) -> None:
        shelves, least = self._shelves, feed_number(now)
        shelves.feeds = {user: max(shelves.feeds.get(user, 0) + 1, least) for user in shelves.users}
        shelves.forgotten = dict(shelves.feeds)

    def forget_gone(self, *, before: datetime, at_most: int) -> int:
        long_gone = [
            (key, noted)
            for key, noted in self._shelves.changes.items()
            if noted.is_gone and noted.at < before
        ][:at_most]
        for (user, item), noted in long_gone:
            del self._shelves.changes[user, item]
            forgotten = self._shelves.forgotten
            forgotten[user] = max(forgotten.get(user, 0), noted.number)
        return len(long_gone)


class InMemoryReplays(Replays):
    """Replays in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def find(self, user_id: UserId, attempt: Attempt, *, now: datetime) -> object | None:
        kept = self._shelves.replays.get((user_id, attempt.key))
        if user_id not in self._shelves.users:
            raise TokenRevoked
        if kept is None or kept[2] <= now:
            return None
        fingerprint, result, _ = kept
        if fingerprint != attempt.fingerprint:
            raise IdempotencyKeyReused
        return result

    def keep(
        self, user_id: UserId, attempt: Attempt, result: object, *, expires_at: datetime
    ) -> None:
        self._shelves.replays[user_id, attempt.key] = (attempt.fingerprint, result, expires_at)

    def remove_naming(self, user_id: UserId) -> None:
        replays = self._shelves.replays
        for key in [key for key, kept in replays.items() if str(user_id) in str(kept[1])]:
            del replays[key]

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        over = [key for key, kept in self._shelves.replays.items() if kept[2] <= now][:at_most]
        for key in over:
            del self._shelves.replays[key]
        return len(over)
