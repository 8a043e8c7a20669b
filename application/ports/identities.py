"""What is stored of identities and flows, and who proves identities: external providers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access import UserId
from domain.identity import Flow, Identity, IdentityId, ProvenIdentity, ProviderName


class Identities(Protocol):
    """The ways in by external providers. Whoever changes a user's holds the user."""

    def known_by(self, issuer: str, subject: str) -> Identity | None:
        """Return the identity with this subject at this issuer."""

    def of_user(self, user_id: UserId) -> Sequence[Identity]:
        """Return the identities of a user, the newest first."""

    def add(self, identity: Identity) -> None:
        """Add an identity. Raises IdentityTaken, whoever was first, and TokenRevoked."""

    def save(self, identity: Identity) -> None:
        """Write an identity, if it is still there."""

    def remove(self, id: IdentityId) -> None:
        """Remove an identity, if it is there."""

    def remove_all_of(self, user_id: UserId) -> None:
        """Remove all identities of a user."""


class Flows(Protocol):
    """The visits to providers that are going on; one that was taken is not kept."""

    def get(self, digest: bytes) -> Flow | None:
        """Return the flow with this digest."""

    def add(self, flow: Flow) -> None:
        """Add a flow."""

    def take(self, digest: bytes) -> bool:
        """Remove a flow; return whether it was there: of many who take it, one does."""

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        """Remove flows that are over; return how many there were."""

    def remove_all(self) -> int:
        """Remove every flow; return how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What ties a provider's answer to one flow: made of its secret, and of nothing else."""

    state: str = field(repr=False)
    """Comes back with the browser (RFC 6749 §10.12)."""
    nonce: str = field(repr=False)
    """Comes back inside the ID token (OpenID Connect Core 1.0 §3.1.2.1)."""
    verifier: str = field(repr=False)
    """Shows that whoever brings the code is who asked for it (RFC 7636)."""


class FlowTexts(Protocol):
    """The secrets that clients keep while somebody is at a provider."""

    def make(self) -> str:
        """Return a new secret, which nobody can guess."""

    def digest(self, text: str) -> bytes:
        """Return what a flow is kept by. Raises InvalidFlow for what cannot be a secret of ours."""

    def handshake(self, text: str) -> Handshake:
        """Return what goes to the provider in this flow: always the same for the same secret."""

    def is_state_of(self, state: str, text: str) -> bool:
        """Whether the state belongs to this secret, in the same time whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A flow with what ties the provider's answer to it."""

    provider: ProviderName
    redirect_uri: str
    handshake: Handshake


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a browser brought back from a provider."""

    code: str = field(repr=False)
    issuer: str | None
    """Who answered, where the provider says so (RFC 9207)."""


class IdentityProvider(Protocol):
    """One external provider. It is far away, so it is awaited, and never in a unit of work."""

    @property
    def issuer(self) -> str:
        """Who vouches for its identities."""

    async def authorization_url(self, visit: Visit) -> str:
        """Return where to send the browser. Raises ProviderUnavailable."""

    async def identify(self, reply: Reply, visit: Visit) -> ProvenIdentity:
        """Return who was there. Raises InvalidIdentity, and ProviderUnavailable in good time."""

    async def close(self) -> None:
        """Let go of the way to it."""
