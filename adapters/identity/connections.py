"""Connections to a provider: only to addresses that may be asked, and measured as they answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore
import httpx

from adapters.identity.names import Address, Names
from adapters.identity.network import Reach

HEAD_MAX = 32_768
WIRE_MAX = 196_608
"""Bytes of one answer, with all that is around its body."""

READS_MAX = 4096
_READ_AT_ONCE = 65_536

SLICE = 1024
"""Bytes that are taken apart before everybody else has a turn: 60 answers of 1xx, 170 chunks."""

ADDRESSES_MAX = 6
HEAD_START = 0.25
"""Seconds after which the next address is tried beside those before (RFC 8305 §5)."""

Socket = httpcore.AsyncNetworkStream


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves a host itself, and connects to an address that may be asked and to no other.

    So a name cannot mean one address when it is checked and another one afterwards. Connections are
    not kept.
    """

    def __init__(self, reach: Reach, *, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=0,
            network_backend=_GuardedNetwork(reach),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpcore's errors, OSError, ValueError."""
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        answer.extensions["network_stream"].more_may_come()
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class TooMuch(httpcore.ProtocolError):
    """An answer has more bytes, or comes in more pieces, than one that is meant to be read."""


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """The network as far as it may be asked."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._names = Names()
        self._network = httpcore.AnyIOBackend()
        self._turn = asyncio.Lock()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Socket:
        async def connected(address: Address) -> Socket:
            return await self._network.connect_tcp(
                str(address), port, None, local_address, socket_options
            )

        async with asyncio.timeout(timeout):
            found = await self._names.addresses(host)
            allowed = [address for address in found if self._reach.allows(address)]
            return _Measured(await _first(connected, allowed[:ADDRESSES_MAX]), self._turn)


class _Measured(Socket):
    """What comes over one connection: bounded in bytes and reads, and handed on slice by slice.

    Of all that answer one provider, one slice is taken apart in one turn of the event loop.
    """

    def __init__(self, inner: Socket, turn: asyncio.Lock) -> None:
        self._inner = inner
        self._turn = turn
        self._bytes = self._reads = 0
        self._most = HEAD_MAX
        self._held = memoryview(b"")

    def more_may_come(self) -> None:
        """Take the body too, now that the head is there."""
        self._most = WIRE_MAX

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        async with self._turn:
            await asyncio.sleep(0)
        if not self._held:
            self._held = memoryview(await self._inner.read(_READ_AT_ONCE, timeout))
            self._reads += 1
        size = min(max_bytes, SLICE)
        slice_, self._held = bytes(self._held[:size]), self._held[size:]
        self._bytes += len(slice_)
        if self._bytes > self._most or self._reads > READS_MAX:
            raise TooMuch
        return slice_

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Socket:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Measured(inner, self._turn)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


async def _first(
    connect: Callable[[Address], Awaitable[Socket]], addresses: Sequence[Address]
) -> Socket:
    """Return the connection that is there first; every address has a head start on the next."""

    async def connected(place: int) -> Socket:
        if place:
            await asyncio.wait([trying[place - 1]], timeout=place * HEAD_START)
        return await connect(addresses[place])

    trying = [asyncio.create_task(connected(place)) for place in range(len(addresses))]
    chosen: Socket | None = None
    failure: Exception | None = None
    try:
        for done in asyncio.as_completed(trying):
            try:
                chosen = await done
            except (httpcore.ConnectError, OSError) as refused:
                failure = refused
            else:
                return chosen
        raise failure or httpcore.ConnectError("no address that may be asked")
    finally:
        for task in trying:
            task.cancel()
        for other in await asyncio.gather(*trying, return_exceptions=True):
            if isinstance(other, Socket) and other is not chosen:
                await other.aclose()
