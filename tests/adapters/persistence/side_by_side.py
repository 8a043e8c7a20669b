"""The twin in memory, SQLite and PostgreSQL side by side: each is asked, and all say the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from sqlmodel import SQLModel

from adapters.memory.store import InMemoryStore
from adapters.persistence.database import Database
from adapters.persistence.tables import AuditHeadRow, table
from adapters.persistence.unit_of_work import SqlStore
from domain.access import UserId
from domain.audit import EMPTY
from domain.errors import BasaltError
from domain.item import Item, ItemId
from domain.sharing import GrantRole
from tests.adapters.persistence.items_house import ItemsHouse

T = TypeVar("T")


class SideBySide:
    """A house on each kind of store, all empty in the beginning."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        for database in databases.values():
            _empty(database)
        self.twin = InMemoryStore()
        self.houses = {"memory": ItemsHouse(self.twin)}
        self.houses |= {kind: ItemsHouse(SqlStore(one)) for kind, one in databases.items()}
        self.steps = 0

    def ask(self, act: Callable[[ItemsHouse], T]) -> T | BasaltError:
        """Let every house do the same; return its answer, or how it was refused.

        Fails if they do not all say exactly the same.
        """
        self.steps += 1
        answers = {kind: self._ask(kind, act) for kind in self.houses}
        exactly = {kind: exact(answer) for kind, answer in answers.items()}
        if any(one != exactly["memory"] for one in exactly.values()):
            raise AssertionError("\n".join(_apart(exactly)))
        return answers["memory"]

    def hold(self, promise: bool, broken: str) -> None:
        """Fail unless a promise is kept."""
        if not promise:
            raise AssertionError(broken)

    def item(self, id: ItemId) -> Item | None:
        """Return an item as the twin has it."""
        return self.twin.shelves.items.get(id)

    def friends(self, id: ItemId) -> list[UserId]:
        """Return with whom an item is shared."""
        return sorted(friend for item, friend in self.twin.shelves.grants if item == id)

    def other_role(self, id: ItemId, friend: UserId) -> GrantRole:
        """Return a role that a friend does not have."""
        grant = self.twin.shelves.grants.get((id, friend))
        has_less = grant is not None and grant.role is GrantRole.VIEWER
        return GrantRole.EDITOR if has_less else GrantRole.VIEWER

    def _ask(self, kind: str, act: Callable[[ItemsHouse], T]) -> T | BasaltError:
        house = self.houses[kind]
        house.chance.begin(self.steps)
        try:
            return act(house)
        except BasaltError as refusal:
            return refusal
        except Exception as failure:
            failure.add_note(f"on {kind}")
            raise


def exact(value: Any) -> object:
    """Return a value in a form in which 1, 1.0 and True differ, and what is equal is equal."""
    if isinstance(value, BasaltError):
        told = type(value).__name__, value.code, str(value), exact(value.details)
        return *told, exact(getattr(value, "failures", getattr(value, "retry_after", None)))
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return type(value).__name__, {name: exact(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: exact(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [exact(member) for member in value]
    if isinstance(value, int | float):
        return type(value).__name__, repr(value)
    return value


def _apart(answers: Mapping[str, object]) -> list[str]:
    """Say what each store answers; of lists of one length, only where they differ."""
    lists = [one for one in answers.values() if isinstance(one, list)]
    if len(lists) < len(answers) or len({len(one) for one in lists}) > 1:
        return [f"{kind} says {answer}" for kind, answer in answers.items()]
    places = [
        place
        for place, parts in enumerate(zip(*lists, strict=True))
        if any(part != parts[0] for part in parts)
    ]
    return [
        f"{kind} says at {place}: {one[place]}"
        for place in places
        for kind, one in zip(answers, lists, strict=True)
    ]


def _empty(database: Database) -> None:
    with database.transaction() as connection:
        for one in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(one.delete())
        head = table(AuditHeadRow).insert().values(id=1, number=EMPTY.number, mac=EMPTY.mac)
        connection.execute(head)
        connection.commit()
