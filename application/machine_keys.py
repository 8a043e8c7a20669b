"""Keys for machines: making, listing and deleting one's own, and noting when one is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.auditing import Auditor
from application.mailing import Mailroom
from application.ports.security import MachineKeyTexts
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids
from application.proving import held, require_fresh
from domain.access import Machine, MachineKeyId, Origin, Person, Scopes, narrowed
from domain.audit import Action, Target, TargetType
from domain.errors import KeyNotFound, TooManyKeys
from domain.machine_key import KEYS_MAX, MachineKey, is_news
from domain.mail import Topic


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A key with its text, which nobody can be told again."""

    key: MachineKey
    text: str


@dataclass(frozen=True, slots=True)
class CreateMachineKey:
    """Make a key that may do a part of what its maker may do now. Needs a fresh proof."""

    unit_of_work: UnitsOfWork
    clock: Clock
    ids: Ids
    texts: MachineKeyTexts
    mailroom: Mailroom
    auditor: Auditor

    def __call__(
        self, caller: Person, name: str, wanted: Scopes, expires_at: datetime | None = None
    ) -> CreatedKey:
        now = self.clock()
        text = self.texts.make()
        key = MachineKey.create(
            id=MachineKeyId(self.ids()),
            user_id=caller.user_id,
            name=name,
            scopes=narrowed(caller.scopes, wanted),
            digest=self.texts.digest(text),
            expires_at=expires_at,
            now=now,
        )
        with self.unit_of_work() as work:
            user = held(work, caller)  # so that nobody counts beside us, or ends our session
            require_fresh(work, caller, now=now)
            if len(work.machine_keys.of_user(caller.user_id)) >= KEYS_MAX:
                raise TooManyKeys
            work.machine_keys.add(key)
            self.mailroom.post_if_seldom(work, Topic.KEY_CREATED, user.email, user)
            _note(work, self.auditor, Action.MACHINE_KEY_CREATED, key, caller.origin)
            work.commit()
        return CreatedKey(key, text)


@dataclass(frozen=True, slots=True)
class ListMachineKeys:
    """Look at one's keys, the newest first."""

    reading: Reading

    def __call__(self, caller: Person) -> Sequence[MachineKey]:
        with self.reading() as see:
            return see.machine_keys.of_user(caller.user_id)


@dataclass(frozen=True, slots=True)
class DeleteMachineKey:
    """End one of one's own keys: it is dead before this returns. Needs a fresh proof."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, caller: Person, id: MachineKeyId) -> None:
        with self.unit_of_work() as work:
            held(work, caller)
            key = work.machine_keys.lock(id)
            if key is None or key.user_id != caller.user_id:
                raise KeyNotFound
            require_fresh(work, caller, now=self.clock())
            end_key(work, self.auditor, key, caller.origin)
            work.commit()


@dataclass(frozen=True, slots=True)
class NoteKeyUse:
    """Write down that a key was used, at most once a minute; the first use is in the trail."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, caller: Machine) -> None:
        now = self.clock()
        with self.unit_of_work() as work:
            key = work.machine_keys.lock(caller.key_id)
            if key is None or not is_news(key.last_used_at, now=now):
                return  # it is gone, or another worker was first
            work.machine_keys.save(key.used(now=now))
            if key.last_used_at is None:
                _note(work, self.auditor, Action.MACHINE_KEY_USED, key, caller.origin)
            work.commit()


def end_key(work: UnitOfWork, auditor: Auditor, key: MachineKey, origin: Origin) -> None:
    """Remove a key that is held, and write into the trail that it is gone."""
    work.machine_keys.remove(key.id)
    _note(work, auditor, Action.MACHINE_KEY_DELETED, key, origin)


def _note(
    work: UnitOfWork, auditor: Auditor, action: Action, key: MachineKey, origin: Origin
) -> None:
    target = Target(TargetType.MACHINE_KEY, str(key.id))
    auditor.record(work, action, target, origin=origin, actor_id=key.user_id)
