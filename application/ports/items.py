"""What is stored of items: themselves, their grants, their changes, and repeated requests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.places import Place
from domain.access import UserId
from domain.item import Item, ItemId, SeenItem
from domain.listing import ItemQuery
from domain.sharing import Grant


class Items(Protocol):
    """What the users keep."""

    def get(self, id: ItemId) -> Item | None:
        """Return the item with this id."""

    def lock(self, id: ItemId) -> Item | None:
        """As `get`, and hold the item against other writers until the unit of work ends."""

    def lock_all(self, ids: Collection[ItemId]) -> Mapping[ItemId, Item]:
        """Lock several items at once, so that two who do the same do not wait for each other."""

    def matching(self, wanted: ItemQuery, *, after: Place | None, limit: int) -> Sequence[SeenItem]:
        """Return at most `limit` items as their viewer sees them, from behind that place."""

    def add(self, item: Item) -> None:
        """Add an item."""

    def save(self, item: Item, *, before: Item) -> None:
        """Write an item that is locked, in place of what it was before."""

    def remove(self, item: Item) -> None:
        """Remove an item that is locked, with its grants."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """A grant, with the name that its user shows to others."""

    grant: Grant
    display_name: str | None


class Grants(Protocol):
    """With whom items are shared."""

    def get(self, item_id: ItemId, user_id: UserId) -> Grant | None:
        """Return a user's grant on an item."""

    def of_item(self, item_id: ItemId, *, after: Place | None, limit: int) -> Sequence[Grantee]:
        """Return at most `limit` grants on an item, oldest first, from behind that place."""

    def given_by(
        self, owner_id: UserId, *, after: tuple[ItemId, UserId] | None, limit: int
    ) -> Sequence[Grantee]:
        """Return at most `limit` grants on an owner's items, in the order of items and users."""

    def received_by(self, user_id: UserId, *, after: ItemId | None, limit: int) -> Sequence[Grant]:
        """Return at most `limit` grants that a user has, in the order of the items' ids."""

    def grantees(self, item_id: ItemId) -> frozenset[UserId]:
        """Return everybody with whom an item is shared."""

    def add(self, grant: Grant) -> None:
        """Add a grant on an item that is locked. Raises AlreadyShared."""

    def save(self, grant: Grant) -> None:
        """Write a grant on an item that is locked."""

    def remove(self, item_id: ItemId, user_id: UserId) -> None:
        """Withdraw a grant on an item that is locked."""


def feed_number(now: datetime) -> int:
    """Return the number with which feeds begin anew: later ones are larger, and none is near."""
    return int(now.timestamp() * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest thing that happened to an item in somebody's view; without `seen`, it is gone."""

    number: int
    item_id: ItemId
    at: datetime
    seen: SeenItem | None


class Changes(Protocol):
    """For each user, what changed in their view, numbered in the order of commits.

    Each item stands once, with its newest change. What is noted is numbered at the commit.
    """

    def note(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        """Note that an item was made or changed in these users' views."""

    def note_gone(self, item_id: ItemId, viewers: Collection[UserId], *, at: datetime) -> None:
        """Note that an item went out of these users' views."""

    def note_owner_gone(self, owner_id: UserId, *, at: datetime) -> None:
        """Note that all items of an owner go out of the views of those they are shared with."""

    def since(self, user_id: UserId, number: int, *, limit: int) -> Sequence[Change]:
        """Return at most `limit` changes with larger numbers, in their order."""

    def newest(self, users: Collection[UserId]) -> Mapping[UserId, int]:
        """Return the number of each user's newest change."""

    def forgotten_until(self, user_id: UserId) -> int:
        """Return the number up to which what is gone is no longer kept."""

    def begin_anew(self, *, now: datetime) -> None:
        """Void every place that was given out before, in this store's past or a lost one.

        Everybody's feed goes on with numbers that no feed has come to by then: the microseconds
        of `now`. Whoever comes with a place from before has to begin anew.
        """

    def forget_gone(self, *, before: datetime, at_most: int) -> int:
        """Forget what went before that time; return how many there were."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that a client may repeat: its key, and a digest of what it asks for."""

    key: str
    fingerprint: str


class Replays(Protocol):
    """Results of requests, kept so that a repeated one is answered and not done again."""

    def find(self, user_id: UserId, attempt: Attempt, *, now: datetime) -> object | None:
        """Return the result of the first attempt, and hold the key if there is none.

        Raises IdempotencyKeyReused for another request, IdempotencyInProgress if the first one
        does not finish soon.
        """

    def keep(
        self, user_id: UserId, attempt: Attempt, result: object, *, expires_at: datetime
    ) -> None:
        """Keep the result of an attempt whose key is held."""

    def remove_naming(self, user_id: UserId) -> None:
        """Forget every result that names a user, whosever it is; it looks through all of them."""

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        """Forget results that are over; return how many there were."""
