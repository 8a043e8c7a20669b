"""The keys that access tokens are signed with: publishing, rotating and retiring them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from application.auditing import Auditor
from application.ports.security import KeyForge
from application.ports.store import Reading, UnitsOfWork
from application.ports.surroundings import Clock
from domain.access import Origin
from domain.audit import Action, Target, TargetType
from domain.errors import KeyNotFound, KeySigns
from domain.key import FOLLOWED_WITHIN, PUBLISHED_BEFORE, KeyId, SigningKey, signing_key


@dataclass(frozen=True, slots=True)
class PublishKeys:
    """Tell everybody how our tokens are verified: each public key as a JWK (RFC 7517)."""

    reading: Reading

    def __call__(self) -> Sequence[str]:
        with self.reading() as see:
            return [key.public for key in see.keys.all()]


class KeyState(StrEnum):
    """What a key does now."""

    SIGNING = "signing"
    NEXT = "next"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, with what it does now."""

    key: SigningKey
    state: KeyState


@dataclass(frozen=True, slots=True)
class ListKeys:
    """Look at the keys, oldest first."""

    reading: Reading
    clock: Clock

    def __call__(self) -> Sequence[ListedKey]:
        now = self.clock()
        with self.reading() as see:
            keys = see.keys.all()
        signing = signing_key(keys, now=now)
        return [
            ListedKey(
                key,
                KeyState.SIGNING
                if key is signing
                else KeyState.NEXT
                if key.signs_from > now
                else KeyState.VERIFYING,
            )
            for key in keys
        ]


@dataclass(frozen=True, slots=True)
class RotateKeys:
    """Add a key that signs once everybody can verify with it.

    That is when caches of the key set have it; or, in a hurry, when our own workers have.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    forge: KeyForge
    auditor: Auditor

    def __call__(self, *, in_a_hurry: bool) -> SigningKey:
        now = self.clock()
        delay = FOLLOWED_WITHIN if in_a_hurry else PUBLISHED_BEFORE
        key = self.forge.make(now=now, signs_from=now + delay)
        with self.unit_of_work() as work:
            work.keys.lock_all()
            work.keys.add(key)
            target = Target(TargetType.KEY, key.id)
            self.auditor.record(work, Action.KEY_CREATED, target, origin=Origin())
            work.commit()
        return key


@dataclass(frozen=True, slots=True)
class RetireKey:
    """Remove a key: its tokens fail as soon as the workers have seen it."""

    unit_of_work: UnitsOfWork
    clock: Clock
    auditor: Auditor

    def __call__(self, id: KeyId) -> None:
        with self.unit_of_work() as work:
            keys = work.keys.lock_all()
            if id not in {key.id for key in keys}:
                raise KeyNotFound
            signing = signing_key(keys, now=self.clock())
            if signing and signing.id == id:
                raise KeySigns
            work.keys.remove(id)
            target = Target(TargetType.KEY, id)
            self.auditor.record(work, Action.KEY_RETIRED, target, origin=Origin())
            work.commit()
