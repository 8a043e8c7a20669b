"""Which addresses an identity provider may have."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

import httpx

from adapters.identity.names import Address

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
