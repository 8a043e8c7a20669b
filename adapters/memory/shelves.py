"""All that the in-memory twins store."""

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Never

from domain.access import MachineKeyId, SessionId, UserId
from domain.audit import Entry
from domain.identity import Flow, Identity, IdentityId
from domain.item import Item, ItemId
from domain.key import KeyId, SigningKey
from domain.machine_key import MachineKey
from domain.mail import Letter, LetterId, OneTimeToken
from domain.second_factor import Challenge, SecondFactor
from domain.session import Session
from domain.sharing import Grant
from domain.throttle import Tally
from domain.user import User


@dataclass(frozen=True)
class Noted:
    """The newest change of an item in somebody's view."""

    number: int
    at: datetime
    is_gone: bool


@dataclass
class Shelves:
    """All that is stored, at one moment; entities never change, so copies may share them."""

    users: dict[UserId, User] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    machine_keys: dict[MachineKeyId, MachineKey] = field(default_factory=dict)
    second_factors: dict[UserId, SecondFactor] = field(default_factory=dict)
    recovery_codes: dict[UserId, frozenset[bytes]] = field(default_factory=dict)
    challenges: dict[bytes, Challenge] = field(default_factory=dict)
    identities: dict[IdentityId, Identity] = field(default_factory=dict)
    flows: dict[bytes, Flow] = field(default_factory=dict)
    items: dict[ItemId, Item] = field(default_factory=dict)
    keys: dict[KeyId, SigningKey] = field(default_factory=dict)
    grants: dict[tuple[ItemId, UserId], Grant] = field(default_factory=dict)
    feeds: dict[UserId, int] = field(default_factory=dict)
    forgotten: dict[UserId, int] = field(default_factory=dict)
    changes: dict[tuple[UserId, ItemId], Noted] = field(default_factory=dict)
    noted: dict[tuple[UserId, ItemId], tuple[datetime, bool]] = field(default_factory=dict)
    """Changes of a unit of work, to be numbered when it commits."""
    replays: dict[tuple[UserId, str], tuple[str, object, datetime]] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    audit: list[Entry] = field(default_factory=list)
    vault: dict[str, bytes] = field(default_factory=dict)
    outbox: dict[LetterId, Letter] = field(default_factory=dict)
    one_time_tokens: dict[LetterId, OneTimeToken] = field(default_factory=dict)

    def copy(self) -> "Shelves":
        """Return shelves that can be changed without changing these."""
        return Shelves(**{each.name: copy(getattr(self, each.name)) for each in fields(self)})

    def check(self) -> None:
        """Raise RuntimeError if nobody may use these any more."""
        _ = self.users

    def close(self) -> None:
        """Let nobody use these any more."""
        self.__dict__.clear()

    def __getattr__(self, name: str) -> Never:
        raise RuntimeError("a unit of work ends with its commit")
