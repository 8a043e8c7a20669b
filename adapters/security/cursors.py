"""Cursors: places in lists, readable by us only and bound to their list by a MAC."""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.security.secrets import Secrets
from application.ports import Cursors, Place
from domain.errors import InvalidCursor

_PURPOSE = "cursor"
_TIME, _ID, _MAC = 8, 16, 16
_LENGTH = _TIME + _ID + _MAC
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SignedCursors(Cursors):
    """Cursors signed with the service's secret; those of the previous one still open."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def seal(self, place: Place, *, of: str) -> str:
        microseconds = (place.created_at - _EPOCH) // _MICROSECOND
        body = microseconds.to_bytes(_TIME, signed=True) + place.id.bytes
        mac = self._secrets.current.mac(_PURPOSE, body + of.encode())[:_MAC]
        return urlsafe_b64encode(body + mac).decode().rstrip("=")

    def open(self, cursor: str, *, of: str) -> Place:
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        if urlsafe_b64encode(sealed).decode().rstrip("=") != cursor or len(sealed) != _LENGTH:
            raise InvalidCursor
        body, mac = sealed[:-_MAC], sealed[-_MAC:]
        if not any(
            hmac.compare_digest(mac, secret.mac(_PURPOSE, body + of.encode())[:_MAC])
            for secret in self._secrets
        ):
            raise InvalidCursor
        microseconds = int.from_bytes(body[:_TIME], signed=True)
        return Place(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=body[_TIME:]))
