"""Waking streams when there is something to tell.

One look for all streams of this worker tells, twice a second, whose feed has moved; only those
streams read. So a change made by any worker reaches streams on all within a second.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping

from domain.access import UserId
from domain.errors import BasaltError, Unavailable

LOOK_EVERY = 0.5
"""Seconds between two looks at how far the feeds have come."""

STREAMS_MAX = 1000
"""Streams of one worker; who comes beyond that is told to come again."""

STREAMS_OF_USER_MAX = 100
"""Streams of one user at one worker, so that nobody takes all of them."""

Look = Callable[[Collection[UserId]], Awaitable[Mapping[UserId, int]]]
"""Tells for each of some users how far their feed has come."""


class Feeds:
    """Wakes the streams of this worker when their user's feed has moved."""

    def __init__(self) -> None:
        self._waiting: defaultdict[UserId, set[asyncio.Event]] = defaultdict(set)
        self._newest: dict[UserId, int] = {}
        self._streams = 0

    def check_room(self, user_id: UserId) -> None:
        """Raise Unavailable if no further stream can be borne, in all or for one user."""
        of_user = len(self._waiting.get(user_id, ()))
        if self._streams >= STREAMS_MAX or of_user >= STREAMS_OF_USER_MAX:
            raise Unavailable

    def join(self, user_id: UserId) -> asyncio.Event:
        """Return an event that is set when the user's feed moves. Raises Unavailable if full."""
        self.check_room(user_id)
        self._streams += 1
        moved = asyncio.Event()
        self._waiting[user_id].add(moved)
        return moved

    def leave(self, user_id: UserId, moved: asyncio.Event) -> None:
        """Stop waking a stream."""
        self._streams -= 1
        self._waiting[user_id].discard(moved)
        if not self._waiting[user_id]:
            del self._waiting[user_id]
            self._newest.pop(user_id, None)

    async def watch(self, look: Look) -> None:
        """Look and wake until cancelled; a look that fails is repeated."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if not self._waiting:
                continue
            try:
                newest = await look(list(self._waiting))
            except BasaltError:
                continue
            for user_id, number in newest.items():
                if self._newest.get(user_id) != number:
                    self._newest[user_id] = number
                    for moved in self._waiting.get(user_id, ()):
                        moved.set()

    def wake_all(self) -> None:
        """Wake every stream, so that it sees that the service is stopping."""
        for waiting in self._waiting.values():
            for moved in waiting:
                moved.set()
