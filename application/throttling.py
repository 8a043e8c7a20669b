"""Counting attempts where they are made, exactly, for all workers, and beyond a restart."""

from dataclasses import dataclass

from application.ports.store import UnitOfWork
from application.ports.surroundings import Clock
from domain.throttle import Rule, key_of, network_of


@dataclass(frozen=True, slots=True)
class Throttle:
    """One rule for one kind of attempt; an operator may switch it off for load tests."""

    kind: str
    rule: Rule
    clock: Clock
    is_on: bool = True

    def attempt(self, work: UnitOfWork, who: str | None) -> bool:
        """Count an attempt, before it is looked at. Raises TooManyAttempts.

        Returns whether it is the one that locks, unless it turns out good. Nobody is counted
        where nobody is known, as on a local socket.
        """
        if not self.is_on or who is None:
            return False
        tally = work.tallies.hold(key_of(self.kind, who), now=self.clock())
        counted = self.rule.attempt(tally, now=self.clock())  # holding it may have taken long
        work.tallies.save(counted)
        return counted.closed_until is not None

    def take_back(self, work: UnitOfWork, who: str | None) -> None:
        """Uncount an attempt that turned out good, for rules that count failures."""
        if self.is_on and who is not None:
            tally = work.tallies.hold(key_of(self.kind, who), now=self.clock())
            work.tallies.save(tally.less_one())

    def clear(self, work: UnitOfWork, who: str) -> None:
        """Forget all attempts: a good one ends a row of failures."""
        if self.is_on:
            work.tallies.remove(key_of(self.kind, who))


def network(address: str | None) -> str | None:
    """Return whose attempts count together, if the address is known."""
    return None if address is None else network_of(address)
