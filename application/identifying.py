"""Who is calling: a user in person, by a token of a live session, or a machine, by its key."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar

from application.ports.security import (
    AccessClaims,
    AccessTokens,
    MachineKeyTexts,
    ReadAccessToken,
)
from application.ports.store import Reading
from application.ports.surroundings import Clock
from domain.access import Caller, Machine, Origin, Person, Scopes
from domain.errors import InvalidToken, KeyRevoked, NotAuthenticated, TokenExpired, TokenRevoked
from domain.machine_key import is_news
from domain.session import Lifetimes, Standing

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identify:
    """Say who is calling: a good token of a live session, or a good key of a machine.

    Either may do what it was made for, as far as its user's role allows it now.
    """

    reading: Reading
    clock: Clock
    lifetimes: Lifetimes
    access_tokens: AccessTokens
    key_texts: MachineKeyTexts

    def __call__(self, token: str, origin: Origin) -> Caller:
        now = self.clock()
        if self.key_texts.is_one(token):
            return self._machine(token, origin, now)
        claims = self.access_tokens.read(token, now=now)
        with self.reading() as see:
            standing = see.sessions.standing(claims.session_id)
        return self.person(claims, standing, origin, now)

    def person(
        self, claims: AccessClaims, standing: Standing | None, origin: Origin, now: datetime
    ) -> Person:
        """Return whom a good token names. Raises TokenRevoked unless their session is alive."""
        if standing is None or not standing.is_alive(now=now, lifetimes=self.lifetimes):
            raise TokenRevoked
        return Person(
            user_id=standing.user_id,
            session_id=claims.session_id,
            proved_at=standing.proved_at,
            role=standing.role,
            scopes=claims.scopes & standing.role.scopes,
            origin=origin,
        )

    def _machine(self, text: str, origin: Origin, now: datetime) -> Machine:
        digest = self.key_texts.digest(text)
        with self.reading() as see:
            standing = see.machine_keys.standing(digest)
        if standing is None:
            raise KeyRevoked
        standing.check(now=now)
        return Machine(
            user_id=standing.user_id,
            key_id=standing.id,
            is_news=is_news(standing.last_used_at, now=now),
            role=standing.role,
            scopes=standing.scopes & standing.role.scopes,
            origin=origin,
        )


@dataclass(frozen=True, slots=True)
class IdentifyMany:
    """Say who is calling, for several who call in person at one time, with one look for all."""

    identify: Identify

    def __call__(self, calls: Sequence[tuple[str, Origin]]) -> Sequence[Person | NotAuthenticated]:
        now = self.identify.clock()
        read = [_tried(self.identify.access_tokens.read, token, now=now) for token, _ in calls]
        ids = {claims.session_id for claims in read if isinstance(claims, AccessClaims)}
        with self.identify.reading() as see:
            standings = see.sessions.standings(ids)
        return [
            _tried(self.identify.person, claims, standings.get(claims.session_id), origin, now)
            if isinstance(claims, AccessClaims)
            else claims
            for claims, (_, origin) in zip(read, calls, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class LiveToken:
    """An access token that is accepted now, with what it is good for."""

    token: ReadAccessToken
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Introspect:
    """Say whether an access token is alive (RFC 7662), and no more of anything else."""

    identify: Identify
    access_tokens: AccessTokens

    def __call__(self, token: str, origin: Origin) -> LiveToken | None:
        try:
            caller = self.identify(token, origin)
            return LiveToken(self.access_tokens.inspect(token), caller.scopes)
        except (InvalidToken, TokenExpired, TokenRevoked):
            return None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Who a token speaks for now, and until when at the latest (Unix time)."""

    caller: Caller
    until: float


@dataclass(frozen=True, slots=True)
class Foresee:
    """Say who a token speaks for, for whoever stays connected and asks again and again."""

    identify: Identify
    access_tokens: AccessTokens

    def __call__(self, token: str, origin: Origin) -> Outlook:
        caller = self.identify(token, origin)
        if isinstance(caller, Machine):
            return Outlook(caller, math.inf)  # its end is seen when it is asked again
        return Outlook(caller, self.access_tokens.inspect(token).expires_at)


def _tried(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | NotAuthenticated:
    try:
        return call(*args, **kwargs)
    except NotAuthenticated as failure:
        return failure
