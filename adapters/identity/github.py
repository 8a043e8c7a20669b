"""GitHub, which speaks OAuth 2 without OpenID Connect: it is asked who its token is for.

There is no ID token, hence no nonce; that the answer belongs to the flow is for PKCE and state.
"""

from collections.abc import Mapping
from typing import Any

from adapters.identity.exchanges import OK, Exchanges
from adapters.identity.grants import Client, access_token_of, exchanged, grant_url
from application.ports.identities import IdentityProvider, Reply, Visit
from domain.errors import InvalidIdentity
from domain.identity import ProvenIdentity, ProviderName

ISSUER = "https://github.com"
_API = "https://api.github.com"


class GitHubProvider(IdentityProvider):
    """github.com, or a GitHub Enterprise Server at an address of its own."""

    def __init__(self, name: ProviderName, issuer: str, client: Client, way: Exchanges) -> None:
        self._name = name
        self._issuer = issuer
        self._client = client
        self._way = way
        self._login = f"{issuer.rstrip('/')}/login/oauth"
        self._api = _API if issuer == ISSUER else f"{issuer.rstrip('/')}/api/v3"

    @property
    def issuer(self) -> str:
        return self._issuer

    async def authorization_url(self, visit: Visit) -> str:
        return grant_url(f"{self._login}/authorize", self._client, visit)

    async def identify(self, reply: Reply, visit: Visit) -> ProvenIdentity:
        async with self._way.exchange():
            if reply.issuer not in (None, self._issuer, self._login):
                raise InvalidIdentity("iss of the answer")  # another provider's (RFC 9700 §4.4)
            endpoint, method = f"{self._login}/access_token", "client_secret_post"
            tokens = await exchanged(self._way, endpoint, self._client, method, reply, visit)
            access_token = access_token_of(tokens)
            if access_token is None:
                raise self._way.failed("no access token")
            user = await self._way.needed(f"{self._api}/user", access_token)
            address = await self._address(access_token)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise self._way.failed("nobody")
        return ProvenIdentity(
            provider=self._name,
            issuer=self._issuer,
            subject=str(number),
            email=_text(address, "email"),
            email_verified=address.get("verified") is True,
            name=_text(user, "name") or _text(user, "login"),
        )

    async def close(self) -> None:
        await self._way.close()

    async def _address(self, access_token: str) -> Mapping[str, Any]:
        """Return the user's primary address, if the user lets us see it."""
        said = await self._way.get(f"{self._api}/user/emails", access_token)
        if said.status != OK or not isinstance(said.json, list):
            return {}
        entries = [entry for entry in said.json if isinstance(entry, dict)]
        return next((entry for entry in entries if entry.get("primary") is True), {})


def _text(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None
