"""Proves over HTTP, with real tokens, that a clock that is set anew breaks nobody's sign-in."""

import pytest

from tests.entrypoints.http.api import Api, Person, refresh_form

HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize("step", [HOUR, -HOUR, DAY, -DAY])
async def test_whoever_is_signed_in_stays_so_and_is_told_a_time_that_is_left(
    api: Api, ada: Person, step: int
) -> None:
    api.clock.forward(step)
    seen = await ada.http.get("/v1/users/me")
    assert seen.status_code == (401 if step > 0 else 200)  # an hour on, its ten minutes are over
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=refresh_form(ada.tokens["refresh_token"]))
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 600
    client = await api.bearer(answer.json()["access_token"])
    (session,) = (await client.get("/v1/auth/sessions")).json()["data"]
    assert session["last_used_at"] < session["expires_at"]
    api.clock.forward(600)
    assert (await client.get("/v1/users/me")).status_code == 401
