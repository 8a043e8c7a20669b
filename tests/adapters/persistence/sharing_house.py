"""The use cases of items, sharing and the change feed around one store, and some people in it."""

from dataclasses import dataclass, field

from application.changes import ListChanges
from application.items import CreateItem, DeleteItem, EditItem, Keeper
from application.listing import ListItems
from application.ports.surroundings import Ids
from application.replaying import Replayer
from application.sharing import ChangeGrant, ShareItem, WithdrawGrant
from application.throttling import Throttle
from application.tidying import TidyUp
from domain.access import Caller, UserId
from domain.item import Access, ItemDraft, ItemEdit, ItemId, SeenItem
from domain.listing import ItemQuery, Sort
from domain.sharing import GrantRole
from domain.throttle import SHARING_BY_USER
from tests.application.house import Store
from tests.application.stand_ins import Counting, NotedCursors, SettableClock
from tests.domain.examples import LIFETIMES, a_caller, a_user, uuid

View = dict[ItemId, tuple[int, Access]]
"""What somebody sees: of each item its version, and what they are to it."""


class SharingHouse:
    """People who keep items, share them, and follow what changes."""

    def __init__(self, store: Store, people: int, ids: Ids | None = None) -> None:
        ids = ids or Counting().ids
        self.store = store
        self.clock = SettableClock()
        self.cursors = NotedCursors()
        work = store.unit_of_work
        keeper, replayer = Keeper(self.clock, ids), Replayer(self.clock)
        self._create = CreateItem(work, keeper, replayer)
        self._edit = EditItem(work, keeper)
        self.delete = DeleteItem(work, keeper)
        off = Throttle("sharing", SHARING_BY_USER, self.clock, is_on=False)
        self._share = ShareItem(work, self.clock, replayer, off)
        self._change = ChangeGrant(work, self.clock)
        self._withdraw = WithdrawGrant(work, self.clock)
        self.list_changes = ListChanges(store.reading, self.cursors)
        self.list_items = ListItems(store.reading, self.cursors)
        self.tidy_up = TidyUp(work, self.clock, LIFETIMES)
        self.people: list[Caller] = [
            a_caller(user_id=UserId(uuid(number))) for number in range(1, people + 1)
        ]
        with work() as adding:
            for person in self.people:
                adding.users.add(a_user(id=person.user_id, email=email_of(person)))
            adding.commit()

    def create(self, person: Caller, title: str = "Lamp oil") -> ItemId:
        """Add an item."""
        return self._create(person, ItemDraft(title=title)).result.item.id

    def edit(self, person: Caller, id: ItemId, title: str) -> None:
        """Give an item another title."""
        self._edit(person, id, ItemEdit(title=title))

    def share(self, person: Caller, id: ItemId, friend: Caller, role: GrantRole) -> None:
        """Grant a friend access."""
        self._share(person, id, email_of(friend), role)

    def change(self, person: Caller, id: ItemId, friend: Caller, role: GrantRole) -> None:
        """Grant a friend another access."""
        self._change(person, id, friend.user_id, role)

    def withdraw(self, person: Caller, id: ItemId, friend: Caller) -> None:
        """Take a friend's access back."""
        self._withdraw(person, id, friend.user_id)

    def walk(self, person: Caller, sort: Sort = Sort.NEWEST, *, limit: int = 100) -> list[SeenItem]:
        """Return what a list shows, page by page."""
        seen: list[SeenItem] = []
        cursor = None
        while True:
            wanted = ItemQuery.of(person, sort=sort)
            page = self.list_items(wanted, limit=limit, cursor=cursor)
            seen += page.entries
            cursor = page.next_cursor
            if cursor is None:
                return seen

    def view(self, person: Caller) -> View:
        """Return what somebody sees."""
        return {seen.item.id: (seen.item.version, seen.access) for seen in self.walk(person)}


def email_of(person: Caller) -> str:
    """Return somebody's address."""
    return f"{person.user_id}@example.com"


@dataclass
class Follower:
    """A phone: it keeps what the feed told it, and the cursor behind that."""

    house: SharingHouse
    person: Caller
    view: View = field(default_factory=dict)
    cursor: str | None = None
    number: int = 0

    def sync(self, limit: int) -> bool:
        """Take one page; tell whether there was more. Fails on what is not behind the cursor."""
        page = self.house.list_changes(self.person, since=self.cursor, limit=limit)
        numbers = [change.number for change in page.changes]
        assert numbers == sorted(set(numbers))
        assert all(number > self.number for number in numbers)
        assert len(numbers) <= limit
        assert len({change.item_id for change in page.changes}) == len(numbers)
        for change in page.changes:
            if change.seen is None:
                self.view.pop(change.item_id, None)
            else:
                self.view[change.item_id] = (change.seen.item.version, change.seen.access)
        self.cursor, self.number = page.next_cursor, max([self.number, *numbers])
        return page.has_more

    def sync_all(self) -> View:
        """Take all there is."""
        while self.sync(100):
            pass
        return self.view
