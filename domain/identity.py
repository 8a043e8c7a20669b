"""Identities: who somebody is to an external provider, and the flows in which they prove it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NewType, Self
from uuid import UUID

from domain import email as emails
from domain.access import UserId
from domain.errors import InvalidFlow, InvalidIdentity, InvalidValue, LastSignInMethod, NoAddress
from domain.text import storable
from domain.user import DISPLAY_NAME_MAX, User, display_name

IdentityId = NewType("IdentityId", UUID)
ProviderName = NewType("ProviderName", str)

PROVIDER_NAME_MAX = 32
"""Characters in a provider's name, which an operator chooses."""

IDENTITIES_MAX = 50
"""Identities of one user: a provider may make up as many as it likes."""

ISSUER_MAX = 255
SUBJECT_MAX = 255
"""Characters in a subject (OpenID Connect Core 1.0 §2)."""

FLOW_LIFETIME = timedelta(minutes=10)
"""How long somebody may take at the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One way in to an account: its user is who the issuer calls by this subject.

    Never the address: that can change hands, at the provider as well.
    """

    id: IdentityId
    user_id: UserId
    provider: ProviderName
    issuer: str
    subject: str
    created_at: datetime
    last_used_at: datetime | None

    def used(self, *, now: datetime) -> Self:
        """Return the identity with a sign-in noted."""
        return replace(self, last_used_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenIdentity:
    """Who a provider says somebody is, with every check of its word passed."""

    provider: ProviderName
    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None

    def check(self) -> None:
        """Raise InvalidIdentity for a subject that could not be told from another one."""
        try:
            storable(self.subject, field="subject")
        except InvalidValue:
            raise InvalidIdentity(self.cause("characters of the subject")) from None
        if not 0 < len(self.subject) <= SUBJECT_MAX:
            raise InvalidIdentity(self.cause("length of the subject"))

    def cause(self, what: str) -> str:
        """Return why it is refused, for the operator's log."""
        return f"provider {self.provider}: {what}"

    def address(self) -> str:
        """Return the canonical address that the provider tells. Raises NoAddress."""
        try:
            return emails.address(self.email or "")
        except InvalidValue:
            raise NoAddress(self.cause("no address")) from None

    def display_name(self) -> str | None:
        """Return the name that the provider tells, or None if it cannot be one here."""
        try:
            return display_name(self.name and self.name.strip()[:DISPLAY_NAME_MAX])
        except InvalidValue:
            return None

    def owns_address(self, trusted: Collection[ProviderName]) -> bool:
        """Whether it is as good as proved that the address is theirs."""
        return self.email_verified and self.provider in trusted

    def linked(self, *, id: IdentityId, user_id: UserId, now: datetime) -> Identity:
        """Return this as a way in to a user's account."""
        return Identity(
            id=id,
            user_id=user_id,
            provider=self.provider,
            issuer=self.issuer,
            subject=self.subject,
            created_at=now,
            last_used_at=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One visit to a provider, from the moment at which a client asks for it; it is taken once.

    Only a digest of the client's secret is kept. All else that a flow needs is made of that
    secret again when the client brings it back.
    """

    digest: bytes = field(repr=False)
    provider: ProviderName
    redirect_uri: str
    expires_at: datetime

    @classmethod
    def begin(
        cls, *, digest: bytes, provider: ProviderName, redirect_uri: str, now: datetime
    ) -> Self:
        """Return a new flow."""
        return cls(
            digest=digest,
            provider=provider,
            redirect_uri=redirect_uri,
            expires_at=now + FLOW_LIFETIME,
        )

    def check(self, provider: ProviderName | None, *, now: datetime) -> None:
        """Raise InvalidFlow if it is over, or another provider's than the one that is asked.

        A flow that would last longer than any was begun by a clock that was set back since.
        """
        left = self.expires_at - now
        if not timedelta(0) < left <= 2 * FLOW_LIFETIME or provider not in (None, self.provider):
            raise InvalidFlow


def check_not_last(
    user: User, identity: Identity, all_of_user: Iterable[Identity], *, issuers: Collection[str]
) -> None:
    """Raise LastSignInMethod if nothing else lets the user in; what is not set up lets nobody."""
    others = (one for one in all_of_user if one.id != identity.id and one.issuer in issuers)
    if user.password_hash is None and not any(others):
        raise LastSignInMethod
