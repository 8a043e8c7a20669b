"""One client's stream of changes: it waits without a thread and without a connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from application.ports.items import Change
from domain.access import Caller, Scope
from domain.errors import BasaltError, NotAuthenticated
from entrypoints.http.application import Application

CHECK_EVERY = 3.0
"""Seconds between two checks that a stream's session is alive."""

HEARTBEAT_EVERY = 15.0
"""Seconds of silence after which a stream says that it is alive."""

_AT_ONCE = 100


class Stream:
    """One client's stream: what changed since its cursor, then what changes from now on."""

    def __init__(self, app: Application, caller: Caller, token: str, cursor: str | None) -> None:
        self._app = app
        self._caller = caller
        self._token = token
        self._cursor = cursor
        self._ends_at = 0.0

    async def begin(self) -> None:
        """Check the cursor, the token and the room. Raises InvalidCursor, Gone, Unavailable."""
        self._app.feeds.check_room(self._caller.user_id)
        await self._app.run(lambda use: use.list_changes, self._caller, since=self._cursor, limit=1)
        await self._is_alive()

    async def batches(self) -> AsyncIterator[Sequence[tuple[str, Change]]]:
        """Go through changes as they come; an empty batch is a heartbeat."""
        feeds = self._app.feeds
        moved = feeds.join(self._caller.user_id)
        try:
            checked = spoke = time.monotonic()
            while not self._app.is_stopping:
                moved.clear()
                async for batch in self._behind_cursor():
                    spoke = time.monotonic()
                    yield batch
                await self._wait(moved, checked + CHECK_EVERY)
                now = time.monotonic()
                if now - checked >= CHECK_EVERY or self._seconds_left() <= 0:
                    if not await self._is_alive():
                        return
                    checked = now
                if now - spoke >= HEARTBEAT_EVERY:
                    spoke = now
                    yield ()
        except BasaltError:
            return  # whatever it is, the client comes again and is told
        finally:
            feeds.leave(self._caller.user_id, moved)

    async def _behind_cursor(self) -> AsyncIterator[Sequence[tuple[str, Change]]]:
        has_more = True
        while has_more:
            page = await self._app.run(
                lambda use: use.list_changes, self._caller, since=self._cursor, limit=_AT_ONCE
            )
            has_more, self._cursor = page.has_more, page.next_cursor
            if page.changes:
                cursors = self._app.container.list_changes().cursors_behind(self._caller, page)
                yield list(zip(cursors, page.changes, strict=True))

    async def _wait(self, moved: asyncio.Event, until: float) -> None:
        patience = max(0.0, min(until - time.monotonic(), self._seconds_left()))
        try:
            async with asyncio.timeout(patience):
                await moved.wait()
        except TimeoutError:
            return

    def _seconds_left(self) -> float:
        return self._ends_at - self._app.container.clock()().timestamp()

    async def _is_alive(self) -> bool:
        try:
            outlook = await self._app.run(lambda use: use.foresee, self._token, self._caller.origin)
        except NotAuthenticated:
            return False
        self._app.note_use(outlook.caller)
        self._ends_at = outlook.until
        return Scope.ITEMS_READ in outlook.caller.scopes
