"""Items: the whole life of what a user keeps."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports import Clock, Cursors, Ids, Place, Reading, UnitsOfWork
from domain.access import Caller
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
class ItemPage:
    """One page of a list, with the cursor of the next one, if there is one."""

    items: Sequence[SeenItem]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CreateItem:
    """Add an item to its owner's collection."""

    unit_of_work: UnitsOfWork
    clock: Clock
    ids: Ids

    def __call__(self, caller: Caller, draft: ItemDraft) -> SeenItem:
        item = Item.create(
            id=ItemId(self.ids()), owner_id=caller.user_id, draft=draft, now=self.clock()
        )
        with self.unit_of_work() as work:
            work.items.add(item)
            work.commit()
        return SeenItem(item=item, access=Access.OWNER)


@dataclass(frozen=True, slots=True)
class ReadItem:
    """Look at one item."""

    reading: Reading

    def __call__(self, caller: Caller, id: ItemId) -> SeenItem:
        with self.reading() as see:
            item = _present(see.items.get(id))
        return SeenItem(item=item, access=item.access_for(caller, Act.READ))


@dataclass(frozen=True, slots=True)
class ListItems:
    """Look at one's items, newest first, page by page."""

    reading: Reading
    cursors: Cursors

    def __call__(self, caller: Caller, *, limit: int, cursor: str | None) -> ItemPage:
        of = f"items owned {caller.user_id}"
        after = self.cursors.open(cursor, of=of)
        with self.reading() as see:
            found = see.items.owned_by(caller.user_id, after=after, limit=limit + 1)
        page = [SeenItem(item=item, access=Access.OWNER) for item in found[:limit]]
        if len(found) <= limit:
            return ItemPage(page, None)
        last = page[-1].item
        return ItemPage(page, self.cursors.seal(Place(last.created_at, last.id), of=of))


@dataclass(frozen=True, slots=True)
class EditItem:
    """Change the parts of an item that a merge patch names."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(
        self, caller: Caller, id: ItemId, edit: ItemEdit, expected: Expected = None
    ) -> SeenItem:
        with self.unit_of_work() as work:
            item = _present(work.items.lock(id))
            access = item.access_for(caller, Act.EDIT)
            item.expect(expected, access)
            edited = item.edited(edit, now=self.clock())
            if edited is not item:
                work.items.save(edited)
                work.commit()
        return SeenItem(item=edited, access=access)


@dataclass(frozen=True, slots=True)
class ReplaceItem:
    """Put other contents in the place of an item's."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(
        self, caller: Caller, id: ItemId, draft: ItemDraft, expected: Expected = None
    ) -> SeenItem:
        with self.unit_of_work() as work:
            item = _present(work.items.lock(id))
            access = item.access_for(caller, Act.EDIT)
            item.expect(expected, access)
            replaced = item.replaced(draft, now=self.clock())
            if replaced is not item:
                work.items.save(replaced)
                work.commit()
        return SeenItem(item=replaced, access=access)


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Remove an item for good."""

    unit_of_work: UnitsOfWork

    def __call__(self, caller: Caller, id: ItemId, expected: Expected = None) -> None:
        with self.unit_of_work() as work:
            item = _present(work.items.lock(id))
            access = item.access_for(caller, Act.DELETE)
            item.expect(expected, access)
            work.items.remove(id)
            work.commit()


def _present(item: Item | None) -> Item:
    if item is None:
        raise ItemNotFound
    return item
