"""Items in a dictionary."""

from collections.abc import Sequence

from adapters.memory.shelves import Shelves
from application.ports import Items, Place
from domain.access import UserId
from domain.errors import TokenRevoked
from domain.item import Item, ItemId


class InMemoryItems(Items):
    """Items in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, id: ItemId) -> Item | None:
        return self._shelves.items.get(id)

    def lock(self, id: ItemId) -> Item | None:
        return self.get(id)

    def owned_by(self, owner_id: UserId, *, after: Place | None, limit: int) -> Sequence[Item]:
        found = [item for item in self._shelves.items.values() if item.owner_id == owner_id]
        found.sort(key=lambda item: (item.created_at, item.id), reverse=True)
        if after:
            behind = (after.created_at, after.id)
            found = [item for item in found if (item.created_at, item.id) < behind]
        return found[:limit]

    def add(self, item: Item) -> None:
        if item.owner_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.items[item.id] = item

    def save(self, item: Item) -> None:
        self._shelves.items[item.id] = item

    def remove(self, id: ItemId) -> None:
        self._shelves.items.pop(id, None)
