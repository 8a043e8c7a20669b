"""Bodies that are held while their requests last: bounded in sum, not only each for itself."""

from types import TracebackType
from typing import Self

from domain.errors import Unavailable

ROOM = 64 * 2**20
"""Bytes of bodies that a worker holds at one time."""

LARGEST_AT_ONCE = 16
"""As many bodies as large as one may be fit in any case."""


def room_for_bodies(largest: int) -> int:
    """Return how many bytes of bodies a worker holds at one time, if one may have so many."""
    return max(ROOM, LARGEST_AT_ONCE * largest)


class Bodies:
    """Counts the bytes that the requests of one event loop hold."""

    def __init__(self, room: int) -> None:
        self.room = room

    def held(self) -> "Held":
        """Return what one request holds, to be given back at its end."""
        return Held(self)


class Held:
    """What one request holds of its body; leaving it gives the room back."""

    __slots__ = ("_bodies", "_size")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._size = 0

    def add(self, size: int) -> None:
        """Hold more. Raises Unavailable if there is no room for it."""
        if size > self._bodies.room:
            raise Unavailable
        self._bodies.room -= size
        self._size += size

    def __enter__(self) -> Self:
        """Hold nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the room back."""
        self._bodies.room += self._size
