"""Items: the whole life of what a user keeps."""

from dataclasses import dataclass

from application.ports.items import Attempt
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids
from application.replaying import Done, Replayer
from domain.access import Caller, UserId
from domain.errors import ItemNotFound
from domain.item import (
    Access,
    Act,
    Expected,
    Item,
    ItemDraft,
    ItemEdit,
    ItemId,
    SeenItem,
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """What can be done to items within a unit of work: alone, or many at once."""

    clock: Clock
    ids: Ids

    def create(self, work: UnitOfWork, caller: Caller, draft: ItemDraft) -> SeenItem:
        """Add an item to the caller's own."""
        now = self.clock()
        item = Item.create(id=ItemId(self.ids()), owner_id=caller.user_id, draft=draft, now=now)
        work.items.add(item)
        work.changes.note(item.id, [caller.user_id], at=now)
        return SeenItem(item=item, access=Access.OWNER)

    def edit(
        self, work: UnitOfWork, caller: Caller, id: ItemId, edit: ItemEdit, expected: Expected
    ) -> SeenItem:
        """Change the parts of an item that a merge patch names."""
        item, access = self._held(work, caller, id, Act.EDIT, expected)
        return self._saved(work, item, item.edited(edit, now=self.clock()), access)

    def replace(
        self, work: UnitOfWork, caller: Caller, id: ItemId, draft: ItemDraft, expected: Expected
    ) -> SeenItem:
        """Put other contents in the place of an item's."""
        item, access = self._held(work, caller, id, Act.EDIT, expected)
        return self._saved(work, item, item.replaced(draft, now=self.clock()), access)

    def delete(self, work: UnitOfWork, caller: Caller, id: ItemId, expected: Expected) -> None:
        """Remove an item for good."""
        item, _ = self._held(work, caller, id, Act.DELETE, expected)
        viewers = viewers_of(work, item)
        work.items.remove(item)
        work.changes.note_gone(id, viewers, at=self.clock())

    def _held(
        self, work: UnitOfWork, caller: Caller, id: ItemId, act: Act, expected: Expected
    ) -> tuple[Item, Access]:
        item = present(work.items.lock(id))
        access = access_to(work, item, caller, act)
        item.expect(expected, access)
        return item, access

    def _saved(self, work: UnitOfWork, before: Item, after: Item, access: Access) -> SeenItem:
        if after is not before:
            viewers = viewers_of(work, after)
            work.items.save(after, before=before)
            work.changes.note(after.id, viewers, at=after.updated_at)
        return SeenItem(item=after, access=access)


@dataclass(frozen=True, slots=True)
class CreateItem:
    """Add an item to its owner's collection; a repeated attempt gets the first one's answer."""

    unit_of_work: UnitsOfWork
    keeper: Keeper
    replayer: Replayer

    def __call__(
        self, caller: Caller, draft: ItemDraft, attempt: Attempt | None = None
    ) -> Done[SeenItem]:
        with self.unit_of_work() as work:
            return self.replayer.once(
                work, caller, attempt, SeenItem, lambda: self.keeper.create(work, caller, draft)
            )


@dataclass(frozen=True, slots=True)
class ReadItem:
    """Look at one item."""

    reading: Reading

    def __call__(self, caller: Caller, id: ItemId) -> SeenItem:
        with self.reading() as see:
            item = present(see.items.get(id))
            return SeenItem(item=item, access=access_to(see, item, caller, Act.READ))


@dataclass(frozen=True, slots=True)
class EditItem:
    """Change the parts of an item that a merge patch names."""

    unit_of_work: UnitsOfWork
    keeper: Keeper

    def __call__(
        self, caller: Caller, id: ItemId, edit: ItemEdit, expected: Expected = None
    ) -> SeenItem:
        with self.unit_of_work() as work:
            seen = self.keeper.edit(work, caller, id, edit, expected)
            work.commit()
        return seen


@dataclass(frozen=True, slots=True)
class ReplaceItem:
    """Put other contents in the place of an item's."""

    unit_of_work: UnitsOfWork
    keeper: Keeper

    def __call__(
        self, caller: Caller, id: ItemId, draft: ItemDraft, expected: Expected = None
    ) -> SeenItem:
        with self.unit_of_work() as work:
            seen = self.keeper.replace(work, caller, id, draft, expected)
            work.commit()
        return seen


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Remove an item for good."""

    unit_of_work: UnitsOfWork
    keeper: Keeper

    def __call__(self, caller: Caller, id: ItemId, expected: Expected = None) -> None:
        with self.unit_of_work() as work:
            self.keeper.delete(work, caller, id, expected)
            work.commit()


def present(item: Item | None) -> Item:
    """Return the item. Raises ItemNotFound if there is none."""
    if item is None:
        raise ItemNotFound
    return item


def access_to(see: Repositories, item: Item, caller: Caller, act: Act) -> Access:
    """Return what the caller is to an item. Raises Forbidden if that does not allow `act`."""
    grant = None if item.owner_id == caller.user_id else see.grants.get(item.id, caller.user_id)
    return item.access_for(caller, act, grant.role.access if grant else None)


def viewers_of(see: Repositories, item: Item) -> frozenset[UserId]:
    """Return everybody in whose view an item is."""
    return see.grants.grantees(item.id) | {item.owner_id}
