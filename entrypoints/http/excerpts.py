"""A long list, written in pages that are small enough to wait for a client each."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from application.exporting import AT_ONCE, Excerpt
from domain.errors import Unavailable

ROOM = 64 * 1024
"""Bytes after which a page is sent: for each client that takes its time, a few of them wait."""

PAUSES = (0.5, 1.0, 2.0)
"""Seconds between tries to read a page while the store is unavailable."""

_FIRST = 4
"""Entries that are read first: how large they are, nobody knows yet."""


class Pages:
    """The entries of one list as they are written, in pages of little more than ROOM bytes."""

    def __init__(
        self, read: Callable[[Any, int], Awaitable[Excerpt]], write: Callable[[Any], str]
    ) -> None:
        self.are_over = False
        self._read = read
        self._write = write
        self._behind: Any = None
        self._at_most = _FIRST
        self._between = b""

    async def next(self) -> bytes:
        """Return the next page. Raises what reading it does, and Unavailable after some tries."""
        for pause in PAUSES:
            with suppress(Unavailable):
                return self._written(await self._read(self._behind, self._at_most))
            await asyncio.sleep(pause)
        return self._written(await self._read(self._behind, self._at_most))

    def _written(self, excerpt: Excerpt) -> bytes:
        """Write what there is room for. The rest is forgotten, and read again with fewer others."""
        page, count = bytearray(), 0
        for entry in excerpt.entries:
            page += self._between + self._write(entry).encode()
            self._between = b","
            count += 1
            if excerpt.place is not None:
                self._behind = excerpt.place(entry)
                if len(page) >= ROOM:
                    break
        self.are_over = count == len(excerpt.entries) and not excerpt.has_more
        self._at_most = min(AT_ONCE, 2 * count)
        return bytes(page)
