"""Letters and their tokens in dictionaries."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.shelves import Shelves
from application.ports.mail import OneTimeTokens, Outbox
from domain.access import UserId
from domain.errors import TokenRevoked
from domain.mail import Letter, LetterId, OneTimeToken


class InMemoryOutbox(Outbox):
    """An outbox in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def has_due(self, *, now: datetime) -> bool:
        return self.lock_due(now=now) is not None

    def lock_due(self, *, now: datetime) -> Letter | None:
        due = [
            (letter.due_at, letter.id, letter)
            for letter in self._shelves.outbox.values()
            if letter.due_at is not None and letter.due_at <= now
        ]
        return min(due)[2] if due else None

    def lock(self, id: LetterId) -> Letter | None:
        return self._shelves.outbox.get(id)

    def oldest(self, limit: int) -> Sequence[Letter]:
        letters = self._shelves.outbox.values()
        return sorted(letters, key=lambda letter: (letter.created_at, letter.id))[:limit]

    def of_user(self, user_id: UserId, *, after: LetterId | None, limit: int) -> Sequence[Letter]:
        letters = sorted(self._shelves.outbox.values(), key=lambda letter: letter.id)
        behind = [each for each in letters if after is None or each.id > after]
        return [each for each in behind if each.user_id == user_id][:limit]

    def add(self, letter: Letter) -> None:
        if letter.user_id is not None and letter.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.outbox[letter.id] = letter

    def save(self, letter: Letter) -> None:
        if letter.id in self._shelves.outbox:
            self._shelves.outbox[letter.id] = letter

    def remove(self, id: LetterId) -> None:
        self._shelves.outbox.pop(id, None)

    def make_due(self, ids: Collection[LetterId] | None, *, now: datetime) -> int:
        outbox = self._shelves.outbox
        chosen = [letter for letter in outbox.values() if ids is None or letter.id in ids]
        for letter in chosen:
            outbox[letter.id] = replace(letter, due_at=now, attempts=0)
        return len(chosen)

    def remove_given_up(self, *, before: datetime, at_most: int) -> int:
        letters = self._shelves.outbox.values()
        old = [one.id for one in letters if one.is_given_up and one.created_at < before][:at_most]
        for id in old:
            self.remove(id)
        return len(old)


class InMemoryOneTimeTokens(OneTimeTokens):
    """Tokens of letters in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, id: LetterId) -> OneTimeToken | None:
        return self._shelves.one_time_tokens.get(id)

    def of_user(self, user_id: UserId) -> Sequence[OneTimeToken]:
        tokens = self._shelves.one_time_tokens.values()
        return sorted((one for one in tokens if one.user_id == user_id), key=lambda one: one.id)

    def add(self, token: OneTimeToken) -> None:
        if token.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.one_time_tokens[token.id] = token

    def save(self, token: OneTimeToken) -> None:
        if token.id in self._shelves.one_time_tokens:
            self._shelves.one_time_tokens[token.id] = token

    def take(self, id: LetterId) -> bool:
        return self._shelves.one_time_tokens.pop(id, None) is not None

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        over = [
            token.id
            for token in self._shelves.one_time_tokens.values()
            if token.is_over(now=now) and token.id not in self._shelves.outbox
        ][:at_most]
        return sum(map(self.take, over))

    def remove_everybodys(self) -> int:
        count = len(self._shelves.one_time_tokens)
        self._shelves.one_time_tokens.clear()
        return count
