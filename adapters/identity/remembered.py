"""What a provider said and what serves until it is asked anew: its metadata, its keys."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from adapters.identity.exchanges import FAILURES
from domain.errors import ProviderUnavailable

KNOWN_FOR = 3600.0
"""Seconds after which it is asked anew."""

KEPT_FOR = 86_400.0
"""Seconds for which it serves while the provider does not say it anew."""

TRIED_EVERY = 10.0
"""Seconds between two questions while an older answer serves."""

TRIED_FOR = 1.0
"""Seconds for which such a question may take."""

FOLLOWED_EVERY = 10.0
"""Seconds between two questions that strangers may cause (CVE-2026-48524)."""

Said = TypeVar("Said")


class Remembered(Generic[Said]):
    """Something that a provider says, asked for once for all who wait for it."""

    def __init__(self, ask: Callable[[], Awaitable[Said]], monotonic: Callable[[], float]) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._asking = asyncio.Lock()
        self._said: Said | None = None
        self._due = self._over = 0.0
        self._followed: float | None = None

    async def now(self) -> Said:
        """Return what was said not too long ago. Raises whatever asking raises."""
        if (said := self._known_until(self._due)) is not None:
            return said
        async with self._asking:
            return self._known_until(self._due) or await self._renewed_if_need_be()

    async def since(self, seen: Said) -> Said:
        """Return what is said now, where this is no longer true; at most every ten seconds.

        Who comes while it is asked waits for it. Only an answer counts as one: while there is none,
        this raises whatever asking raises.
        """
        async with self._asking:
            said = self._said
            if said is not None and (said is not seen or not self._may_follow()):
                return said
            said = await self._renewed()
            self._followed = self._monotonic()
            return said

    async def _renewed_if_need_be(self) -> Said:
        older = self._known_until(self._over)
        if older is None:
            return await self._renewed()
        self._due = self._monotonic() + TRIED_EVERY  # whoever comes meanwhile has the older one
        with suppress(ProviderUnavailable, *FAILURES):
            async with asyncio.timeout(TRIED_FOR):
                return await self._renewed()
        return older

    async def _renewed(self) -> Said:
        self._said = said = await self._ask()
        now = self._monotonic()
        self._due, self._over = now + KNOWN_FOR, now + KEPT_FOR
        return said

    def _known_until(self, end: float) -> Said | None:
        return self._said if self._monotonic() < end else None

    def _may_follow(self) -> bool:
        return self._followed is None or self._monotonic() - self._followed >= FOLLOWED_EVERY
