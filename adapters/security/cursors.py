"""Cursors: places in lists, which clients can keep, and can neither alter nor take elsewhere."""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.security.secrets import Secrets
from application.ports.places import Place
from application.ports.security import Cursors
from domain.errors import InvalidCursor

_PURPOSE = "cursor"
_NUMBER, _ID, _MAC = 8, 16, 16
_BY_TIME, _BY_TEXT = b"t", b"x"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SignedCursors(Cursors):
    """Cursors signed with the service's secret; those of the previous one still open."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def seal(self, place: Place, *, of: str) -> str:
        if isinstance(place.key, datetime):
            key = _BY_TIME + _bytes((place.key - _EPOCH) // _MICROSECOND)
        else:
            key = _BY_TEXT + place.key.encode()
        return self._seal(place.id.bytes + key, of)

    def open(self, cursor: str | None, *, of: str) -> Place | None:
        if cursor is None:
            return None
        body = self._open(cursor, of)
        id, kind, key = UUID(bytes=body[:_ID]), body[_ID : _ID + 1], body[_ID + 1 :]
        if kind == _BY_TIME:
            return Place(_EPOCH + _number(key) * _MICROSECOND, id)
        return Place(key.decode(), id)

    def seal_number(self, number: int, *, of: str) -> str:
        return self._seal(_bytes(number), of)

    def open_number(self, cursor: str | None, *, of: str) -> int | None:
        return None if cursor is None else _number(self._open(cursor, of))

    def _seal(self, body: bytes, of: str) -> str:
        mac = self._secrets.current.mac(_PURPOSE, _bound(body, of))[:_MAC]
        return urlsafe_b64encode(mac + body).decode().rstrip("=")

    def _open(self, cursor: str, of: str) -> bytes:
        """Return what was sealed for just this list: nothing else bears our MAC."""
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        if urlsafe_b64encode(sealed).decode().rstrip("=") != cursor:
            raise InvalidCursor  # one place has one spelling
        mac, body = sealed[:_MAC], sealed[_MAC:]
        if not any(
            hmac.compare_digest(mac, secret.mac(_PURPOSE, _bound(body, of))[:_MAC])
            for secret in self._secrets
        ):
            raise InvalidCursor
        return body


def _bound(body: bytes, of: str) -> bytes:
    return len(body).to_bytes(4) + body + of.encode()


def _bytes(number: int) -> bytes:
    return number.to_bytes(_NUMBER, signed=True)


def _number(written: bytes) -> int:
    return int.from_bytes(written, signed=True)
