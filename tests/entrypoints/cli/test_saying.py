"""Proves that a head goes out with its body, and that nothing that was said is kept back."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest

from entrypoints.cli.saying import Saying

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Transport:
    """Notes each system call."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.calls.append(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        assert not self.closed
        self.calls.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
async def saying(transport: Transport) -> Saying:
    return Saying(asyncio.get_running_loop(), cast("asyncio.Transport", transport))


async def test_a_head_goes_out_with_its_body(saying: Saying, transport: Transport) -> None:
    for _ in range(2):
        saying.write(HEAD)
        saying.write(b"body")
    assert transport.calls == [HEAD + b"body"] * 2
    await asyncio.sleep(0)
    assert len(transport.calls) == 2


async def test_a_head_waits_for_nothing_but_the_end_of_the_turn(
    saying: Saying, transport: Transport
) -> None:
    saying.write(HEAD)
    assert transport.calls == []
    await asyncio.sleep(0)
    assert transport.calls == [HEAD]
    saying.write(b"piece")
    assert transport.calls == [HEAD, b"piece"]


async def test_closing_says_what_is_held_back(saying: Saying, transport: Transport) -> None:
    saying.write(HEAD)
    saying.close()
    assert (transport.calls, transport.closed) == ([HEAD], True)
    await asyncio.sleep(0)
    assert transport.calls == [HEAD]


async def test_nothing_is_said_to_who_has_gone(saying: Saying, transport: Transport) -> None:
    saying.write(HEAD)
    transport.closed = True
    await asyncio.sleep(0)
    assert transport.calls == []


async def test_all_else_is_the_transports_own(saying: Saying, transport: Transport) -> None:
    assert saying.is_closing() is transport.is_closing()
    with pytest.raises(AttributeError):
        _ = saying.sing
