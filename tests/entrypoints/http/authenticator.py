"""An authenticator app that somebody has, as the tests hold it."""

import asyncio
from dataclasses import dataclass

import httpx
import pyotp

from domain.second_factor import step_at
from tests.entrypoints.http.api import Api, Person, sign_in_form, told

FACTOR = "/v1/users/me/second-factor"


@dataclass(frozen=True, slots=True)
class App:
    """An app that was told its secret."""

    api: Api
    secret: str

    def code(self, ahead: int = 0) -> str:
        """Return the code of a step from now."""
        return pyotp.TOTP(self.secret).generate_otp(step_at(self.api.clock()) + ahead)


async def begun(api: Api, person: Person) -> App:
    """Return the app of a second factor that is not in force yet; its code changes no more."""
    api.clock.stop_at(api.clock())
    answer = await person.http.post(FACTOR)
    assert answer.status_code == 201, answer.text
    return App(api, answer.json()["secret"])


async def protect(api: Api, person: Person) -> tuple[App, list[str]]:
    """Put a second factor in force; return the app, with today's codes unused, and the spares."""
    app = await begun(api, person)
    answer = await person.http.put(FACTOR, json={"code": app.code(-1)})
    assert answer.status_code == 200, answer.text
    codes: list[str] = answer.json()["recovery_codes"]
    return app, codes


async def challenge(api: Api, email: str, **form: str) -> str:
    """Sign in by the first factor; return the challenge for the second."""
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=sign_in_form(email) | form)
    assert told(answer) == (401, "SECOND_FACTOR_REQUIRED"), answer.text
    assert answer.json()["error"]["details"].keys() == {"challenge"}
    text: str = answer.json()["error"]["details"]["challenge"]
    return text


async def finish(api: Api, text: str, code: str) -> httpx.Response:
    """Bring a code to a challenge."""
    form = {"grant_type": "second_factor", "challenge": text, "code": code}
    return await (await api.client()).post("/v1/auth/token", data=form)


async def sign_in(api: Api, person: Person, code: str) -> Person:
    """Sign in by both factors."""
    answer = await finish(api, await challenge(api, person.email), code)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    return Person(person.email, tokens, await api.bearer(tokens["access_token"]))


async def all_at_once(api: Api, texts: list[str], code: str) -> list[httpx.Response]:
    """Bring one code to many challenges at the same moment."""
    return await asyncio.gather(*(finish(api, text, code) for text in texts))
