"""Which addresses an identity provider may have."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import httpx

from adapters.identity.names import Address

Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_METADATA = _networks("169.254.0.0/16", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::/64")
"""Where clouds tell machines their secrets: most of them, Azure, Amazon, Google."""

_SPECIAL = _networks(
    "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    "2001::/23", "2001:db8::/32", "3fff::/20",
)  # fmt: skip
"""As RFC 6890's registries have it; what Python takes for special differs between its releases."""

_UNICAST = ip_network("2000::/3")
_MAPPED = _networks("::ffff:0:0/96", "64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")


@dataclass(frozen=True, slots=True)
class Reach:
    """How near a provider may be: public addresses always, these only if an operator says so."""

    loopback: bool = False
    """This very machine, and there also without TLS: for development and tests."""
    private: bool = False
    """The networks of RFC 1918 and RFC 4193."""

    def allows(self, address: Address) -> bool:
        """Whether an address may be asked; special ones, and those of metadata, never are."""
        address = _meant(address)
        if _is_in(_METADATA, address):
            return False
        if _is_in(_LOOPBACK, address):
            return self.loopback
        if _is_in(_PRIVATE, address):
            return self.private
        return not _is_in(_SPECIAL, address) and (
            isinstance(address, IPv4Address) or address in _UNICAST
        )

    def allows_url(self, url: httpx.URL) -> bool:
        """Whether a URL is one to ask: with TLS, or on this very machine."""
        is_host = re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-f:.]+", url.host) is not None
        if not is_host or url.userinfo or not 0 < (url.port or 443) < 1 << 16:
            return False
        is_here = self.loopback and url.host in {"localhost", "127.0.0.1", "::1"}
        return url.scheme == "https" or (url.scheme == "http" and is_here)


def _meant(address: Address) -> Address:
    """Return the IPv4 address to which a network takes an IPv6 one, where it does."""
    if isinstance(address, IPv6Address):
        if _is_in(_MAPPED, address):
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _SIX_TO_FOUR:
            return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def _is_in(networks: Iterable[Network], address: Address) -> bool:
    return any(address in network for network in networks)
