"""Cheap things that keep the ports' promises, so that use cases run in microseconds."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.places import Place
from application.ports.security import Cursors, PasswordHasher
from application.ports.store import Schema, SchemaState
from domain.errors import (
    InvalidCursor,
)
from tests.domain.examples import NOW, uuid


class SettableClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Counting:
    """Makes ids and random bytes that never repeat, by counting."""

    def __init__(self) -> None:
        self.count = 1000

    def ids(self) -> UUID:
        self.count += 1
        return uuid(self.count)

    def random(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size)


class CheapHasher(PasswordHasher):
    """Hashes that hide nothing; says how often it worked, and lets something happen meanwhile."""

    def __init__(self, is_held: Callable[[], bool]) -> None:
        self.strength = 1
        self.matched: list[str | None] = []
        self.longest = 0
        self.hashed: list[str] = []
        self.meanwhile: list[Callable[[], object]] = []
        self._is_held = is_held

    def hash(self, password: str) -> str:
        self._work()
        self.hashed.append(password)
        return f"{self.strength}:{len(self.hashed)}:{password}"

    def matches(self, password: str, hashed: str | None) -> bool:
        self._work()
        self.longest = max(self.longest, len(password))
        self.matched.append(hashed)
        return hashed is not None and hashed.split(":", 2)[2] == password

    def is_outdated(self, hashed: str) -> bool:
        return int(hashed.split(":", 1)[0]) < self.strength

    def _work(self) -> None:
        assert not self._is_held(), "a writer's lock is held while a password is hashed"
        if self.meanwhile:
            self.meanwhile.pop(0)()


class NotedCursors(Cursors):
    """Cursors that are known because they were noted when they were sealed."""

    def __init__(self) -> None:
        self.sealed: dict[str, tuple[str, Place | int]] = {}

    def seal(self, place: Place, *, of: str) -> str:
        return self._note(place, of)

    def open(self, cursor: str | None, *, of: str) -> Place | None:
        found = None if cursor is None else self._noted(cursor, of)
        assert not isinstance(found, int)
        return found

    def seal_number(self, number: int, *, of: str) -> str:
        return self._note(number, of)

    def open_number(self, cursor: str | None, *, of: str) -> int | None:
        found = None if cursor is None else self._noted(cursor, of)
        assert not isinstance(found, Place)
        return found

    def _note(self, place: Place | int, of: str) -> str:
        cursor = f"cursor {len(self.sealed)}"
        self.sealed[cursor] = (of, place)
        return cursor

    def _noted(self, cursor: str, of: str) -> Place | int:
        name, place = self.sealed.get(cursor, ("", 0))
        if name != of:
            raise InvalidCursor
        return place


class PaperSchema(Schema):
    """A schema that is what it is said to be until it is migrated."""

    def __init__(self, state: SchemaState, *, migrates_by_itself: bool) -> None:
        self._state = state
        self._migrates_by_itself = migrates_by_itself
        self.migrations = 0

    @property
    def migrates_by_itself(self) -> bool:
        return self._migrates_by_itself

    def state(self) -> SchemaState:
        return self._state

    def is_current(self) -> bool:
        return self._state is SchemaState.CURRENT

    def migrate(self) -> None:
        self.migrations += 1
        self._state = SchemaState.CURRENT


def is_common(password: str, context: Sequence[str]) -> bool:
    """Whether a password is the one that everybody has, or a word that stands near the account."""
    return password == "correct horse battery" or password in context
