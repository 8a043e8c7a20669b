"""Which addresses an identity provider may have, seen to at the moment of connecting."""

import asyncio
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

import httpx

from adapters.identity.names import Address, Names

RESOLVED_WITHIN = 2.0
"""Seconds for finding a name's addresses."""

_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Reach:
    """How near a provider may be: public addresses always, these only if an operator says so."""

    loopback: bool = False
    """This very machine, and there also without TLS: for development and tests."""
    private: bool = False
    """The networks of RFC 1918 and RFC 4193."""

    def allows(self, address: Address) -> bool:
        """Whether an address may be asked; link-local and other special ones never are."""
        address = _meant(address)
        if address.is_loopback:
            return self.loopback
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            return False
        return address.is_global or (self.private and _is_private(address))

    def allows_url(self, url: httpx.URL) -> bool:
        """Whether a URL is one to ask: with TLS, or on this very machine."""
        is_host = re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-f:.]+", url.host) is not None
        if not is_host or url.userinfo or not 0 < (url.port or 443) < 1 << 16:
            return False
        is_here = self.loopback and url.host in {"localhost", "127.0.0.1", "::1"}
        return url.scheme == "https" or (url.scheme == "http" and is_here)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves a host itself, and connects to an address that may be asked and to no other.

    So a name cannot mean one address when it is checked and another one afterwards. The
    certificate is still the name's. Connections are not kept: the pool would share them between
    names that have one address.
    """

    def __init__(self, reach: Reach, *, connections: int) -> None:
        self._reach = reach
        self._names = Names()
        self._inner = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx.ConnectError where nothing may be asked."""
        host = request.url.host
        request.extensions = {**request.extensions, "sni_hostname": host}
        failure = httpx.ConnectError("no address that may be asked")
        for address in await self._addresses(host):
            request.url = request.url.copy_with(host=str(address))
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as refused:
                failure = refused
        raise failure

    async def _addresses(self, host: str) -> list[Address]:
        async with asyncio.timeout(RESOLVED_WITHIN):
            found = await self._names.addresses(host)
        return [address for address in found if self._reach.allows(address)]

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


_PRIVATE = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


def _is_private(address: Address) -> bool:
    return any(address in network for network in _PRIVATE)
