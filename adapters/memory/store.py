"""Units of work in memory: each sees its own copy of everything, and a commit swaps it in.

What was not committed is really lost, and what a reader changes reaches nobody.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from adapters.memory.accounts import InMemoryMachineKeys, InMemorySessions, InMemoryUsers
from adapters.memory.identities import InMemoryFlows, InMemoryIdentities
from adapters.memory.items import (
    InMemoryChanges,
    InMemoryGrants,
    InMemoryItems,
    InMemoryReplays,
)
from adapters.memory.mail import InMemoryOneTimeTokens, InMemoryOutbox
from adapters.memory.records import (
    InMemoryAuditTrail,
    InMemorySigningKeys,
    InMemoryTallies,
    InMemoryVault,
)
from adapters.memory.second_factors import InMemoryChallenges, InMemorySecondFactors
from adapters.memory.shelves import Shelves
from application.ports.store import Repositories, UnitOfWork


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
    def machine_keys(self) -> InMemoryMachineKeys:
        return InMemoryMachineKeys(self._shelves)

    @property
    def second_factors(self) -> InMemorySecondFactors:
        return InMemorySecondFactors(self._shelves)

    @property
    def challenges(self) -> InMemoryChallenges:
        return InMemoryChallenges(self._shelves)

    @property
    def identities(self) -> InMemoryIdentities:
        return InMemoryIdentities(self._shelves)

    @property
    def flows(self) -> InMemoryFlows:
        return InMemoryFlows(self._shelves)

    @property
    def items(self) -> InMemoryItems:
        return InMemoryItems(self._shelves)

    @property
    def grants(self) -> InMemoryGrants:
        return InMemoryGrants(self._shelves)

    @property
    def changes(self) -> InMemoryChanges:
        return InMemoryChanges(self._shelves)

    @property
    def replays(self) -> InMemoryReplays:
        return InMemoryReplays(self._shelves)

    @property
    def keys(self) -> InMemorySigningKeys:
        return InMemorySigningKeys(self._shelves)

    @property
    def tallies(self) -> InMemoryTallies:
        return InMemoryTallies(self._shelves)

    @property
    def audit(self) -> InMemoryAuditTrail:
        return InMemoryAuditTrail(self._shelves)

    @property
    def outbox(self) -> InMemoryOutbox:
        return InMemoryOutbox(self._shelves)

    @property
    def one_time_tokens(self) -> InMemoryOneTimeTokens:
        return InMemoryOneTimeTokens(self._shelves)

    @property
    def vault(self) -> InMemoryVault:
        return InMemoryVault(self._shelves)


class InMemoryUnitOfWork(InMemoryRepositories, UnitOfWork):
    """A copy of everything, which takes the place of the original at `commit`."""

    def __init__(self, store: "InMemoryStore") -> None:
        self._store = store
        self._last = deque[Callable[[], None]]()

    def __enter__(self) -> Self:
        self._store.writing.acquire()
        self._shelves = self._store.shelves.copy()
        return self

    def __exit__(self, *failure: object) -> None:
        self._store.writing.release()

    def at_the_end(self, step: Callable[[], None]) -> None:
        self._shelves.check()
        self._last.append(step)

    def commit(self) -> None:
        while self._last:
            self._last.popleft()()
        self.changes.number()
        self._store.shelves = self._shelves.copy()
        self._shelves.close()


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
