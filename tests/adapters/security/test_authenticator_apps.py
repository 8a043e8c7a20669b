"""Codes are those of RFC 6238, and an app can be told its secret in three ways."""

import xml.etree.ElementTree as ET
from base64 import b32decode
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pyotp
import pytest

from adapters.security.authenticator_apps import TotpAuthenticatorApps

SECRET = b"12345678901234567890"
"""The secret of RFC 6238's appendix B."""

AT = datetime.fromtimestamp(1111111109, UTC)
CODE = "081804"


@pytest.fixture
def apps() -> TotpAuthenticatorApps:
    return TotpAuthenticatorApps(issuer="api.example.com")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(apps: TotpAuthenticatorApps, seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert apps.step_of(code, SECRET, now=now) == seconds // 30


@pytest.mark.parametrize(("steps", "is_good"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_an_apps_clock_may_be_a_step_behind_or_ahead(
    apps: TotpAuthenticatorApps, steps: int, is_good: int
) -> None:
    now = AT + timedelta(seconds=30 * steps)
    expected = 1111111109 // 30 if is_good else None
    assert apps.step_of(CODE, SECRET, now=now) == expected


def test_people_type_spaces(apps: TotpAuthenticatorApps) -> None:
    assert apps.step_of(" 081 804\n", SECRET, now=AT)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "81804",
        "0818040",
        "081805",
        "08180x",
        "-81804",
        "+81804",
        "0x1804",
        "٠٨١٨٠٤",
        "\ud800" * 6,
    ],
)
def test_anything_else_is_no_code(apps: TotpAuthenticatorApps, code: str) -> None:
    assert apps.step_of(code, SECRET, now=AT) is None


def test_another_secret_makes_another_code(apps: TotpAuthenticatorApps) -> None:
    assert apps.step_of(CODE, SECRET[::-1], now=AT) is None


def test_an_app_learns_the_same_from_text_link_and_picture(apps: TotpAuthenticatorApps) -> None:
    setup = apps.setup(SECRET, account="ada+x@example.com")
    assert b32decode(setup.secret) == SECRET
    told = pyotp.parse_uri(setup.provisioning_uri)
    assert isinstance(told, pyotp.TOTP)
    assert (told.secret, told.issuer, told.name) == (
        setup.secret,
        "api.example.com",
        "ada+x@example.com",
    )
    assert told.at(AT) == CODE
    kind, _, picture = setup.qr_code.partition(",")
    assert kind.startswith("data:image/svg+xml")
    assert ET.fromstring(unquote(picture)).tag.endswith("svg")  # noqa: S314  # our own
    assert SECRET.decode() not in repr(setup)
    assert setup.secret not in repr(setup)
