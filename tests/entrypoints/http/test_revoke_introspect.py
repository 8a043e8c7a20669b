"""Proves that tokens can be revoked by whoever has them, and asked about by administrators only.

RFC 7009 (revocation), RFC 7662 (introspection), RFC 8414 (metadata).
"""

import json

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    Api,
    Person,
    refresh_form,
    told,
    violations,
)

REVOKE, INTROSPECT = "/v1/auth/revoke", "/v1/auth/introspect"
DEAD = {"active": False}


async def revoked(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(REVOKE, data={"token": token})
    assert (answer.status_code, answer.content) == (200, b"{}")


async def refreshed(nobody: httpx.AsyncClient, person: Person) -> Person:
    answer = await nobody.post("/v1/auth/token", data=refresh_form(person.tokens["refresh_token"]))
    assert answer.status_code == 200
    return Person(person.email, answer.json(), person.http)


async def is_alive(nobody: httpx.AsyncClient, person: Person) -> bool:
    headers = {"Authorization": f"Bearer {person.tokens['access_token']}"}
    answer = await nobody.get("/v1/users/me", headers=headers)
    form = refresh_form(person.tokens["refresh_token"])
    again = await nobody.post("/v1/auth/token", data=form)
    assert (answer.status_code == 200) == (again.status_code == 200)
    return answer.status_code == 200


@EVERY_DATABASE
@pytest.mark.parametrize("kind_of_token", ["access_token", "refresh_token"])
async def test_either_token_of_a_session_ends_it(
    api: Api, nobody: httpx.AsyncClient, ada: Person, kind_of_token: str
) -> None:
    other = await api.sign_in(ada.email)
    await revoked(nobody, ada.tokens[kind_of_token])
    assert [await is_alive(nobody, one) for one in (ada, other)] == [False, True]
    await revoked(nobody, ada.tokens[kind_of_token])


async def test_an_expired_access_token_ends_its_session(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    api.clock.forward(3600)
    later = await refreshed(nobody, ada)
    await revoked(nobody, ada.tokens["access_token"])
    assert not await is_alive(nobody, later)


async def test_a_superseded_refresh_token_ends_its_session(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    later = await refreshed(nobody, await refreshed(nobody, ada))
    api.clock.forward(60)
    await revoked(nobody, ada.tokens["refresh_token"])
    assert not await is_alive(nobody, later)


async def test_anything_else_is_answered_alike_and_ends_nothing(
    nobody: httpx.AsyncClient, ada: Person
) -> None:
    access, refresh = ada.tokens["access_token"], ada.tokens["refresh_token"]
    forged = [
        "x", "é\x00", "." * 9000, access[:-4] + "AAAA", access + "x",
        refresh[:-4] + ("AAAA" if not refresh.endswith("AAAA") else "BBBB"), refresh + "A",
    ]  # fmt: skip
    for token in forged:
        await revoked(nobody, token)
    assert await is_alive(nobody, ada)


async def test_a_hint_and_other_parameters_are_ignored(
    nobody: httpx.AsyncClient, ada: Person
) -> None:
    form = {"token": ada.tokens["refresh_token"], "token_type_hint": "access_token", "x": "y"}
    headers = {"Authorization": "Basic eDp5"}
    assert (await nobody.post(REVOKE, data=form, headers=headers)).status_code == 200
    assert not await is_alive(nobody, ada)


@pytest.mark.parametrize("path", [REVOKE, INTROSPECT])
async def test_a_token_is_required(admin: Person, path: str) -> None:
    for form in ({}, {"token": ""}, {"other": "x"}):
        assert violations(await admin.http.post(path, data=form)) == {("body.token", "missing")}


@EVERY_DATABASE
async def test_a_live_access_token_is_described(api: Api, admin: Person, ada: Person) -> None:
    narrow = await api.sign_in(ada.email, scope="items:read account:read")
    answer = await admin.http.post(INTROSPECT, data={"token": narrow.tokens["access_token"]})
    assert answer.status_code == 200
    told_of = answer.json()
    assert told_of.keys() == {
        "active", "scope", "client_id", "token_type", "sub", "sid", "jti", "iss", "aud", "iat",
        "exp",
    }  # fmt: skip
    assert told_of["active"] is True
    assert told_of["scope"] == "account:read items:read"
    assert (told_of["client_id"], told_of["token_type"]) == ("basalt", "Bearer")
    assert told_of["sub"] == await ada.id()
    assert told_of["iss"] == told_of["aud"] == "http://127.0.0.1:8000"
    assert told_of["exp"] - told_of["iat"] == 600
    sessions = (await narrow.http.get("/v1/auth/sessions")).json()["data"]
    assert told_of["sid"] in {one["id"] for one in sessions if one["current"]}


async def test_the_scopes_told_are_those_that_the_role_grants_now(api: Api, admin: Person) -> None:
    other = await api.join("other")
    path = f"/v1/users/{await other.id()}"
    assert (await admin.http.patch(path, json={"role": "admin"})).status_code == 200
    wide = await api.sign_in(other.email)
    assert (await admin.http.patch(path, json={"role": "member"})).status_code == 200
    answer = await admin.http.post(INTROSPECT, data={"token": wide.tokens["access_token"]})
    assert answer.json()["scope"] == "account:read account:write items:read items:write"


@EVERY_DATABASE
async def test_of_any_other_token_it_is_only_said_that_it_is_not_active(
    api: Api, nobody: httpx.AsyncClient, admin: Person, ada: Person
) -> None:
    ended = await api.sign_in(ada.email)
    await ended.http.post("/v1/auth/logout")
    suspended = await api.join("suspended")
    path = f"/v1/users/{await suspended.id()}"
    await admin.http.patch(path, json={"status": "suspended"})
    access = ada.tokens["access_token"]
    tokens = [
        ada.tokens["refresh_token"], ended.tokens["access_token"],
        suspended.tokens["access_token"], access[:-4] + "AAAA", "x", "\x00", "." * 9000,
    ]  # fmt: skip
    for token in tokens:
        answer = await admin.http.post(INTROSPECT, data={"token": token})
        assert (answer.status_code, json.loads(answer.content)) == (200, DEAD), token
    api.clock.forward(660)
    later = await api.sign_in(admin.email)
    answer = await later.http.post(INTROSPECT, data={"token": access})
    assert answer.json() == DEAD


async def test_only_administrators_may_ask(
    api: Api, nobody: httpx.AsyncClient, admin: Person, ada: Person
) -> None:
    form = {"token": ada.tokens["access_token"]}
    assert told(await nobody.post(INTROSPECT, data=form)) == (401, "UNAUTHENTICATED")
    assert told(await ada.http.post(INTROSPECT, data=form)) == (403, "INSUFFICIENT_SCOPE")
    narrow = await api.sign_in(admin.email, scope="users:read")
    assert told(await narrow.http.post(INTROSPECT, data=form)) == (403, "INSUFFICIENT_SCOPE")
    enough = await api.sign_in(admin.email, scope="tokens:introspect")
    assert (await enough.http.post(INTROSPECT, data=form)).json()["active"] is True


async def test_the_metadata_advertises_what_works_and_no_more(
    api: Api, nobody: httpx.AsyncClient
) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await nobody.get("/.well-known/oauth-authorization-server", headers=headers)
    told_of = answer.json()
    base = "http://127.0.0.1:8000"
    assert told_of["issuer"] == base
    assert told_of["response_types_supported"] == []
    assert told_of["token_endpoint_auth_methods_supported"] == ["none"]
    assert told_of["revocation_endpoint_auth_methods_supported"] == ["none"]
    assert set(told_of["grant_types_supported"]) == {"password", "refresh_token"}
    assert "authorization_endpoint" not in told_of
    assert "evil" not in answer.text
    paths = api.app.openapi()["paths"]
    for name, url in told_of.items():
        if name.endswith(("_endpoint", "_uri")):
            assert url.removeprefix(base) in paths, name
