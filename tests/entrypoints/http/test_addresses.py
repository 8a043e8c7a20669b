"""Proves that a client's address is the peer's unless trusted proxies say otherwise."""

import logging
from ipaddress import ip_network

import pytest

from entrypoints.http.addresses import client_address
from entrypoints.logs import Event
from tests.entrypoints.http.api import Start

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]
CLIENT = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (CLIENT, "", CLIENT),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", CLIENT, CLIENT),
        ("10.0.0.1", f"  {CLIENT}\t", CLIENT),
        ("10.0.0.1", f"{CLIENT},10.0.0.2, 10.9.9.9", CLIENT),
        ("10.0.0.1", f"1.2.3.4, {CLIENT}", CLIENT),
        ("10.0.0.1", f"10.0.0.9, {CLIENT}, 10.0.0.2", CLIENT),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("::ffff:10.0.0.1", CLIENT, CLIENT),
        ("10.0.0.1", f"::ffff:{CLIENT}", CLIENT),
        ("2001:db8::1", "2001:DB9:0::7", "2001:db9::7"),
        ("2001:db8::1", "[2001:db9::7]", "2001:db9::7"),
        ("::ffff:203.0.113.7", "", CLIENT),
    ],
)
def test_trusted_proxies_are_believed_hop_by_hop(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (CLIENT, "1.2.3.4", CLIENT),
        ("127.0.0.1", "1.2.3.4", "127.0.0.1"),
        ("11.0.0.1", "10.0.0.1", "11.0.0.1"),
        ("10.0.0.1", f"1.2.3.4, {CLIENT}, 10.0.0.2", CLIENT),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, , 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "1.2.3.4:80", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", ",", "10.0.0.1"),
    ],
)
def test_nobody_else_is_believed(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/basalt.sock"])
def test_without_an_address_there_is_none(peer: str | None) -> None:
    assert client_address(peer, CLIENT, PROXIES) is None


def test_without_trusted_proxies_nobody_is_believed() -> None:
    for peer in ("127.0.0.1", "10.0.0.1", "::1"):
        assert client_address(peer, CLIENT, []) == peer


@pytest.mark.parametrize(
    ("trusted", "peer", "address"),
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8", "10.1.2.3", CLIENT),
    ],
)
async def test_requests_have_the_address_that_the_operator_trusts(
    start: Start, caplog: pytest.LogCaptureFixture, trusted: str, peer: str, address: str
) -> None:
    async with start(trusted_proxies=trusted) as api:
        client = await api.client(peer)
        spoofed = [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", CLIENT)]
        others = [("X-Real-IP", "1.2.3.4"), ("Forwarded", "for=1.2.3.4")]
        with caplog.at_level(logging.INFO, "basalt.access"):
            await client.get("/health/live", headers=spoofed + others)
    (line,) = [record for record in caplog.records if record.name == "basalt.access"]
    assert isinstance(line, Event)
    assert line.fields["address"] == address
