"""Any provider that speaks OpenID Connect, found by its issuer (Core 1.0, Discovery 1.0)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.identity.exchanges import Exchanges
from adapters.identity.grants import Client, access_token_of, exchanged, grant_url
from adapters.identity.id_tokens import Claims, IdTokenRules, UnreadIdToken
from adapters.identity.key_sets import KeySet
from adapters.identity.remembered import Remembered
from application.ports.identities import IdentityProvider, Reply, Visit
from application.ports.surroundings import Clock
from domain.errors import InvalidIdentity
from domain.identity import ProvenIdentity, ProviderName

_DISCOVERY = "/.well-known/openid-configuration"

_ADDRESS = ("email", "email_verified")
"""What is taken from one place, or one address would be proved by what is said of another."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What a provider says of itself: where things are, and what it does."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_methods: tuple[str, ...]
    names_itself: bool
    """Whether each of its answers has to say who answers (RFC 9207)."""


class OidcProvider(IdentityProvider):
    """A provider that signs who somebody is."""

    def __init__(
        self,
        name: ProviderName,
        issuer: str,
        client: Client,
        way: Exchanges,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._issuer = issuer
        self._client = client
        self._way = way
        self._rules = IdTokenRules(issuer, client.id, clock)
        self._metadata = Remembered(self._discovered, monotonic)
        self._keys = Remembered(self._listed_keys, monotonic)

    @property
    def issuer(self) -> str:
        return self._issuer

    async def authorization_url(self, visit: Visit) -> str:
        async with self._way.exchange():
            known = await self._metadata.now()
            endpoint = known.authorization_endpoint
            return grant_url(endpoint, self._client, visit, nonce=visit.handshake.nonce)

    async def identify(self, reply: Reply, visit: Visit) -> ProvenIdentity:
        async with self._way.exchange():
            if reply.issuer not in (None, self._issuer):
                raise InvalidIdentity("iss of the answer")  # another provider's (RFC 9700 §4.4)
            known = await self._metadata.now()
            if known.names_itself and reply.issuer is None:
                raise InvalidIdentity("no iss of the answer")
            endpoint, method = known.token_endpoint, self._auth_method(known)
            tokens = await exchanged(self._way, endpoint, self._client, method, reply, visit)
            access_token = access_token_of(tokens)
            claims = await self._claims(tokens, visit, access_token)
            says_enough = all(claims.get(name) is not None for name in _ADDRESS)
            if not says_enough and known.userinfo_endpoint and access_token:
                claims = await self._told(known.userinfo_endpoint, access_token, claims)
        return ProvenIdentity(
            provider=self._name,
            issuer=self._issuer,
            subject=claims["sub"],
            email=_text(claims.get("email")),
            email_verified=claims.get("email_verified") is True,
            name=_text(claims.get("name")),
        )

    async def close(self) -> None:
        await self._way.close()

    async def _claims(
        self, tokens: Mapping[str, Any], visit: Visit, access_token: str | None
    ) -> Claims:
        token = UnreadIdToken.of(tokens.get("id_token"))
        keys = await self._keys.now()
        claims = token.claims(keys)
        if claims is None:
            claims = token.claims(await self._keys.since(keys))
        if claims is None:
            raise InvalidIdentity("signature")
        self._rules.check(
            claims,
            algorithm=token.algorithm,
            nonce=visit.handshake.nonce,
            access_token=access_token,
        )
        return claims

    async def _told(self, endpoint: str, access_token: str, claims: Claims) -> Claims:
        """Return what the provider tells of the same person, where the ID token says too little."""
        more = await self._way.needed(endpoint, access_token)
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise InvalidIdentity("sub of userinfo")  # Core 1.0 §5.3.2
        source = claims if more.get("email") is None else more
        return {**claims, **more, **{name: source.get(name) for name in _ADDRESS}}

    async def _listed_keys(self) -> KeySet:
        known = await self._metadata.now()
        found = await self._way.needed(known.jwks_uri)
        keys = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(keys, list):
            raise self._way.failed("no keys")
        return KeySet.read(keys)

    async def _discovered(self) -> _Metadata:
        found = await self._way.needed(self._issuer.rstrip("/") + _DISCOVERY)
        if not isinstance(found, dict) or found.get("issuer") != self._issuer:
            raise self._way.failed("another issuer than the one that is set")
        methods = found.get("token_endpoint_auth_methods_supported")
        userinfo = found.get("userinfo_endpoint")
        return _Metadata(
            authorization_endpoint=self._place(found, "authorization_endpoint"),
            token_endpoint=self._place(found, "token_endpoint"),
            jwks_uri=self._place(found, "jwks_uri"),
            userinfo_endpoint=None if userinfo is None else self._place(found, "userinfo_endpoint"),
            auth_methods=tuple(methods) if isinstance(methods, list) else (),
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _place(self, found: Mapping[str, Any], name: str) -> str:
        place = found.get(name)
        if not isinstance(place, str):
            raise self._way.failed(f"no {name}")
        return self._way.checked(place)

    def _auth_method(self, known: _Metadata) -> str:
        if self._client.secret is None:
            return "none"
        basic, post = "client_secret_basic", "client_secret_post"
        return post if post in known.auth_methods and basic not in known.auth_methods else basic


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
