"""The store as a whole: transactions, looks, and its schema."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol, Self

from application.ports.accounts import MachineKeys, Sessions, Users
from application.ports.identities import Flows, Identities
from application.ports.items import Changes, Grants, Items, Replays
from application.ports.mail import OneTimeTokens, Outbox
from application.ports.records import AuditTrail, SigningKeys, Tallies, Vault
from application.ports.second_factor import Challenges, SecondFactors


class Repositories(Protocol):
    """Everything that is stored, seen at one moment."""

    @property
    def users(self) -> Users:
        """The accounts."""

    @property
    def sessions(self) -> Sessions:
        """The live sign-ins."""

    @property
    def machine_keys(self) -> MachineKeys:
        """What programs call with."""

    @property
    def second_factors(self) -> SecondFactors:
        """What some users sign in with besides."""

    @property
    def challenges(self) -> Challenges:
        """The sign-ins that wait for a second factor."""

    @property
    def identities(self) -> Identities:
        """The ways in by external providers."""

    @property
    def flows(self) -> Flows:
        """The visits to external providers that are going on."""

    @property
    def items(self) -> Items:
        """What the users keep."""

    @property
    def grants(self) -> Grants:
        """With whom items are shared."""

    @property
    def changes(self) -> Changes:
        """What changed in each user's view."""

    @property
    def replays(self) -> Replays:
        """Results of requests that may be repeated."""

    @property
    def keys(self) -> SigningKeys:
        """The keys that access tokens are signed with."""

    @property
    def tallies(self) -> Tallies:
        """How often things were tried."""

    @property
    def audit(self) -> AuditTrail:
        """What happened."""

    @property
    def outbox(self) -> Outbox:
        """Mail that is to be sent."""

    @property
    def one_time_tokens(self) -> OneTimeTokens:
        """What links in mails are good for."""

    @property
    def vault(self) -> Vault:
        """Secrets that the service made for itself."""


class UnitOfWork(Repositories, Protocol):
    """One transaction: all of it is stored at `commit`, durably, or none of it ever."""

    def __enter__(self) -> Self:
        """Begin. Raises Unavailable if the store cannot be reached in time."""

    def __exit__(self, *failure: object) -> None:
        """Forget what was not committed."""

    def at_the_end(self, step: Callable[[], None]) -> None:
        """Do this right before everything is stored: what it holds, nobody waits long for."""

    def commit(self) -> None:
        """Return once everything is on disk, and end the unit of work.

        Raises Unavailable if that is not certain, and what a change before it would have raised,
        if the store makes it only now. Whoever runs several units together may make all of them
        wait once, at the end; then nobody is told anything before that.
        """


UnitsOfWork = Callable[[], UnitOfWork]
"""Begins a unit of work, for changing what is stored."""


Reading = Callable[[], AbstractContextManager[Repositories]]
"""Opens what is committed now, for looking only; cheaper than a unit of work."""


class SchemaState(Enum):
    """What the store's schema is to this version of the code."""

    EMPTY = auto()
    OUTDATED = auto()
    CURRENT = auto()
    NEWER = auto()
    FOREIGN = auto()
    """Tables of something else are there, and none of ours."""


class Schema(Protocol):
    """The shape of the store."""

    @property
    def migrates_by_itself(self) -> bool:
        """Whether an older schema is brought up to date at the start without being asked."""

    def state(self) -> SchemaState:
        """Return how the store stands to this code. Raises Unavailable."""

    def is_current(self) -> bool:
        """Whether the store answers, and is as this code needs it."""

    def migrate(self) -> None:
        """Bring the store up to date; safe beside others that do the same. Raises Unavailable."""
