"""The client's address: the peer's, or what trusted proxies say of theirs."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(peer: str | None, forwarded: str, trusted: Networks) -> str | None:
    """Return the nearest address that is not a trusted proxy's.

    `forwarded` is X-Forwarded-For as it came, all its lines joined by commas. It is believed
    only as far as trusted proxies wrote it: from the right, hop by hop.
    """
    nearest = peer
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    while nearest is not None and hops and _is_trusted(nearest, trusted):
        claimed = _canonical(hops.pop())
        if claimed is None:
            break
        nearest = claimed
    return None if nearest is None else _canonical(nearest)


def _is_trusted(address: str, trusted: Networks) -> bool:
    canonical = _canonical(address)
    if canonical is None:
        return False
    parsed = ip_address(canonical)
    return any(parsed in network for network in trusted if network.version == parsed.version)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    try:
        parsed = ip_address(text.strip("[]"))
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)
