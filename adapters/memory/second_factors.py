"""Second factors and waiting sign-ins in dictionaries."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.shelves import Shelves
from application.ports.second_factor import Challenges, SecondFactors
from domain.access import UserId
from domain.errors import TokenRevoked
from domain.second_factor import Challenge, SecondFactor


class InMemorySecondFactors(SecondFactors):
    """Second factors in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, user_id: UserId) -> SecondFactor | None:
        return self._shelves.second_factors.get(user_id)

    def lock(self, user_id: UserId) -> SecondFactor | None:
        return self.get(user_id)

    def put(self, factor: SecondFactor) -> None:
        if factor.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.second_factors[factor.user_id] = factor

    def remove(self, user_id: UserId) -> None:
        self._shelves.second_factors.pop(user_id, None)
        self._shelves.recovery_codes.pop(user_id, None)

    def count_codes(self, user_id: UserId) -> int:
        return len(self._shelves.recovery_codes.get(user_id, ()))

    def put_codes(self, user_id: UserId, digests: Collection[bytes]) -> None:
        self._shelves.recovery_codes[user_id] = frozenset(digests)

    def take_code(self, user_id: UserId, digest: bytes) -> bool:
        codes = self._shelves.recovery_codes.get(user_id, frozenset())
        self._shelves.recovery_codes[user_id] = codes - {digest}
        return digest in codes

    def lock_behind(self, user_id: UserId | None, *, limit: int) -> Sequence[SecondFactor]:
        factors = sorted(self._shelves.second_factors.items())
        behind = [each for id, each in factors if user_id is None or id > user_id]
        return behind[:limit]

    def void_everybodys_codes(self, *, until: int) -> None:
        factors = self._shelves.second_factors
        self._shelves.second_factors = {
            id: replace(each, spent_step=until) for id, each in factors.items()
        }
        self._shelves.recovery_codes.clear()


class InMemoryChallenges(Challenges):
    """Waiting sign-ins in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, digest: bytes) -> Challenge | None:
        return self._shelves.challenges.get(digest)

    def of_user(self, user_id: UserId) -> Sequence[Challenge]:
        found = [each for each in self._shelves.challenges.values() if each.user_id == user_id]
        return sorted(found, key=lambda each: (each.begun_at, each.digest))

    def add(self, challenge: Challenge) -> None:
        if challenge.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.challenges[challenge.digest] = challenge

    def save(self, challenge: Challenge) -> None:
        if challenge.digest in self._shelves.challenges:
            self._shelves.challenges[challenge.digest] = challenge

    def take(self, digest: bytes) -> bool:
        return self._shelves.challenges.pop(digest, None) is not None

    def remove_begun(self, *, before: datetime, at_most: int) -> int:
        challenges = self._shelves.challenges.values()
        old = [each.digest for each in challenges if each.begun_at <= before][:at_most]
        return sum(map(self.take, old))

    def remove_all_of(self, user_id: UserId) -> None:
        for each in list(self._shelves.challenges.values()):
            if each.user_id == user_id:
                self.take(each.digest)

    def remove_everybodys(self) -> int:
        count = len(self._shelves.challenges)
        self._shelves.challenges.clear()
        return count
