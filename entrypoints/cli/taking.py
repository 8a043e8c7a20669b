"""How answers are taken: whoever takes next to nothing of what waits for them is cut off.

uvicorn waits for a slow reader for ever, and TCP does so too while its machine is up.
"""

import asyncio
import fcntl
import sys
import termios

TAKEN_WITHIN = 30.0
"""Seconds between two looks at what still waits for a peer."""

TAKEN_AT_LEAST = 65_536
"""Bytes that a peer takes between two looks, unless less than that waits: 2 KiB a second."""


class Taking:
    """Watches one connection while nothing is added to what waits for its peer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0

    def watch(self) -> None:
        """Begin to look, unless that has begun."""
        if self._timer is None:
            self._left = self._waiting()
            self._timer = self._loop.call_later(TAKEN_WITHIN, self._look)

    def rest(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._waiting() > max(0, self._left - TAKEN_AT_LEAST):
            self._transport.abort()
        else:
            self.watch()

    def _waiting(self) -> int:
        """Return how many bytes the peer has not taken, here and in the system's own buffer."""
        try:
            file = self._transport.get_extra_info("socket").fileno()
            sent = int.from_bytes(fcntl.ioctl(file, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:  # this system does not tell
            sent = 0
        return self._transport.get_write_buffer_size() + sent
