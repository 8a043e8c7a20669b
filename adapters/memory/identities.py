"""Identities and flows in dictionaries."""

from collections.abc import Sequence
from datetime import datetime

from adapters.memory.shelves import Shelves
from application.ports.identities import Flows, Identities
from domain.access import UserId
from domain.errors import IdentityTaken, TokenRevoked
from domain.identity import Flow, Identity, IdentityId


class InMemoryIdentities(Identities):
    """Identities in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def known_by(self, issuer: str, subject: str) -> Identity | None:
        wanted = (issuer, subject)
        known = self._shelves.identities.values()
        return next((one for one in known if (one.issuer, one.subject) == wanted), None)

    def of_user(self, user_id: UserId) -> Sequence[Identity]:
        found = [one for one in self._shelves.identities.values() if one.user_id == user_id]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def add(self, identity: Identity) -> None:
        if identity.user_id not in self._shelves.users:
            raise TokenRevoked
        if self.known_by(identity.issuer, identity.subject):
            raise IdentityTaken
        self._shelves.identities[identity.id] = identity

    def save(self, identity: Identity) -> None:
        if identity.id in self._shelves.identities:
            self._shelves.identities[identity.id] = identity

    def remove(self, id: IdentityId) -> None:
        self._shelves.identities.pop(id, None)

    def remove_all_of(self, user_id: UserId) -> None:
        for identity in self.of_user(user_id):
            self.remove(identity.id)


class InMemoryFlows(Flows):
    """Flows in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, digest: bytes) -> Flow | None:
        return self._shelves.flows.get(digest)

    def add(self, flow: Flow) -> None:
        self._shelves.flows[flow.digest] = flow

    def take(self, digest: bytes) -> bool:
        return self._shelves.flows.pop(digest, None) is not None

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        flows = self._shelves.flows.values()
        over = [one.digest for one in flows if one.expires_at <= now][:at_most]
        return sum(map(self.take, over))

    def remove_all(self) -> int:
        count = len(self._shelves.flows)
        self._shelves.flows.clear()
        return count
