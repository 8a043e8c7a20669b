"""Refresh tokens that are derived, not stored.

A token is base64url(session id, count, proof). The proof is an HMAC-SHA256 under the service's
secret over the session's id, the count and the seed that only the session's row holds. So a
leaked database forges nothing, a leaked secret forges nothing, the current token can be made
again for a client that lost the reply, and the table does not grow with refreshes.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from adapters.security.secrets import Secret, Secrets
from application.ports.security import RefreshClaim, RefreshTokens
from domain.access import SessionId
from domain.errors import InvalidRefreshToken
from domain.session import Session

_PREFIX = "brt_"  # so that scanners for leaked secrets recognise one
_PURPOSE = "refresh token"
_ID, _COUNT, _PROOF = 16, 4, 32
_LENGTH = _ID + _COUNT + _PROOF
_TEXT_LENGTH = len(_PREFIX) + -(-_LENGTH * 4 // 3)


class DerivedRefreshTokens(RefreshTokens):
    """Refresh tokens under the service's secrets."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    @property
    def secret_id(self) -> str:
        return self._secrets.current.id

    def of(self, session: Session) -> str:
        secret = self._secrets.get(session.secret_id)
        if secret is None:
            raise InvalidRefreshToken  # made under a secret that was given up
        count = session.counter.to_bytes(_COUNT)
        token = session.id.bytes + count + _proof(secret, session, session.counter)
        return _PREFIX + urlsafe_b64encode(token).decode().rstrip("=")

    def read(self, text: str) -> RefreshClaim:
        if len(text) != _TEXT_LENGTH or not text.startswith(_PREFIX) or not text.isascii():
            raise InvalidRefreshToken
        encoded = text.removeprefix(_PREFIX)
        try:
            token = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except binascii.Error:
            raise InvalidRefreshToken from None
        if urlsafe_b64encode(token).decode().rstrip("=") != encoded:
            raise InvalidRefreshToken  # one token has one spelling
        return RefreshClaim(
            session_id=SessionId(UUID(bytes=token[:_ID])),
            count=int.from_bytes(token[_ID : _ID + _COUNT]),
            proof=token[_ID + _COUNT :],
        )

    def is_genuine(self, claim: RefreshClaim, session: Session) -> bool:
        if claim.session_id != session.id:
            return False
        return any(
            hmac.compare_digest(claim.proof, _proof(secret, session, claim.count))
            for secret in self._secrets
        )


def _proof(secret: Secret, session: Session, count: int) -> bytes:
    return secret.mac(_PURPOSE, session.id.bytes + count.to_bytes(_COUNT) + session.seed)
