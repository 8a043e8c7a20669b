"""Lists of items, page by page, in an order that holds while somebody writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.places import Place
from application.ports.security import Cursors
from application.ports.store import Reading
from domain.item import SeenItem
from domain.listing import ItemQuery


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of a list, with the cursor of the next one, if there is one."""

    items: Sequence[SeenItem]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ListItems:
    """Look at items: one's own, those shared with one, or, for administrators, all."""

    reading: Reading
    cursors: Cursors

    def __call__(self, wanted: ItemQuery, *, limit: int, cursor: str | None) -> ItemPage:
        after = self.cursors.open(cursor, of=wanted.name)
        with self.reading() as see:
            found = see.items.matching(wanted, after=after, limit=limit + 1)
        page = found[:limit]
        if len(found) <= limit:
            return ItemPage(page, None)
        last = Place(*wanted.place_of(page[-1].item))
        return ItemPage(page, self.cursors.seal(last, of=wanted.name))
