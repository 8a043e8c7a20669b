"""Tokens for mails, derived like refresh tokens: a row and the service's secret make one.

A token is base64url(letter's id, proof). The proof is an HMAC-SHA256 under the service's secret
over the id, the topic, the user, the address, and a seed that only the token's row holds. So a
leaked database forges nothing, a leaked secret forges nothing, a mail that is sent again carries
the same token, and a token for one thing is none for another.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from adapters.security.secrets import Secret, Secrets
from application.ports.mail import OneTimeMint, TokenClaim
from domain.errors import InvalidOneTimeToken
from domain.mail import LetterId, OneTimeToken

_PREFIX = "bot_"  # so that scanners for leaked secrets recognise one
_PURPOSE = "one-time token"
_ID, _PROOF = 16, 32
_TEXT_LENGTH = len(_PREFIX) + (_ID + _PROOF) * 4 // 3  # without a remainder


class DerivedOneTimeTokens(OneTimeMint):
    """One-time tokens under the service's secrets."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def of(self, token: OneTimeToken) -> str:
        whole = token.id.bytes + _proof(self._secrets.current, token)
        return _PREFIX + urlsafe_b64encode(whole).decode()

    def read(self, text: str) -> TokenClaim:
        if len(text) != _TEXT_LENGTH or not text.startswith(_PREFIX) or not text.isascii():
            raise InvalidOneTimeToken
        encoded = text.removeprefix(_PREFIX)
        try:
            whole = urlsafe_b64decode(encoded)
        except binascii.Error:
            raise InvalidOneTimeToken from None
        if urlsafe_b64encode(whole).decode() != encoded:
            raise InvalidOneTimeToken  # one token has one spelling
        return TokenClaim(id=LetterId(UUID(bytes=whole[:_ID])), proof=whole[_ID:])

    def is_genuine(self, claim: TokenClaim, token: OneTimeToken) -> bool:
        return claim.id == token.id and any(
            hmac.compare_digest(claim.proof, _proof(secret, token)) for secret in self._secrets
        )


def _proof(secret: Secret, token: OneTimeToken) -> bytes:
    fixed = token.id.bytes + token.user_id.bytes + token.seed
    named = f"{token.topic.value} {token.address}".encode()
    return secret.mac(_PURPOSE, len(fixed).to_bytes(4) + fixed + named)
