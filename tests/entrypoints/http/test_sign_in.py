"""Proves how people sign in and out, what their tokens say, and that failures tell nothing."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    refresh_form,
    sign_in_form,
    told,
    violations,
)

MEMBER = "account:read account:write items:read items:write"
ADMIN = f"{MEMBER} users:read users:write items:admin tokens:introspect audit:read"


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


@EVERY_DATABASE
async def test_signing_in_gives_both_tokens(api: Api, ada: Person) -> None:
    tokens = (await api.sign_in(ada.email)).tokens
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, MEMBER)
    assert len(tokens["refresh_token"]) >= 43


async def test_the_access_token_is_a_jwt_by_rfc_9068_without_personal_data(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    token = ada.tokens["access_token"]
    (key,) = (await nobody.get("/.well-known/jwks.json")).json()["keys"]
    assert part(token, 0) == {"typ": "at+jwt", "alg": "ES256", "kid": key["kid"]}
    claims = part(token, 1)
    assert claims.keys() == {
        "iss", "aud", "sub", "client_id", "exp", "iat", "jti", "sid", "scope",
    }  # fmt: skip
    assert claims["iss"] == claims["aud"] == "http://127.0.0.1:8000"
    assert (claims["sub"], claims["client_id"]) == (await ada.id(), "basalt")
    assert claims["exp"] - claims["iat"] == 600
    other = part((await api.sign_in(ada.email)).tokens["access_token"], 1)
    assert other["jti"] != claims["jti"]
    assert other["sid"] != claims["sid"]


async def test_the_published_keys_are_public_and_may_be_cached(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


async def test_an_administrator_is_granted_every_scope(admin: Person) -> None:
    assert admin.tokens["scope"] == ADMIN


async def test_fewer_scopes_are_granted_when_asked_for(api: Api, ada: Person) -> None:
    tokens = (await api.sign_in(ada.email, scope="items:read  account:read items:read")).tokens
    assert tokens["scope"] == "account:read items:read"
    assert part(tokens["access_token"], 1)["scope"] == "account:read items:read"


@pytest.mark.parametrize(
    "scope", ["users:read", "items:read items:admin", "nonsense", "ITEMS:READ"]
)
async def test_a_scope_that_the_role_lacks_is_refused(
    nobody: httpx.AsyncClient, ada: Person, scope: str
) -> None:
    form = sign_in_form(ada.email) | {"scope": scope}
    assert told(await nobody.post("/v1/auth/token", data=form)) == (400, "INVALID_SCOPE")


@EVERY_DATABASE
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "the wrong password"),
        ("ada@example.com", PASSWORD.upper()),
        ("ada@example.com", "x"),
        ("ada@example.com", "x" * 5000),
        ("ada@example.com", PASSWORD + "\x00"),
        ("grace@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        ("ada@example.com\x00", PASSWORD),
    ],
)
async def test_every_failure_to_sign_in_looks_the_same(
    nobody: httpx.AsyncClient, ada: Person, email: str, password: str
) -> None:
    answer = await nobody.post("/v1/auth/token", data=sign_in_form(email, password))
    assert told(answer) == (401, "INVALID_CREDENTIALS")
    usual = await nobody.post("/v1/auth/token", data=sign_in_form(ada.email, "wrong"))
    assert answer.content == usual.content
    own = {"x-request-id"}
    assert {k: v for k, v in answer.headers.items() if k not in own} == {
        k: v for k, v in usual.headers.items() if k not in own
    }
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"grant_type": "password", "password": PASSWORD}, "body.username"),
        ({"grant_type": "password", "username": "ada@example.com"}, "body.password"),
        ({"grant_type": "password", "username": "", "password": PASSWORD}, "body.username"),
        ({"grant_type": "refresh_token"}, "body.refresh_token"),
        ({"username": "ada@example.com", "password": PASSWORD}, "body.grant_type"),
    ],
)
async def test_what_a_grant_needs_is_named(
    nobody: httpx.AsyncClient, form: dict[str, str], field: str
) -> None:
    answer = await nobody.post("/v1/auth/token", data=form)
    assert violations(answer) == {(field, "missing")}


@pytest.mark.parametrize("grant", ["client_credentials", "PASSWORD", "authorization_code", "x"])
async def test_other_grants_are_refused(nobody: httpx.AsyncClient, grant: str) -> None:
    answer = await nobody.post("/v1/auth/token", data={"grant_type": grant})
    assert told(answer) == (400, "UNSUPPORTED_GRANT_TYPE")


async def test_the_docs_page_signs_in_with_basic_credentials_and_empty_parameters(
    api: Api, ada: Person
) -> None:
    client = await api.client(Authorization="Basic Og==")
    form = sign_in_form(ada.email) | {"client_id": "", "scope": "", "client_secret": "x"}
    answer = await client.post("/v1/auth/token", data=form)
    assert (answer.status_code, answer.json()["scope"]) == (200, MEMBER)


# ------------------------------------------------------------------------------------ signing out
@EVERY_DATABASE
async def test_signing_out_ends_this_session_at_once_and_no_other(api: Api, ada: Person) -> None:
    elsewhere = await api.sign_in(ada.email)
    assert (await ada.http.post("/v1/auth/logout")).status_code == 204
    for _ in range(2):
        answer = await ada.http.post("/v1/auth/logout")
        assert told(answer) == (401, "TOKEN_REVOKED")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=refresh_form(ada.tokens["refresh_token"]))
    assert told(answer) == (401, "INVALID_REFRESH_TOKEN")
    assert (await elsewhere.http.get("/v1/users/me")).status_code == 200


async def test_any_valid_token_may_sign_out(api: Api, ada: Person) -> None:
    reader = await api.sign_in(ada.email, scope="items:read")
    assert (await reader.http.post("/v1/auth/logout")).status_code == 204


# --------------------------------------------------------------------------------- lifetimes
async def test_an_access_token_ends_to_the_second(api: Api, ada: Person) -> None:
    end = datetime.fromtimestamp(part(ada.tokens["access_token"], 1)["exp"], UTC)
    api.clock.stop_at(end - timedelta(microseconds=1))
    assert (await ada.http.get("/v1/users/me")).status_code == 200
    api.clock.stop_at(end)
    answer = await ada.http.get("/v1/users/me")
    assert told(answer) == (401, "TOKEN_EXPIRED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_expired_is_said_before_revoked(api: Api, ada: Person) -> None:
    await ada.http.post("/v1/auth/logout")
    api.clock.forward(601)
    assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_EXPIRED")


async def test_a_narrow_token_is_told_which_scope_it_lacks(api: Api, ada: Person) -> None:
    reader = await api.sign_in(ada.email, scope="items:read")
    answer = await reader.http.post("/v1/items", json={"title": "x"})
    assert told(answer) == (403, "INSUFFICIENT_SCOPE")
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="items:write"'
    )
    assert answer.json()["error"]["details"] == {"scope": "items:write"}
