"""How answers are said: a head goes out together with what follows it.

uvicorn writes the head of an answer by itself, and a write to a socket costs as much as reading
an item does.
"""

import asyncio
from typing import Any

_HEAD = b"HTTP/1.1 "


class Saying:
    """A transport that holds a head back until more is said, or this turn of the loop ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the transport itself can do."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Say this, behind what is held back."""
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.writelines((held, data))
        elif data.startswith(_HEAD):
            self._held = data
            self._loop.call_soon(self._let_go)
        else:
            self._transport.write(data)

    def _let_go(self) -> None:
        if self._held is not None and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = None

    def close(self) -> None:
        """Say what is held back, then close."""
        self._let_go()
        self._transport.close()
