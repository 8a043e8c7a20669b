"""Proves which Authorization headers are credentials, and what is said of those that are not."""

import asyncio
import re

import httpx
import pytest

from tests.entrypoints.http.api import NOWHERE, Api, Person, told
from tests.entrypoints.http.promises import operations

PATIENCE = 10


async def of(api: Api, *lines: str) -> httpx.Response:
    """Return the answer to a request with these Authorization headers."""
    nobody = await api.client()
    return await nobody.get("/v1/users/me", headers=[("Authorization", line) for line in lines])


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer    "])
async def test_a_token_is_read_behind_the_scheme_in_any_case(
    shared: Api, reader: Person, scheme: str
) -> None:
    assert (await of(shared, scheme + reader.tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("line", [None, "", "Basic YWRhOmFkYQ==", "Token x", "Digest a=b", "x.y.z"])
async def test_without_bearer_credentials_no_error_is_named(shared: Api, line: str | None) -> None:
    answer = await of(shared, *([] if line is None else [line]))
    assert told(answer) == (401, "UNAUTHENTICATED")
    assert answer.headers.get_list("WWW-Authenticate") == ["Bearer"]


@pytest.mark.parametrize(
    "line",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer x.y.z",
        "Bearer {token} {token}",
        "Bearer {token},{token}",
        "Bearer {token}, Bearer {token}",
        'Bearer "{token}"',
        "Bearer {token}.",
        "Bearer {token}A",
        "Bearer A{token}",
        "Bearer " + "x" * 9000,
        "Bearer {token}" + "x" * 9000,
    ],
)
async def test_a_bad_token_is_named_invalid(shared: Api, reader: Person, line: str) -> None:
    answer = await of(shared, line.replace("{token}", reader.tokens["access_token"]))
    assert told(answer) == (401, "INVALID_TOKEN")
    assert answer.headers.get_list("WWW-Authenticate") == ['Bearer error="invalid_token"']


async def test_two_tokens_are_none(api: Api, ada: Person) -> None:
    line = f"Bearer {ada.tokens['access_token']}"
    assert told(await of(api, line, line)) == (401, "INVALID_TOKEN")
    for lines in ((line, "Basic x"), ("Basic x", line), ("", line)):
        assert (await of(api, *lines)).status_code == 401


async def test_bytes_that_are_no_ascii_are_no_token(api: Api) -> None:
    nobody = await api.client()
    for value in (b"Bearer \xff\xfe", b"Bearer \xc3\xa9.x.y", b"B\xe9arer x"):
        answer = await nobody.get("/v1/users/me", headers=[(b"Authorization", value)])
        assert answer.status_code == 401


async def test_a_token_elsewhere_is_not_looked_at(api: Api, ada: Person) -> None:
    token = ada.tokens["access_token"]
    nobody = await api.client()
    form = f"access_token={token}".encode()
    answers = [
        await nobody.get(f"/v1/users/me?access_token={token}"),
        await nobody.get("/v1/users/me", headers={"Cookie": f"access_token={token}"}),
        await nobody.get("/v1/users/me", headers={"X-Access-Token": token}),
        await nobody.post(
            "/v1/auth/logout",
            content=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
    ]
    assert {told(answer) for answer in answers} == {(401, "UNAUTHENTICATED")}


async def test_whoever_may_call_needs_no_good_credentials(api: Api, ada: Person) -> None:
    for line in ("Bearer x", "Basic x", f"Bearer {ada.tokens['access_token']}"):
        client = await api.client(Authorization=line)
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/.well-known/jwks.json")).status_code == 200


@pytest.mark.parametrize(
    "call", [name for name, operation in operations() if operation.get("security")]
)
async def test_no_operation_that_asks_for_a_caller_does_without(shared: Api, call: str) -> None:
    method, path = call.split()
    path = re.sub(r"\{[^}]*\}", NOWHERE, path)
    for headers, code in (
        ({}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer x"}, "INVALID_TOKEN"),
    ):
        async with asyncio.timeout(PATIENCE):  # a stream that began would not end
            answer = await (await shared.client(**headers)).request(method, path)
        assert told(answer) == (401, code)
