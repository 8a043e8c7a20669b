"""Proves that one can prove again who one is, and what the first password takes."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    Start,
    refresh_form,
    sign_in_form,
    told,
    violations,
)

REAUTHENTICATE = "/v1/auth/reauthenticate"
FIRST = {"new_password": "a river of patient stones"}
QUARTER = 900


async def proved(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.http.post(REAUTHENTICATE, json={"password": password})


async def without_password(api: Api, person: Person) -> None:
    """Take somebody's password away, as for those who come by an identity provider."""

    def forget() -> None:
        with api.container.unit_of_work()() as work:
            user = work.users.by_email(person.email)
            work.users.save(replace(user, password_hash=None))
            work.commit()

    await asyncio.to_thread(forget)


async def later(api: Api, person: Person, seconds: int) -> Person:
    """Let time pass, and refresh what does not last as long."""
    api.clock.forward(seconds)
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=refresh_form(person.tokens["refresh_token"]))
    assert answer.status_code == 200
    return Person(person.email, answer.json(), await api.bearer(answer.json()["access_token"]))


@EVERY_DATABASE
async def test_a_proof_opens_for_a_quarter_of_an_hour_what_a_refresh_does_not(
    api: Api, ada: Person
) -> None:
    await without_password(api, ada)
    ada = await later(api, ada, QUARTER + 60)
    answer = await ada.http.put("/v1/users/me/password", json=FIRST)
    assert told(answer) == (403, "REAUTHENTICATION_REQUIRED")
    answer = await ada.http.post("/v1/users/me/deletion", json={})
    assert told(answer) == (403, "REAUTHENTICATION_REQUIRED")
    assert (await ada.http.get("/v1/users/me")).status_code == 200


@EVERY_DATABASE
async def test_a_proof_is_answered_with_nothing_and_the_tokens_stay(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    answer = await proved(ada)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.http.get("/v1/users/me")).status_code == 200
    form = refresh_form(ada.tokens["refresh_token"])
    assert (await nobody.post("/v1/auth/token", data=form)).status_code == 200


@EVERY_DATABASE
async def test_the_first_password_is_set_with_a_fresh_proof_and_opens_the_account(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    await without_password(api, ada)
    assert (await ada.http.put("/v1/users/me/password", json=FIRST)).status_code == 204
    form = sign_in_form(ada.email, FIRST["new_password"])
    assert (await nobody.post("/v1/auth/token", data=form)).status_code == 200
    answer = await ada.http.put("/v1/users/me/password", json=FIRST)  # it has one now
    assert violations(answer) == {("body.current_password", "missing")}


@EVERY_DATABASE
async def test_an_account_without_a_password_is_left_with_a_fresh_proof(
    api: Api, ada: Person
) -> None:
    await without_password(api, ada)
    assert (await ada.http.post("/v1/users/me/deletion", json={})).status_code == 204
    assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")


async def test_a_password_is_no_proof_where_there_is_none(api: Api, ada: Person) -> None:
    await without_password(api, ada)
    assert told(await proved(ada)) == (403, "WRONG_PASSWORD")
    body = {"current_password": PASSWORD} | FIRST
    answer = await ada.http.put("/v1/users/me/password", json=body)
    assert told(answer) == (403, "WRONG_PASSWORD")


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x", PASSWORD * 20])
async def test_a_wrong_password_is_no_proof(ada: Person, password: str) -> None:
    assert told(await proved(ada, password)) == (403, "WRONG_PASSWORD")


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        (REAUTHENTICATE, {}, ("body.password", "missing")),
        (REAUTHENTICATE, {"password": None}, ("body.password", "string_type")),
        (REAUTHENTICATE, {"code": None}, ("body.code", "string_type")),
        (REAUTHENTICATE, {"password": PASSWORD, "code": "1"}, ("body.code", "extra_forbidden")),
        (REAUTHENTICATE, {"password": PASSWORD, "x": "1"}, ("body", "extra_forbidden")),
        ("/v1/users/me/deletion", {}, ("body.password", "missing")),
        ("/v1/users/me/deletion", {"password": None}, ("body.password", "string_type")),
        ("/v1/users/me/password", FIRST, ("body.current_password", "missing")),
        (
            "/v1/users/me/password",
            FIRST | {"current_password": None},
            ("body.current_password", "string_type"),
        ),
    ],
)
async def test_whoever_has_a_password_must_give_it(
    ada: Person, path: str, body: dict[str, Any], wrong: tuple[str, str]
) -> None:
    method = "PUT" if path.endswith("/password") else "POST"
    assert violations(await ada.http.request(method, path, json=body)) == {wrong}


async def test_wrong_proofs_count_with_all_others_and_not_against_signing_in(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada = await api.join("ada")
        answers = [told(await proved(ada, "wrong")) for _ in range(11)]
        assert answers == [(403, "WRONG_PASSWORD")] * 10 + [(429, "RATE_LIMITED")]
        deletion = await ada.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
        assert told(deletion) == (429, "RATE_LIMITED")
        assert (await api.sign_in(ada.email)).tokens
        api.clock.forward(60)
        assert (await proved(ada)).status_code == 204


async def test_proofs_stand_in_ones_activity(ada: Person) -> None:
    await proved(ada, "wrong")
    await proved(ada)
    entries = (await ada.http.get("/v1/users/me/activity")).json()["data"][:2]
    assert [(entry["action"], entry["result"]) for entry in entries] == [
        ("session.reauthenticated", "success"),
        ("session.reauthenticated", "failure"),
    ]
