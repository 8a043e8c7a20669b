"""A coarse limit in front of everything: requests a minute from one network, in memory."""

import time

from domain.throttle import network_of

KEYS_MAX = 65_536
"""Networks that are counted apart in one minute; those beyond share one count."""

_MINUTE = 60.0
_OTHERS = "others"


class RequestLimit:
    """Counts requests of this worker, minute by minute, in bounded memory."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._ends = 0.0
        self._counts: dict[str, int] = {}

    def wait_for(self, address: str | None) -> int:
        """Count a request; return 0 if it is welcome, else the seconds until the next minute."""
        if not self._per_minute or address is None:
            return 0
        now = time.monotonic()
        if now >= self._ends:
            self._ends = now + _MINUTE
            self._counts.clear()
        key = network_of(address)
        if key not in self._counts and len(self._counts) >= KEYS_MAX:
            key = _OTHERS
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= self._per_minute:
            return 0
        return max(1, int(self._ends - now + 0.999))
