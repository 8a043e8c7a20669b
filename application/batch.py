"""Many operations at once: all of them, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from application.items import Keeper
from application.ports.items import Attempt
from application.ports.store import UnitOfWork, UnitsOfWork
from application.replaying import Done, Replayer
from domain.access import Caller
from domain.errors import BasaltError, BatchFailed, TokenRevoked, Unavailable
from domain.item import Expected, ItemDraft, ItemEdit, ItemId, SeenItem

BATCH_MAX = 100
"""Operations in one batch."""


@dataclass(frozen=True, slots=True)
class Create:
    """Add an item."""

    draft: ItemDraft


@dataclass(frozen=True, slots=True)
class Update:
    """Change an item by a merge patch."""

    id: ItemId
    edit: ItemEdit
    expected: Expected = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an item."""

    id: ItemId
    expected: Expected = None


Operation: TypeAlias = Create | Update | Delete | BasaltError
"""One step of a batch; an error stands for one that was wrong as it came."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation came to: what was made or changed, or nothing for what was removed."""

    created: bool
    seen: SeenItem | None


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a batch came to, operation by operation."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class RunBatch:
    """Do every operation in one transaction. Raises BatchFailed with what each failed one met."""

    unit_of_work: UnitsOfWork
    keeper: Keeper
    replayer: Replayer

    def __call__(
        self, caller: Caller, operations: Sequence[Operation], attempt: Attempt | None = None
    ) -> Done[BatchDone]:
        with self.unit_of_work() as work:
            return self.replayer.once(
                work, caller, attempt, BatchDone, lambda: self._run(work, caller, operations)
            )

    def _run(self, work: UnitOfWork, caller: Caller, operations: Sequence[Operation]) -> BatchDone:
        work.items.lock_all({step.id for step in operations if isinstance(step, Update | Delete)})
        outcomes: list[Outcome] = []
        failures: dict[int, BasaltError] = {}
        for place, operation in enumerate(operations):
            try:
                outcomes.append(self._do(work, caller, operation))
            except (Unavailable, TokenRevoked):
                raise  # of the whole: the store cannot go on, or nobody is there to do it for
            except BasaltError as error:
                failures[place] = error
        if failures:
            raise BatchFailed(failures)
        return BatchDone(tuple(outcomes))

    def _do(self, work: UnitOfWork, caller: Caller, operation: Operation) -> Outcome:
        keeper = self.keeper
        match operation:
            case Create(draft):
                return Outcome(True, keeper.create(work, caller, draft))
            case Update(id, edit, expected):
                return Outcome(False, keeper.edit(work, caller, id, edit, expected))
            case Delete(id, expected):
                keeper.delete(work, caller, id, expected)
                return Outcome(False, None)
            case error:
                raise error
