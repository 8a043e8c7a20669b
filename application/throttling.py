"""Counting attempts where they are made, exactly, for all workers, and beyond a restart."""

from dataclasses import dataclass

from application.ports import Clock, UnitOfWork
from domain.throttle import Rule, key_of, network_of


@dataclass(frozen=True, slots=True)
class Throttle:
    """One rule for one kind of attempt; an operator may switch it off for load tests."""

    kind: str
    rule: Rule
    clock: Clock
    is_on: bool = True

    def attempt(self, work: UnitOfWork, who: str | None) -> None:
        """Count an attempt, before it is looked at. Raises TooManyAttempts.

        Nobody is counted where nobody is known, as on a local socket.
        """
        if self.is_on and who is not None:
            now = self.clock()
            tally = work.tallies.hold(key_of(self.kind, who), now=now)
            work.tallies.save(self.rule.attempt(tally, now=now))

    def take_back(self, work: UnitOfWork, who: str | None) -> None:
        """Uncount an attempt that turned out good, for rules that count failures."""
        if self.is_on and who is not None:
            tally = work.tallies.hold(key_of(self.kind, who), now=self.clock())
            work.tallies.save(tally.less_one())

    def clear(self, work: UnitOfWork, who: str) -> None:
        """Forget all attempts: a good one ends a row of failures."""
        if self.is_on:
            work.tallies.remove(key_of(self.kind, who))

    def is_closed(self, work: UnitOfWork, who: str) -> bool:
        """Whether the attempts so far have locked it."""
        if not self.is_on:
            return False
        tally = work.tallies.hold(key_of(self.kind, who), now=self.clock())
        return tally.closed_until is not None


def network(address: str | None) -> str | None:
    """Return whose attempts count together, if the address is known."""
    return None if address is None else network_of(address)
