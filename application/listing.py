"""Lists of items, page by page, in an order that holds while somebody writes."""

from dataclasses import dataclass

from application.pages import Page, page_of
from application.ports.places import Place
from application.ports.security import Cursors
from application.ports.store import Reading
from domain.item import SeenItem
from domain.listing import ItemQuery


@dataclass(frozen=True, slots=True)
class ListItems:
    """Look at items: one's own, those shared with one, or, for administrators, all."""

    reading: Reading
    cursors: Cursors

    def __call__(self, wanted: ItemQuery, *, limit: int, cursor: str | None) -> Page[SeenItem]:
        name = wanted.name
        after = self.cursors.open(cursor, of=name)
        with self.reading() as see:
            found = see.items.matching(wanted, after=after, limit=limit + 1)
        return page_of(
            found,
            limit,
            lambda seen: self.cursors.seal(Place(*wanted.place_of(seen.item)), of=name),
        )
