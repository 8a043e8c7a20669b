"""People who look at what they and others have."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, multiple, rule

from adapters.persistence import item_lists
from domain.access import Caller
from domain.errors import BasaltError
from domain.item import ItemId
from domain.listing import ItemQuery, Sort, Whose
from tests.adapters.persistence.item_examples import LIMITS, QUERIES, REGIMES
from tests.adapters.persistence.item_steps import ACTORS, ITEMS, PEOPLE
from tests.adapters.persistence.items_machine import Writing

Asked = tuple[Caller, dict[str, object], str | None]
PAGES: Bundle[Asked] = Bundle("pages")
Regime = tuple[int, int]
SORTS = {down: [sort for sort in Sort if sort.is_descending is down] for down in (False, True)}


@contextmanager
def found_in(regime: Regime) -> Iterator[None]:
    """Let lists be found as where that many items are very few, and few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_lists, "VERY_FEW", regime[0])
        patch.setattr(item_lists, "FEW", regime[1])
        patch.setattr(item_lists, "NEAR", 2)
        patch.setattr(item_lists, "SCARCE", 0)
        yield


class Listing(Writing):
    """What looks, one at a time or page by page."""

    @rule(
        id=ITEMS,
        everywhere=st.booleans(),
        which=st.integers(0, 9),
        down=st.booleans(),
        limit=st.sampled_from([1, 5]),
        regime=st.sampled_from(REGIMES),
    )
    def find(
        self,
        id: ItemId,
        everywhere: bool,
        which: int,
        down: bool,
        limit: int,
        regime: Regime,
    ) -> None:
        item = self.stores.item(id)
        if item is None:
            return
        person = self.everybody[0] if everywhere else self.owners[id]
        marks: list[tuple[str, tuple[str, ...]]] = [("", (tag,)) for tag in item.tags]
        marks += [(word, ()) for word in sorted(item.words)] or [("", ())]
        search, tags = marks[which % len(marks)]
        asked = {"whose": Whose.ANY if everywhere else Whose.ALL, "search": search, "tags": tags}
        self._walk(person, asked, down, limit, regime)

    @rule(actor=ACTORS, id=ITEMS)
    def read(self, actor: Caller | None, id: ItemId) -> None:
        person = self.acting(actor, id)
        self.stores.ask(lambda house: house.read(person, id))

    @rule(actor=ACTORS, id=ITEMS, limit=LIMITS)
    def list_grants(self, actor: Caller | None, id: ItemId, limit: int) -> None:
        person, cursor = self.acting(actor, id), None
        while True:
            page = self.stores.ask(
                lambda house: house.list_grants(person, id, limit=limit, cursor=cursor)  # noqa: B023
            )
            if isinstance(page, BasaltError) or page.next_cursor is None:
                return
            cursor = page.next_cursor

    @rule(
        target=PAGES,
        person=PEOPLE,
        asked=QUERIES,
        owner=st.one_of(st.none(), st.none(), st.none(), PEOPLE),
        limit=LIMITS,
        regime=st.sampled_from(REGIMES),
    )
    def list_items(
        self,
        person: Caller,
        asked: dict[str, object],
        owner: Caller | None,
        limit: int,
        regime: Regime,
    ) -> MultipleResults[Asked]:
        asked = asked | {"owner_id": owner and owner.user_id}
        return self._list((person, asked, None), limit, regime)

    @rule(
        target=PAGES,
        page=PAGES,
        other=st.none() | PAGES,
        limit=LIMITS,
        regime=st.sampled_from(REGIMES),
    )
    def list_on(
        self, page: Asked, other: Asked | None, limit: int, regime: Regime
    ) -> MultipleResults[Asked]:
        return self._list((*page[:2], (other or page)[2]), limit, regime)

    def _list(self, wanted: Asked, limit: int, regime: Regime) -> MultipleResults[Asked]:
        person, asked, cursor = wanted
        with found_in(regime):
            page = self.stores.ask(
                lambda house: house.list_items(
                    ItemQuery.of(person, **asked),  # type: ignore[arg-type]  # by name
                    limit=limit,
                    cursor=cursor,
                )
            )
        if isinstance(page, BasaltError) or page.next_cursor is None:
            return multiple()
        return multiple((person, asked, page.next_cursor))

    @rule(
        person=PEOPLE,
        asked=QUERIES,
        down=st.booleans(),
        limit=st.sampled_from([2, 5, 100]),
        regime=st.sampled_from(REGIMES),
    )
    def walk(
        self, person: Caller, asked: dict[str, Any], down: bool, limit: int, regime: Regime
    ) -> None:
        self._walk(person, asked, down, limit, regime)

    def _walk(
        self,
        person: Caller,
        asked: Mapping[str, Any],
        down: bool,
        limit: int,
        regime: Regime,
    ) -> None:
        with found_in(regime):
            for sort in SORTS[down]:
                wanted = {**asked, "sort": sort}
                self.stores.ask(
                    lambda house: house.walk(ItemQuery.of(person, **wanted), limit=limit)  # noqa: B023
                )
