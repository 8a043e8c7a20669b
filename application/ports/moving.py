"""Taking the store elsewhere: copies of it in a file, and into another database."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from application.ports.store import Reading, Schema, UnitsOfWork


class Snapshot(Protocol):
    """A copy of what was in a file, to be put right before it takes the store's place."""

    schema: Schema
    """Its shape, which may be an older one."""

    unit_of_work: UnitsOfWork
    """Begins changes of the copy, not of the store."""

    reading: Reading
    """Opens what is in the copy."""

    def take_over(self) -> None:
        """Put it in the place of all that is stored: wholly, or not at all. Raises Unavailable."""


class Snapshots(Protocol):
    """The store as one file, which is named by its path."""

    def save(self, file: str) -> int:
        """Write what is committed now into a new file; return its bytes.

        The file is whole and on disk, or it is not there. Raises StoreUnfit, Unavailable.
        """

    def loaded(self, file: str) -> AbstractContextManager[Snapshot]:
        """Copy a file beside the store. Raises StoreUnfit if it is not whole."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that is the same on both sides."""

    name: str
    rows: int
    sha256: str
    """Of all its values, in the order of their keys."""


Told = Callable[[str, int, int], None]
"""Hears how far it is: a table, rows that were looked at, and rows in all."""


class Mover(Protocol):
    """Brings all that is stored into another database."""

    schema: Schema
    """The other database's shape."""

    def check(self) -> None:
        """Raise StoreUnfit if this store cannot be copied, or the other one is not to be touched.

        Only what is empty, or holds an earlier part of this very copy and was not worked on since,
        may be written to.
        """

    def copy(self, told: Told) -> Sequence[CopiedTable]:
        """Write there what differs from here at this moment; return every table, read on both.

        Begun again, it goes on where it was. Raises StoreUnfit where both sides differ at the end.
        """

    def close(self) -> None:
        """Let go of the other database."""
