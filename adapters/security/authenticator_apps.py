"""Authenticator apps as all of them have it: TOTP (RFC 6238) by SHA-1, told by a QR code."""

import hmac
from base64 import b32encode
from datetime import datetime

import segno
from pyotp import TOTP

from application.ports.second_factor import AppSetup, AuthenticatorApps
from domain.second_factor import DIGITS, STEP, STEPS_APART, step_at

_STEP_SECONDS = int(STEP.total_seconds())
_DOT = 4
"""Pixels of a dot in the QR code: it stays sharp, for it is drawn in vectors."""


class TotpAuthenticatorApps(AuthenticatorApps):
    """Apps that know the service by its host."""

    def __init__(self, *, issuer: str) -> None:
        self._issuer = issuer

    def setup(self, secret: bytes, *, account: str) -> AppSetup:
        app = _app(secret)
        uri = app.provisioning_uri(name=account, issuer_name=self._issuer)
        picture = segno.make(uri, micro=False).svg_data_uri(scale=_DOT)
        return AppSetup(secret=app.secret, provisioning_uri=uri, qr_code=picture)

    def step_of(self, code: str, secret: bytes, *, now: datetime) -> int | None:
        typed = "".join(code.split())
        if len(typed) != DIGITS or not (typed.isascii() and typed.isdecimal()):
            return None
        app, step = _app(secret), step_at(now)
        near = range(step + STEPS_APART, step - STEPS_APART - 1, -1)
        good = [each for each in near if hmac.compare_digest(app.generate_otp(each), typed)]
        return good[0] if good else None


def _app(secret: bytes) -> TOTP:
    return TOTP(b32encode(secret).decode(), digits=DIGITS, interval=_STEP_SECONDS)
