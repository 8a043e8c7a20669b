"""The persistence ports in dictionaries: a unit of work sees its own copy, and a commit swaps it.

What was not committed is really lost, and what a reader changes reaches nobody.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from application.ports import (
    Items,
    Place,
    Repositories,
    Sessions,
    SigningKeys,
    UnitOfWork,
    Users,
)
from domain.access import SessionId, UserId
from domain.errors import EmailTaken, TokenRevoked
from domain.item import Item, ItemId
from domain.key import KeyId, SigningKey
from domain.session import Session, Standing
from domain.user import User


@dataclass
class Shelves:
    """All that is stored, at one moment; entities never change, so copies may share them."""

    users: dict[UserId, User] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    items: dict[ItemId, Item] = field(default_factory=dict)
    keys: dict[KeyId, SigningKey] = field(default_factory=dict)

    def copy(self) -> "Shelves":
        """Return shelves that can be changed without changing these."""
        return replace(
            self,
            users=dict(self.users),
            sessions=dict(self.sessions),
            items=dict(self.items),
            keys=dict(self.keys),
        )


class InMemoryUsers(Users):
    """Users in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, id: UserId) -> User | None:
        return self._shelves.users.get(id)

    def by_email(self, email: str) -> User | None:
        return next((user for user in self._shelves.users.values() if user.email == email), None)

    def lock(self, id: UserId) -> User | None:
        return self.get(id)

    def lock_active_admins(self) -> frozenset[UserId]:
        users = self._shelves.users.values()
        return frozenset(user.id for user in users if user.is_active_admin)

    def add(self, user: User) -> None:
        if self.by_email(user.email):
            raise EmailTaken
        self._shelves.users[user.id] = user

    def save(self, user: User) -> None:
        other = self.by_email(user.email)
        if other and other.id != user.id:
            raise EmailTaken
        self._shelves.users[user.id] = user

    def remove(self, id: UserId) -> None:
        self._shelves.users.pop(id, None)
        InMemorySessions(self._shelves).remove_all_of(id)
        items = self._shelves.items
        for item in [item for item in items.values() if item.owner_id == id]:
            del items[item.id]


class InMemorySessions(Sessions):
    """Sessions in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def standing(self, id: SessionId) -> Standing | None:
        session = self._shelves.sessions.get(id)
        if session is None:
            return None
        user = self._shelves.users[session.user_id]
        return Standing(
            user_id=user.id,
            role=user.role,
            status=user.status,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
        )

    def lock(self, id: SessionId) -> Session | None:
        return self._shelves.sessions.get(id)

    def add(self, session: Session) -> None:
        if session.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.sessions[session.id] = session

    def save(self, session: Session) -> None:
        self._shelves.sessions[session.id] = session

    def remove(self, id: SessionId) -> None:
        self._shelves.sessions.pop(id, None)

    def remove_all_of(self, user_id: UserId, *, keep: SessionId | None = None) -> None:
        sessions = self._shelves.sessions
        for session in [one for one in sessions.values() if one.user_id == user_id]:
            if session.id != keep:
                del sessions[session.id]


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


class InMemorySigningKeys(SigningKeys):
    """Signing keys in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def all(self) -> Sequence[SigningKey]:
        return sorted(self._shelves.keys.values(), key=lambda key: (key.created_at, key.id))

    def lock_all(self) -> Sequence[SigningKey]:
        return self.all()

    def add(self, key: SigningKey) -> None:
        self._shelves.keys[key.id] = key

    def save(self, key: SigningKey) -> None:
        self._shelves.keys[key.id] = key

    def remove(self, id: KeyId) -> None:
        self._shelves.keys.pop(id, None)


class InMemoryRepositories(Repositories):
    """The repositories over one set of shelves."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    @property
    def users(self) -> InMemoryUsers:
        return InMemoryUsers(self._shelves)

    @property
    def sessions(self) -> InMemorySessions:
        return InMemorySessions(self._shelves)

    @property
    def items(self) -> InMemoryItems:
        return InMemoryItems(self._shelves)

    @property
    def keys(self) -> InMemorySigningKeys:
        return InMemorySigningKeys(self._shelves)


class InMemoryUnitOfWork(InMemoryRepositories, UnitOfWork):
    """A copy of everything, which takes the place of the original at `commit`."""

    def __init__(self, store: "InMemoryStore") -> None:
        self._store = store

    def __enter__(self) -> Self:
        self._store.writing.acquire()
        self._shelves = self._store.shelves.copy()
        return self

    def __exit__(self, *failure: object) -> None:
        self._store.writing.release()

    def commit(self) -> None:
        self._store.shelves = self._shelves.copy()


class InMemoryStore:
    """Begins units of work on dictionaries, and looks into them."""

    def __init__(self) -> None:
        self.shelves = Shelves()
        self.writing = threading.Lock()

    def unit_of_work(self) -> UnitOfWork:
        """Return a unit of work that begins when it is entered."""
        return InMemoryUnitOfWork(self)

    @contextmanager
    def reading(self) -> Iterator[Repositories]:
        """Look at what is committed now."""
        yield InMemoryRepositories(self.shelves.copy())
