"""Which addresses a name has, asked in threads of our own, which nobody has to wait for.

The event loop's own way is one small pool for everybody, and a question in it cannot be given up.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address
Found = Sequence[Address] | OSError | ValueError

KNOWN_FOR = 60.0
"""Seconds for which an answer is remembered."""

ASKED_AT_ONCE = 4
"""Names of one provider that are asked for at one time; it counts until there is an answer."""


class Names:
    """The addresses of one provider's names."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Sequence[Address]]] = {}
        self._asked: dict[str, asyncio.Future[Found]] = {}

    async def addresses(self, host: str) -> Sequence[Address]:
        """Return the addresses of a name, or of what is one itself. Raises OSError, ValueError."""
        with suppress(ValueError):
            return [ip_address(host)]
        end, known = self._known.get(host, (0.0, ()))
        if self._monotonic() < end:
            return known
        found = await asyncio.shield(self._asked.get(host) or self._ask(host))
        if isinstance(found, Exception):
            raise found
        return found

    def _ask(self, host: str) -> asyncio.Future[Found]:
        if len(self._asked) >= ASKED_AT_ONCE:
            raise OSError("too many names at once")
        loop = asyncio.get_running_loop()
        self._asked[host] = asked = loop.create_future()

        def ask() -> None:
            found = _resolved(host)
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(self._told, host, found)

        threading.Thread(target=ask, name=f"basalt-name-{host}", daemon=True).start()
        return asked

    def _told(self, host: str, found: Found) -> None:
        now = self._monotonic()
        self._known = {name: known for name, known in self._known.items() if now < known[0]}
        if not isinstance(found, Exception):
            self._known[host] = (now + KNOWN_FOR, found)
        self._asked.pop(host).set_result(found)


def _resolved(host: str) -> Found:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    except (OSError, ValueError) as failure:
        return failure
