"""Every use case of items around one store, with ids that depend on nothing but the step."""

from collections.abc import Sequence
from uuid import UUID

from application.administration import RemoveUser
from application.auditing import Auditor
from application.batch import RunBatch
from application.changes import ListChanges
from application.items import (
    CreateItem,
    DeleteItem,
    EditItem,
    Keeper,
    ReadItem,
    ReplaceItem,
)
from application.listing import ListItems
from application.pages import Page
from application.replaying import Replayer
from application.sharing import ChangeGrant, ListGrants, ShareItem, WithdrawGrant
from application.throttling import Throttle
from application.tidying import TidyUp
from domain.access import Caller
from domain.item import ItemId, SeenItem
from domain.listing import ItemQuery
from domain.throttle import SHARING_BY_USER
from domain.user import User
from tests.application.house import Store
from tests.application.stand_in_keys import HashedChain
from tests.application.stand_ins import NotedCursors, SettableClock
from tests.domain.examples import LIFETIMES, uuid

MANY = 1000
"""More of anything than a story makes."""


class Scattered:
    """Makes ids that never repeat, in no order, and the same ones for the same step."""

    def __init__(self) -> None:
        self._count = 0

    def begin(self, step: int) -> None:
        """Begin a step."""
        self._count = step * MANY

    def ids(self) -> UUID:
        """Return the next id."""
        self._count += 1
        return uuid(self._count * 0x9E3779B97F4B % 2**48)

    def random(self, size: int) -> bytes:
        """Return bytes that nobody looks at."""
        self._count += 1
        return self._count.to_bytes(size)


class ItemsHouse:
    """What people do with items, on one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = SettableClock()
        self.chance = Scattered()
        self.cursors = NotedCursors()
        work = store.unit_of_work
        keeper, replayer = Keeper(self.clock, self.chance.ids), Replayer(self.clock)
        self.create = CreateItem(work, keeper, replayer)
        self.read = ReadItem(store.reading)
        self.edit = EditItem(work, keeper)
        self.replace = ReplaceItem(work, keeper)
        self.delete = DeleteItem(work, keeper)
        self.run_batch = RunBatch(work, keeper, replayer)
        self.list_items = ListItems(store.reading, self.cursors)
        self.list_changes = ListChanges(store.reading, self.cursors)
        self.list_grants = ListGrants(store.reading, self.cursors)
        by_user = Throttle("sharing", SHARING_BY_USER, self.clock)
        self.share = ShareItem(work, self.clock, replayer, by_user)
        self.change_grant = ChangeGrant(work, self.clock)
        self.withdraw_grant = WithdrawGrant(work, self.clock)
        auditor = Auditor(self.clock, self.chance.ids, self.chance.random, HashedChain())
        self.remove_user = RemoveUser(work, self.clock, auditor)
        self.tidy_up = TidyUp(work, self.clock, LIFETIMES)

    def arrive(self, user: User) -> None:
        """Open an account."""
        with self.store.unit_of_work() as work:
            work.users.add(user)
            work.commit()

    def walk(self, wanted: ItemQuery, *, limit: int) -> list[SeenItem]:
        """Return what a list shows, page by page."""
        page: Page[SeenItem] = Page([], None)
        seen: list[SeenItem] = []
        while not seen or page.next_cursor is not None:
            page = self.list_items(wanted, limit=limit, cursor=page.next_cursor)
            seen += page.entries
            assert len(seen) <= MANY, "the list does not end"
            if not page.entries:
                break
        return seen

    def inventory(self, people: Sequence[Caller], items: Sequence[ItemId]) -> list[object]:
        """Return all that is stored of these people and items, whoever may see it."""
        users = [person.user_id for person in people]
        with self.store.reading() as see:
            return [
                see.changes.newest(users),
                *(see.changes.forgotten_until(id) for id in users),
                see.audit.following(0, limit=MANY),
                *(see.users.get(id) for id in users),
                *(see.changes.since(id, 0, limit=MANY) for id in users),
                *(see.items.get(id) for id in items),
                *(see.grants.grantees(id) for id in items),
                *(see.grants.of_item(id, after=None, limit=MANY) for id in items),
            ]
