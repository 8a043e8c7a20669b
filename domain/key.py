"""A signing key: several verify tokens, one signs them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

KeyId = NewType("KeyId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair. Its private part is sealed; its public part anybody may have (RFC 7517)."""

    id: KeyId
    public: str
    sealed: bytes = field(repr=False)
    created_at: datetime
    signs_from: datetime


PUBLISHED_BEFORE = timedelta(seconds=300)
"""How long a key is published before it signs: as long as caches keep the key set."""

FOLLOWED_WITHIN = timedelta(seconds=3)
"""How long a key is stored before it signs at the soonest: by then every worker has seen it."""


def signing_key(keys: Sequence[SigningKey], *, now: datetime) -> SigningKey | None:
    """Return the key that signs now: the newest whose time has come, else the oldest there is.

    A key whose time has not come only when no other is there: a clock that was set back must
    not leave the service without a key to sign with.
    """
    due = [key for key in keys if key.signs_from <= now]
    if due:
        return max(due, key=lambda key: (key.signs_from, key.id))
    return min(keys, key=lambda key: (key.signs_from, key.id), default=None)
