"""The keys that access tokens are signed with."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports import Reading


@dataclass(frozen=True, slots=True)
class PublishKeys:
    """Tell everybody how our tokens are verified: each public key as a JWK (RFC 7517)."""

    reading: Reading

    def __call__(self) -> Sequence[str]:
        with self.reading() as see:
            return [key.public for key in see.keys.all()]
