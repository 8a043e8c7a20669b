"""Races: the use cases of one container, called by threads at one moment, round after round."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from application.admission import Tokens
from domain.access import Origin, Person, Role
from domain.errors import BasaltError, InvalidRefreshToken, TokenRevoked
from domain.mail import Topic
from domain.user import User
from entrypoints.container import Container

T = TypeVar("T")

PASSWORD = "an orchard of quiet lamps"
HERE = Origin()
ROUNDS = int(os.environ.get("BASALT_TEST_ROUNDS", "3"))  # noqa: TID251  # how thoroughly to test
"""Rounds of each race; BASALT_TEST_ROUNDS=100 is what the issue asks for."""


def at_once(*acts: Callable[[], T]) -> list[T | BasaltError]:
    """Let threads act at the same moment; return what each came to, or how it was refused."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | BasaltError:
        barrier.wait(30)
        try:
            return act()
        except BasaltError as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


class People:
    """Those who race: they sign up, sign in, and refresh through one container."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.outcomes: Counter[str] = Counter()

    def join(self, name: str, role: Role = Role.MEMBER) -> User:
        """Open an account."""
        user: User = self.container.register()(f"{name}@example.com", PASSWORD, role=role)
        return user

    def sign_in(self, user: User, password: str = PASSWORD) -> Tokens:
        """Start a session."""
        tokens: Tokens = self.container.sign_in()(user.email, password, None, HERE)
        return tokens

    def recovery(self, user: User) -> str:
        """Ask for recovery, and return the token as its mail would carry it."""
        house = self.container
        house.request_recovery()(user.email, HERE)
        while house.deliver_mail()():
            pass
        with house.reading()() as see:
            (token,) = [
                each
                for each in see.one_time_tokens.of_user(user.id)
                if each.topic is Topic.RECOVERY
            ]
        return str(house.mint().of(token))

    def caller(self, tokens: Tokens) -> Person:
        """Return who calls with these tokens."""
        caller: Person = self.container.identify()(tokens.access_token, HERE).in_person()
        return caller

    def refresh(self, tokens: Tokens) -> Tokens:
        """Exchange a refresh token."""
        successor: Tokens = self.container.refresh_session()(tokens.refresh_token, None, HERE)
        return successor

    def refreshing(self, tokens: Tokens) -> Callable[[], Tokens]:
        """Return the act of exchanging a refresh token."""
        return lambda: self.refresh(tokens)

    def is_alive(self, tokens: Tokens) -> bool:
        """Whether the access token and the refresh token are good, which must agree."""
        try:
            self.caller(tokens)
        except TokenRevoked:
            try:
                self.refresh(tokens)
            except InvalidRefreshToken:
                return False
            raise AssertionError("a refresh token outlived its session") from None
        self.refresh(tokens)
        return True

    def note(self, outcomes: Sequence[object]) -> list[Tokens]:
        """Count how a round ended; return the tokens that were given out in it."""
        self.outcomes.update(
            outcome.code if isinstance(outcome, BasaltError) else "OK" for outcome in outcomes
        )
        return [outcome for outcome in outcomes if isinstance(outcome, Tokens)]
