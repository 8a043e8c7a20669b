"""Proves that a second factor outlives restarts, and a change of the operator's secret."""

from email.utils import formatdate, parsedate_to_datetime

import httpx
import pyotp
import pytest

from tests.black_box.server import PASSWORD, Server, Start, sign_up, tokens_of

pytestmark = pytest.mark.black_box

ADA = "ada@example.com"
FIRST, SECOND = "one secret of the operator, long enough", "another secret, which is as long"


def step_of(app: pyotp.TOTP) -> int:
    """Return the step of the code that an app shows now."""
    return app.timecode(parsedate_to_datetime(formatdate(usegmt=True)))


def challenge(client: httpx.Client) -> str:
    form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
    answer = client.post("/v1/auth/token", data=form)
    assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
    text: str = answer.json()["error"]["details"]["challenge"]
    return text


def finish(server: Server, code: str) -> None:
    """Sign in by both factors."""
    with server.client() as nobody:
        form = {"grant_type": "second_factor", "challenge": challenge(nobody), "code": code}
        tokens_of(nobody.post("/v1/auth/token", data=form))


def test_codes_work_after_the_operators_secret_was_changed(start: Start) -> None:
    server = start(SECRET_KEY=FIRST)
    with server.client(sign_up(server).access) as ada:
        app = pyotp.TOTP(ada.post("/v1/users/me/second-factor").json()["secret"])
        code = {"code": app.generate_otp(step_of(app) - 1)}
        answer = ada.put("/v1/users/me/second-factor", json=code)
        spare = answer.json()["recovery_codes"][0]
    server.stop()
    server = start(SECRET_KEY=SECOND, SECRET_KEY_PREVIOUS=FIRST)
    finish(server, app.now())
    server.stop()
    server = start(SECRET_KEY=SECOND)
    finish(server, app.generate_otp(step_of(app) + 1))
    finish(server, spare)
