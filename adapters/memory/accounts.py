"""Users and their sessions in dictionaries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from adapters.memory.identities import InMemoryIdentities
from adapters.memory.items import InMemoryItems
from adapters.memory.shelves import Shelves
from application.ports.accounts import MachineKeys, Sessions, UserFilter, Users
from application.ports.places import Place
from domain.access import MachineKeyId, SessionId, UserId
from domain.errors import EmailTaken, TokenRevoked
from domain.machine_key import KeyStanding, MachineKey
from domain.session import Lifetimes, Session, Standing
from domain.user import User


class InMemoryUsers(Users):
    """Users in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def get(self, id: UserId) -> User | None:
        return self._shelves.users.get(id)

    def by_email(self, email: str) -> User | None:
        return next((user for user in self._shelves.users.values() if user.email == email), None)

    def lock(self, id: UserId) -> User | None:
        return self.get(id)

    def lock_active_admins(self) -> frozenset[UserId]:
        users = self._shelves.users.values()
        return frozenset(user.id for user in users if user.is_active_admin)

    def matching(self, wanted: UserFilter, *, after: Place | None, limit: int) -> Sequence[User]:
        words = None if wanted.words is None else wanted.words.casefold()
        found = [
            user
            for user in self._shelves.users.values()
            if (words is None or words in f"{user.email}\n{user.display_name or ''}".casefold())
            and wanted.role in (None, user.role)
            and wanted.status in (None, user.status)
            and (after is None or (user.created_at, user.id) < (after.key, after.id))
        ]
        found.sort(key=lambda user: (user.created_at, user.id), reverse=True)
        return found[:limit]

    def add(self, user: User) -> None:
        if self.by_email(user.email):
            raise EmailTaken
        self._shelves.users[user.id] = user

    def save(self, user: User) -> None:
        other = self.by_email(user.email)
        if other and other.id != user.id:
            raise EmailTaken
        self._shelves.users[user.id] = user

    def remove(self, id: UserId) -> None:
        self._shelves.users.pop(id, None)
        InMemorySessions(self._shelves).remove_all_of(id)
        InMemoryIdentities(self._shelves).remove_all_of(id)
        shelves = self._shelves
        shelves.machine_keys = {
            key: one for key, one in shelves.machine_keys.items() if one.user_id != id
        }
        shelves.second_factors.pop(id, None)
        shelves.recovery_codes.pop(id, None)
        shelves.challenges = {
            key: one for key, one in shelves.challenges.items() if one.user_id != id
        }
        for item in [one for one in shelves.items.values() if one.owner_id == id]:
            InMemoryItems(shelves).remove(item)
        shelves.grants = {key: one for key, one in shelves.grants.items() if key[1] != id}
        shelves.changes = {key: one for key, one in shelves.changes.items() if key[0] != id}
        shelves.replays = {key: one for key, one in shelves.replays.items() if key[0] != id}
        shelves.outbox = {key: one for key, one in shelves.outbox.items() if one.user_id != id}
        tokens = shelves.one_time_tokens
        shelves.one_time_tokens = {key: one for key, one in tokens.items() if one.user_id != id}
        shelves.feeds.pop(id, None)
        shelves.forgotten.pop(id, None)


class InMemorySessions(Sessions):
    """Sessions in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def standing(self, id: SessionId) -> Standing | None:
        session = self._shelves.sessions.get(id)
        if session is None:
            return None
        user = self._shelves.users[session.user_id]
        return Standing(
            user_id=user.id,
            role=user.role,
            status=user.status,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            proved_at=session.proved_at,
        )

    def standings(self, ids: Collection[SessionId]) -> Mapping[SessionId, Standing]:
        return {id: standing for id in ids if (standing := self.standing(id))}

    def of_user(self, user_id: UserId) -> Sequence[Session]:
        found = [one for one in self._shelves.sessions.values() if one.user_id == user_id]
        return sorted(found, key=lambda one: (one.last_used_at, one.id), reverse=True)

    def lock(self, id: SessionId) -> Session | None:
        return self._shelves.sessions.get(id)

    def add(self, session: Session) -> None:
        if session.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.sessions[session.id] = session

    def save(self, session: Session) -> None:
        self._shelves.sessions[session.id] = session

    def remove(self, id: SessionId) -> None:
        self._shelves.sessions.pop(id, None)

    def remove_all_of(self, user_id: UserId, *, keep: SessionId | None = None) -> None:
        sessions = self._shelves.sessions
        for session in [one for one in sessions.values() if one.user_id == user_id]:
            if session.id != keep:
                del sessions[session.id]

    def remove_everybodys(self) -> int:
        count = len(self._shelves.sessions)
        self._shelves.sessions.clear()
        return count

    def remove_over(self, lifetimes: Lifetimes, *, now: datetime, at_most: int) -> int:
        sessions = self._shelves.sessions
        over = [one for one in sessions.values() if one.is_over(now=now, lifetimes=lifetimes)]
        for session in over[:at_most]:
            del sessions[session.id]
        return len(over[:at_most])


class InMemoryMachineKeys(MachineKeys):
    """Machine keys in a dictionary."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def standing(self, digest: bytes) -> KeyStanding | None:
        key = self.lock_known_by(digest)
        if key is None:
            return None
        user = self._shelves.users[key.user_id]
        return KeyStanding(
            id=key.id,
            user_id=user.id,
            role=user.role,
            status=user.status,
            scopes=key.scopes,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )

    def of_user(self, user_id: UserId) -> Sequence[MachineKey]:
        found = [one for one in self._shelves.machine_keys.values() if one.user_id == user_id]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def lock(self, id: MachineKeyId) -> MachineKey | None:
        return self._shelves.machine_keys.get(id)

    def lock_known_by(self, digest: bytes) -> MachineKey | None:
        keys = self._shelves.machine_keys.values()
        return next((one for one in keys if one.digest == digest), None)

    def add(self, key: MachineKey) -> None:
        if key.user_id not in self._shelves.users:
            raise TokenRevoked
        self._shelves.machine_keys[key.id] = key

    def save(self, key: MachineKey) -> None:
        self._shelves.machine_keys[key.id] = key

    def remove(self, id: MachineKeyId) -> None:
        self._shelves.machine_keys.pop(id, None)

    def remove_all_of(self, user_id: UserId) -> None:
        for key in self.of_user(user_id):
            self.remove(key.id)
