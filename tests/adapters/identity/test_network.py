"""No provider, and no lie of one, leads to an address that is not to be asked."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import h11
import httpcore
import httpx
import pytest

from adapters.identity import connections
from adapters.identity.connections import GuardedTransport
from adapters.identity.exchanges import Exchanges
from adapters.identity.names import ASKED_AT_ONCE, Names
from adapters.identity.network import Reach
from domain.errors import ProviderUnavailable
from tests.adapters.certificates import self_signed
from tests.adapters.identity.visits import Ticks

EVERYWHERE = Reach(loopback=True, private=True)
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e",
          "2002:5db8:d70e::1", "2a00:1450:4001::8e", "8.8.8.8", "2001:4860:4860::8888"]  # fmt: skip
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1",
           "64:ff9b::a00:1", "2002:a00:1::"]  # fmt: skip
NEVER = ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "240.0.0.1",  # noqa: S104
         "100.64.0.1", "192.0.2.1", "198.18.0.1", "255.255.255.255", "::ffff:169.254.169.254",
         "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "::ffff:0:169.254.169.254",
         "::169.254.169.254", "::127.0.0.1", "::10.0.0.1", "fec0::1", "192.88.99.1", "5f00::1",
         "3fff::1", "2001:db8::1", "2001::1", "2002:a9fe:a9fe::", "4000::1", "100::1",
         "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "168.63.129.16"]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address: str) -> None:
    assert Reach().allows(ip_address(address))


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_is_asked_where_that_is_allowed(address: str) -> None:
    assert Reach(loopback=True).allows(ip_address(address))
    assert not Reach(private=True).allows(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_are_asked_where_that_is_allowed(address: str) -> None:
    assert Reach(private=True).allows(ip_address(address))
    assert not Reach(loopback=True).allows(ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_special_addresses_are_never_asked(address: str) -> None:
    assert not EVERYWHERE.allows(ip_address(address))


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://login.example.net/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://login.example.net/x", False),
        ("http://127.0.0.1.evil.example/x", False),
        ("https://user@login.example.net/x", False),
        ("ftp://127.0.0.1/", False),
        ("file:///etc/passwd", False),
        ("/x", False),
    ],
)
def test_tls_is_needed_but_on_this_machine(url: str, is_allowed: bool) -> None:
    assert EVERYWHERE.allows_url(httpx.URL(url)) is is_allowed
    assert Reach().allows_url(httpx.URL(url)) is (is_allowed and url.startswith("https"))


@pytest.fixture
async def heard() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Listen on this machine; note what each connection begins with."""
    begun: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], begun


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses; return the names that are asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (each, 0)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def ask(reach: Reach, url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=GuardedTransport(reach, connections=2)) as client:
        return await client.get(url)


async def test_a_name_leads_where_it_was_checked_to_lead_and_is_still_named(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, begun = heard
    resolving(monkeypatch, "169.254.169.254", "127.0.0.1")
    answer = await ask(EVERYWHERE, f"http://localhost:{port}/x")
    assert answer.json() == {}
    assert f"\r\nHost: localhost:{port}\r\n".encode() in begun[0]


async def test_the_certificate_is_asked_for_by_name(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, begun = heard
    resolving(monkeypatch, "127.0.0.1")
    with pytest.raises((httpcore.ConnectError, ssl.SSLError)):
        await ask(EVERYWHERE, f"https://login.example.net:{port}/x")
    assert b"login.example.net" in begun[0]  # in the clear, as TLS begins


@pytest.mark.parametrize(("name", "is_good"), [("login.example.net", True), ("a.example", False)])
async def test_the_certificate_is_the_names_and_of_an_authority_that_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, is_good: bool
) -> None:
    resolving(monkeypatch, "127.0.0.1")
    file = self_signed(tmp_path / "provider.pem", "login.example.net")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        url = f"https://{name}:{server.sockets[0].getsockname()[1]}/x"
        if is_good:
            assert (await ask(EVERYWHERE, url)).json() == {}
        else:
            with pytest.raises(httpcore.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await ask(EVERYWHERE, url)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], []])
async def test_a_name_with_no_address_to_be_asked_is_not_connected_to(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    port, begun = heard
    resolving(monkeypatch, *addresses)
    with pytest.raises(httpcore.ConnectError):
        await ask(Reach(), f"https://login.example.net:{port}/x")
    assert begun == []


async def test_another_address_is_tried_where_one_does_not_answer(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
    await ask(EVERYWHERE, f"http://localhost:{heard[0]}/x")


async def test_a_name_is_asked_for_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ticks = resolving(monkeypatch, "192.0.2.1"), Ticks()
    names = Names(ticks)
    await asyncio.gather(*(names.addresses("login.example.net") for _ in range(5)))
    ticks.now += 59
    assert await names.addresses("login.example.net") == [ip_address("192.0.2.1")]
    assert asked == ["login.example.net"]
    ticks.now += 1
    await names.addresses("login.example.net")
    assert len(asked) == 2
    assert await names.addresses("192.0.2.7") == [ip_address("192.0.2.7")]


async def test_names_that_resolve_slowly_are_nobody_elses_trouble(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    over, really = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> Any:
        if host.endswith(".slow.example"):
            over.wait(10)
        return really("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    transport = GuardedTransport(EVERYWHERE, connections=99)
    async with httpx.AsyncClient(transport=transport, timeout=0.2) as slow:
        urls = [f"https://{place % 16}.slow.example/" for place in range(64)]
        waiting = [asyncio.create_task(slow.get(url)) for url in urls]
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            await ask(EVERYWHERE, f"http://localhost:{heard[0]}/x")
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    own = [each for each in threading.enumerate() if each.name.endswith(".slow.example")]
    over.set()
    assert all(isinstance(each, OSError) for each in outcomes)
    assert len(own) == ASKED_AT_ONCE
    assert all(each.daemon for each in own)


async def test_an_address_that_never_answers_leaves_time_for_the_next(
    heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    really = httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(self: Any, host: str, *rest: Any) -> Any:
        if host == "127.0.0.2":
            await asyncio.sleep(3600)
        return await really(self, host, *rest)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
    async with asyncio.timeout(1):
        await ask(EVERYWHERE, f"http://localhost:{heard[0]}/x")


@asynccontextmanager
async def serving(answer: Callable[..., Coroutine[Any, Any, None]]) -> AsyncIterator[int]:
    """Answer so on a port of this machine; leave nothing open."""
    answers: set[asyncio.Task[None]] = set()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.add(asyncio.create_task(answered(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*answers)


def answering(begin: bytes, piece: bytes) -> Any:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(piece * 1000)
            await writer.drain()

    return answer


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"HTTP/1.1 100 \r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 999),
    ],
    ids=["chunks", "1xx", "headers", "body"],
)
async def test_an_answer_without_end_is_soon_too_much_and_leaves_others_their_turns(
    begin: bytes, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, really = time.thread_time(), h11.Connection.next_event
    in_turns = [0]

    def next_event(self: h11.Connection) -> Any:
        in_turns[-1] += 1
        return really(self)

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            in_turns.append(0)

    monkeypatch.setattr(h11.Connection, "next_event", next_event)
    going_on = asyncio.create_task(others())
    way = Exchanges("played", EVERYWHERE)
    async with serving(answering(begin, piece)) as port:
        with pytest.raises(ProviderUnavailable) as caught:
            async with way.exchange():
                await way.get(f"http://127.0.0.1:{port}/x")
        going_on.cancel()
        await way.close()
    assert caught.value.cause == "provider played: TooMuch"
    assert max(in_turns) < 200
    assert time.thread_time() - began < 1


async def test_an_answer_that_drips_is_too_much_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    monkeypatch.setattr(connections, "READS_MAX", 5)
    way = Exchanges("played", EVERYWHERE)
    async with serving(drip) as port:
        with pytest.raises(ProviderUnavailable) as caught:
            async with way.exchange():
                await way.get(f"http://127.0.0.1:{port}/x")
        await way.close()
    assert caught.value.cause == "provider played: TooMuch"


@pytest.mark.parametrize(
    "url",
    ["https://no-such-name.invalid/", "http://127.0.0.1:1/", "https://127.0.0.1:99999/",
     f"https://{'a' * 70}.example/", "https://127.1/"],
)  # fmt: skip
async def test_whatever_goes_wrong_on_the_way_is_the_providers_failure(url: str) -> None:
    way = Exchanges("played", EVERYWHERE)
    with pytest.raises(ProviderUnavailable):
        async with way.exchange():
            await way.get(url)
    await way.close()
