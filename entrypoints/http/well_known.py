"""/.well-known: what others need to verify our tokens, and to find our endpoints."""

import json
from typing import Any

from fastapi import Response

from domain.access import Scope
from entrypoints.http.answers import public
from entrypoints.http.dependencies import Public
from entrypoints.http.examples import example
from entrypoints.http.fields import Answer
from entrypoints.http.route import strict_router

router = strict_router("/.well-known", tag="sign-in")

CACHEABLE = "public, max-age=300"
"""As long as a new key is published before it signs."""


class KeysAnswer(Answer):
    """A JWK Set (RFC 7517 §5)."""

    model_config = example(
        keys=[
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "jte7iW0F_5O2CGR1pqJTpT8PFL8GiFzQ-n3fGCj68Ac",
                "y": "8IZzwYvGjHXXjj5s20ay1ar3dkrJqTh2YRTvD3VJU-Y",
                "kid": "4x89P0txG8w7IRLw9DzBt_iLeosqAtnQBFDEGK7EegI",
                "use": "sig",
                "alg": "ES256",
            }
        ]
    )

    keys: list[dict[str, Any]]


class MetadataAnswer(Answer):
    """What this authorization server can do (RFC 8414 §2), and no more than that."""

    model_config = example(
        issuer="https://api.example.com",
        token_endpoint="https://api.example.com/v1/auth/token",
        jwks_uri="https://api.example.com/.well-known/jwks.json",
        revocation_endpoint="https://api.example.com/v1/auth/revoke",
        introspection_endpoint="https://api.example.com/v1/auth/introspect",
        scopes_supported=["account:read", "items:read"],
        response_types_supported=[],
        grant_types_supported=["password", "refresh_token"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        introspection_endpoint_auth_methods_supported=["Bearer"],
        service_documentation="https://api.example.com/docs",
    )

    issuer: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str
    introspection_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    service_documentation: str


@router.get("/jwks.json", responses=public())
async def published_keys(call: Public, response: Response) -> KeysAnswer:
    """The public keys that access tokens are verified with."""
    response.headers["Cache-Control"] = CACHEABLE
    published = await call.app.run(lambda use: use.publish_keys)
    return KeysAnswer(keys=[json.loads(key) for key in published])


@router.get("/oauth-authorization-server", responses=public())
async def server_metadata(call: Public) -> MetadataAnswer:
    """Where the endpoints are, and what they support (RFC 8414)."""
    base = call.app.settings.base_url
    return MetadataAnswer(
        issuer=base,
        token_endpoint=f"{base}/v1/auth/token",
        jwks_uri=f"{base}/.well-known/jwks.json",
        revocation_endpoint=f"{base}/v1/auth/revoke",
        introspection_endpoint=f"{base}/v1/auth/introspect",
        scopes_supported=[scope.value for scope in Scope],
        response_types_supported=[],
        grant_types_supported=["password", "refresh_token"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        introspection_endpoint_auth_methods_supported=["Bearer"],
        service_documentation=f"{base}/docs",
    )
