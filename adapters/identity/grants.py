"""The authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636), as every provider takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from adapters.identity.exchanges import OK, Exchanges
from application.ports.identities import Reply, Visit
from domain.errors import InvalidIdentity

_CODE_REFUSED = ("invalid_grant", "bad_verification_code")
"""What is said of a code that is wrong, used or over: the browser's doing."""

_CLIENT_REFUSED = (
    "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "incorrect_client_credentials", "redirect_uri_mismatch",
)  # fmt: skip
"""What is said of us: the operator's doing, or ours. The last two are GitHub's words."""

_BROKEN = 500
"""A status from which on nothing else counts."""


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to a provider."""

    id: str
    secret: str | None = field(repr=False)
    scopes: tuple[str, ...]


def grant_url(endpoint: str, client: Client, visit: Visit, **more: str) -> str:
    """Return where to send the browser."""
    url: str = prepare_grant_uri(
        endpoint,
        client.id,
        "code",
        visit.redirect_uri,
        " ".join(client.scopes),
        visit.handshake.state,
        code_challenge=create_s256_code_challenge(visit.handshake.verifier),
        code_challenge_method="S256",
        **more,
    )
    return url


async def exchanged(
    way: Exchanges, endpoint: str, client: Client, method: str, reply: Reply, visit: Visit
) -> Mapping[str, Any]:
    """Return the tokens for a code. Raises InvalidIdentity, ProviderUnavailable."""
    form = prepare_token_request(
        "authorization_code",
        redirect_uri=visit.redirect_uri,
        code=reply.code,
        code_verifier=visit.handshake.verifier,
    )
    id, secret = client.id, client.secret or ""
    if method == "client_secret_basic":  # where both are encoded first (RFC 6749 §2.3.1)
        id, secret = quote_plus(id), quote_plus(secret)
    _, headers, form = ClientAuth(id, secret, method).prepare("POST", endpoint, {}, form)
    said = await way.post(endpoint, form, headers)
    tokens = said.json
    if not isinstance(tokens, dict) or said.status >= _BROKEN:
        raise way.failed(f"no tokens, status {said.status}")
    error = tokens.get("error")
    if error in _CODE_REFUSED:  # a tuple: what is said may be a list
        raise InvalidIdentity(f"refused: {error}")
    if error in _CLIENT_REFUSED:
        raise way.failed(f"refused: {error}")
    if said.status != OK or "error" in tokens:
        raise way.failed(f"no tokens, status {said.status}")
    return tokens


def access_token_of(tokens: Mapping[str, Any]) -> str | None:
    """Return the access token that can be sent in a header, if there is one."""
    token = tokens.get("access_token")
    if isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token:
        return token
    return None
