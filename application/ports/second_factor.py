"""What is stored of second factors, and what makes and reads their codes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access import UserId
from domain.second_factor import Challenge, SecondFactor


class SecondFactors(Protocol):
    """The users' authenticator apps, and the digests of their recovery codes.

    Whoever changes them holds the user.
    """

    def get(self, user_id: UserId) -> SecondFactor | None:
        """Return the user's factor, in force or not."""

    def lock(self, user_id: UserId) -> SecondFactor | None:
        """As `get`, and hold the factor against other writers until the unit of work ends."""

    def put(self, factor: SecondFactor) -> None:
        """Keep a factor, in place of the user's one before. Raises TokenRevoked without a user."""

    def remove(self, user_id: UserId) -> None:
        """Remove the user's factor, if there is one, with the recovery codes."""

    def count_codes(self, user_id: UserId) -> int:
        """Return how many recovery codes are left."""

    def put_codes(self, user_id: UserId, digests: Collection[bytes]) -> None:
        """Keep these recovery codes, in place of those of before."""

    def take_code(self, user_id: UserId, digest: bytes) -> bool:
        """Remove a recovery code; return whether it was there: of many who take it, one does."""

    def lock_behind(self, user_id: UserId | None, *, limit: int) -> Sequence[SecondFactor]:
        """Return at most `limit` factors behind that user, in the order of their ids, held."""

    def void_everybodys_codes(self, *, until: int) -> None:
        """Let no code of a step up to that one be good any more, and no recovery code."""


class Challenges(Protocol):
    """The sign-ins that wait for a second factor; one that is finished is not kept."""

    def get(self, digest: bytes) -> Challenge | None:
        """Return the challenge of this digest."""

    def of_user(self, user_id: UserId) -> Sequence[Challenge]:
        """Return a user's challenges, the oldest first."""

    def add(self, challenge: Challenge) -> None:
        """Add a challenge. Raises TokenRevoked without a user."""

    def save(self, challenge: Challenge) -> None:
        """Write a challenge whose user is held, if it is still there."""

    def take(self, digest: bytes) -> bool:
        """Remove a challenge; return whether it was there: of many who take it, one does."""

    def remove_begun(self, *, before: datetime, at_most: int) -> int:
        """Remove challenges that were begun by that time; return how many there were."""

    def remove_all_of(self, user_id: UserId) -> None:
        """Remove all challenges of a user."""

    def remove_everybodys(self) -> int:
        """Remove all challenges of all users; return how many there were."""


@dataclass(frozen=True, slots=True)
class AppSetup:
    """What an authenticator app is told once, in three spellings of the same."""

    secret: str = field(repr=False)
    provisioning_uri: str = field(repr=False)
    qr_code: str = field(repr=False)
    """A picture as a `data:` URI."""


class AuthenticatorApps(Protocol):
    """Apps that show codes (RFC 6238), each with a secret that the service shares."""

    def setup(self, secret: bytes, *, account: str) -> AppSetup:
        """Return what an app has to know, with the name by which its user knows the account."""

    def step_of(self, code: str, secret: bytes, *, now: datetime) -> int | None:
        """Return the newest step near `now` that this code belongs to, or None."""


class SecretTexts(Protocol):
    """Secrets that are told once and that nobody can guess; a digest of each is kept."""

    def make(self) -> tuple[str, bytes]:
        """Return the text of a new one, and what it is kept by."""

    def digest(self, text: str) -> bytes | None:
        """Return what one is kept by; None for what cannot be one, however it was typed."""
