"""Keeping the tables small: what is over goes, in small steps that hold nobody up."""

from dataclasses import dataclass
from datetime import timedelta

from application.ports.store import UnitsOfWork
from application.ports.surroundings import Clock
from domain.second_factor import CHALLENGE_FOR
from domain.session import Lifetimes

AT_MOST = 1000
"""Rows that one step removes."""

GONE_KEPT_FOR = timedelta(days=30)
"""How long the change feed remembers what is gone."""

GIVEN_UP_KEPT_FOR = timedelta(days=30)
"""How long letters that were given up wait for an operator, from when they were written."""

TALLIES_KEPT = 1_000_000
"""Tallies that are kept when somebody sprays keys; the oldest beyond that are forgotten."""


@dataclass(frozen=True, slots=True)
class TidyUp:
    """Remove what is over: sessions, results, tombstones, tallies, tokens, flows, old mail.

    A session that is over proves nothing: its tokens are refused with or without its row. So are
    one-time tokens and challenges.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    lifetimes: Lifetimes

    def __call__(self) -> int:
        """Return how many rows went."""
        now = self.clock()
        with self.unit_of_work() as work:
            gone = work.sessions.remove_over(self.lifetimes, now=now, at_most=AT_MOST)
            gone += work.tallies.remove_forgettable(now=now, keep=TALLIES_KEPT)
            gone += work.replays.remove_expired(now=now, at_most=AT_MOST)
            gone += work.changes.forget_gone(before=now - GONE_KEPT_FOR, at_most=AT_MOST)
            gone += work.one_time_tokens.remove_expired(now=now, at_most=AT_MOST)
            gone += work.challenges.remove_begun(before=now - CHALLENGE_FOR, at_most=AT_MOST)
            gone += work.flows.remove_expired(now=now, at_most=AT_MOST)
            gone += work.outbox.remove_given_up(before=now - GIVEN_UP_KEPT_FOR, at_most=AT_MOST)
            work.commit()
        return gone
