"""How often something may be tried: by whom, from where, and how long to wait after too often."""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol, Self

from domain.errors import TooManyAttempts

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of several hosts may be apart, without a limit being lost to that."""

_V6_NETWORK = 64
"""Bits of an IPv6 address that one customer has to themselves; the rest they choose at will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is remembered of one key: how many attempts, and until when."""

    key: str
    count: int
    closed_until: datetime | None
    forget_at: datetime

    @classmethod
    def fresh(cls, key: str, *, now: datetime) -> Self:
        """Return a tally of no attempts."""
        return cls(key=key, count=0, closed_until=None, forget_at=now)

    def less_one(self) -> Self:
        """Return the tally with one attempt taken back: it was a good one."""
        return replace(self, count=max(0, self.count - 1))


class Rule(Protocol):
    """Decides whether one more attempt is allowed."""

    def attempt(self, tally: Tally, *, now: datetime) -> Tally:
        """Return the tally with the attempt counted. Raises TooManyAttempts."""


@dataclass(frozen=True, slots=True)
class Window:
    """So many attempts in a span of time, which begins with the first of them."""

    limit: int
    span: timedelta

    def attempt(self, tally: Tally, *, now: datetime) -> Tally:
        """Return the tally with the attempt counted. Raises TooManyAttempts.

        A window that would end much later than a span from now was begun by a clock that has
        been set back since: it is over.
        """
        left = tally.forget_at - now
        if not timedelta(0) < left <= self.span + CLOCKS_DIFFER:
            return replace(tally, count=1, forget_at=now + self.span)
        if tally.count >= self.limit:
            raise TooManyAttempts(_seconds(min(left, self.span)))
        return replace(tally, count=tally.count + 1)


@dataclass(frozen=True, slots=True)
class Lockout:
    """So many attempts in a row, then a lock that doubles with each further one.

    An attempt counts as failed until it is known to be good, so that attempts that run side by
    side cannot outrun the count.
    """

    tolerated: int
    shortest: timedelta
    longest: timedelta
    memory: timedelta

    def attempt(self, tally: Tally, *, now: datetime) -> Tally:
        """Return the tally with the attempt counted. Raises TooManyAttempts while it is locked.

        A lock never lasts much longer from now than it was made for: one that would was made by
        a clock that has been set back since.
        """
        if now >= tally.forget_at:
            tally = Tally.fresh(tally.key, now=now)
        if tally.closed_until is not None and now < tally.closed_until:
            left, longest = tally.closed_until - now, self._lock(tally.count)
            if left <= longest + CLOCKS_DIFFER:
                raise TooManyAttempts(_seconds(min(left, longest)))
        count = tally.count + 1
        closed_until = now + self._lock(count) if count >= self.tolerated else None
        return replace(tally, count=count, closed_until=closed_until, forget_at=now + self.memory)

    def _lock(self, count: int) -> timedelta:
        doublings = min(max(0, count - self.tolerated), 32)
        return min(self.longest, self.shortest * (1 << doublings))


def key_of(kind: str, value: str) -> str:
    """Return the key of a tally: a digest, so that no address stands in the table."""
    return hashlib.sha256(f"{kind} {value}".encode(errors="replace")).hexdigest()[:32]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return whose attempts count together: an IPv4 address, or an IPv6 network of one customer."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _V6_NETWORK), strict=False))
    return str(parsed)


def _seconds(left: timedelta) -> int:
    return max(1, math.ceil(left.total_seconds()))


SIGN_IN_BY_ADDRESS = Window(100, timedelta(minutes=5))
"""Failed sign-ins from one network."""

SIGN_UP_BY_ADDRESS = Window(30, timedelta(hours=1))
"""Accounts asked for from one network."""

REFRESH_BY_ADDRESS = Window(150, timedelta(minutes=5))
"""Refreshes from one network."""

RECOVERY_BY_ADDRESS = Window(30, timedelta(minutes=5))
"""Recoveries asked for from one network."""

FLOWS_BY_ADDRESS = Window(100, timedelta(minutes=5))
"""Visits to identity providers from one network: those that are begun, and those that were not."""

ONE_TIME_BY_ADDRESS = Window(30, timedelta(minutes=5))
"""Tokens from one network that were in no mail of ours."""

MAIL_BY_EMAIL = Window(5, timedelta(hours=1))
"""Letters about one topic to one e-mail address that one user, or anybody, can ask for.

The span is no longer than a token lives: whoever gets no further letter has a good one.
"""

SHARING_BY_USER = Window(100, timedelta(hours=1))
"""Addresses that one user tried to share with and that nobody has: no way to collect addresses."""

EXPORT_BY_USER = Window(10, timedelta(hours=1))
"""Exports of all that one user has."""

FACTOR_BY_USER = Window(20, timedelta(hours=1))
"""Second factors that one user begins to set up, and times that they ask for recovery codes."""

PASSWORD_OF_ACCOUNT = Lockout(
    tolerated=10,
    shortest=timedelta(minutes=1),
    longest=timedelta(hours=1),
    memory=timedelta(days=1),
)
"""Wrong passwords in a row for one account (OWASP ASVS 5.0 §6.3.1)."""

CODE_OF_ACCOUNT = PASSWORD_OF_ACCOUNT
"""Wrong codes in a row for one account, by whoever has its password: some 35 a day."""
