"""Cursors: places in lists, which clients can keep, and can neither alter nor take elsewhere."""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.security.secrets import Secrets
from application.ports import Cursors, Place
from domain.errors import InvalidCursor

_PURPOSE = "cursor"
_NUMBER, _ID, _MAC = 8, 16, 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SignedCursors(Cursors):
    """Cursors signed with the service's secret; those of the previous one still open."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def seal(self, place: Place, *, of: str) -> str:
        microseconds = (place.created_at - _EPOCH) // _MICROSECOND
        return self._seal(_bytes(microseconds) + place.id.bytes, of)

    def open(self, cursor: str | None, *, of: str) -> Place | None:
        if cursor is None:
            return None
        body = self._open(cursor, of, _NUMBER + _ID)
        moment = _EPOCH + _number(body[:_NUMBER]) * _MICROSECOND
        return Place(moment, UUID(bytes=body[_NUMBER:]))

    def seal_number(self, number: int, *, of: str) -> str:
        return self._seal(_bytes(number), of)

    def open_number(self, cursor: str | None, *, of: str) -> int | None:
        return None if cursor is None else _number(self._open(cursor, of, _NUMBER))

    def _seal(self, body: bytes, of: str) -> str:
        mac = self._secrets.current.mac(_PURPOSE, body + of.encode())[:_MAC]
        return urlsafe_b64encode(body + mac).decode().rstrip("=")

    def _open(self, cursor: str, of: str, length: int) -> bytes:
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        if urlsafe_b64encode(sealed).decode().rstrip("=") != cursor:
            raise InvalidCursor  # one place has one spelling
        body, mac = sealed[:-_MAC], sealed[-_MAC:]
        if len(body) != length or not any(
            hmac.compare_digest(mac, secret.mac(_PURPOSE, body + of.encode())[:_MAC])
            for secret in self._secrets
        ):
            raise InvalidCursor
        return body


def _bytes(number: int) -> bytes:
    return number.to_bytes(_NUMBER, signed=True)


def _number(written: bytes) -> int:
    return int.from_bytes(written, signed=True)
