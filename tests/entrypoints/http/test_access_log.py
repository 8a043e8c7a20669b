"""Proves that each request is one line in the access log, which says who, what and how long."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from entrypoints.logs import JsonLines
from tests.entrypoints.http.api import (
    NOWHERE,
    PASSWORD,
    Api,
    Person,
    refresh_form,
    sign_in_form,
)

Lines = Callable[[], list[dict[str, Any]]]
CANARY = "Kanarienvogel7Qx"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    caplog.set_level(logging.DEBUG)
    caplog.clear()

    def written() -> list[dict[str, Any]]:
        formatter = JsonLines()
        found = [record for record in caplog.records if record.name == "basalt.access"]
        events = [json.loads(formatter.format(record)) for record in found]
        caplog.clear()
        return events

    return written


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/users/me", "/v1/users/me", 200),
        ("HEAD", "/v1/users/me", "/v1/users/me", 200),
        ("GET", f"/v1/items/{NOWHERE}", "/v1/items/{id}", 404),
        ("GET", "/v1/items/x", "/v1/items/{id}", 422),
        ("POST", "/v1/auth/logout", "/v1/auth/logout", 204),
    ],
)
async def test_a_line_says_who_asked_for_what_and_how_it_ended(
    api: Api, ada: Person, lines: Lines, method: str, path: str, route: str, status: int
) -> None:
    id = await ada.id()
    lines()
    answer = await ada.http.request(method, path, headers={"X-Request-ID": "ask-me"})
    (line,) = lines()
    assert 0 < line.pop("duration_ms") < 60_000
    assert line["request_id"] == answer.headers["X-Request-ID"] == "ask-me"
    assert (line["method"], line["path"], line["route"]) == (method, path, route)
    assert (line["status"], line["user_id"], line["address"]) == (status, id, "127.0.0.1")
    assert line["level"] == "info"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("TRACE", "/health/live", 405), ("GET", "/v1/users/me", 401)],
)
async def test_what_fails_before_anybody_is_known_is_a_line_too(
    api: Api, lines: Lines, method: str, path: str, status: int
) -> None:
    nobody = await api.client()
    await nobody.request(method, path)
    (line,) = lines()
    assert (line["status"], line["user_id"]) == (status, None)


async def test_a_413_and_a_500_are_lines_too(api: Api, ada: Person, lines: Lines) -> None:
    async def fail() -> None:
        raise RuntimeError

    api.app.add_api_route("/planted", fail, include_in_schema=False)
    await ada.http.post("/v1/items", content=b" " * 2_000_000)
    await ada.http.get("/planted")
    assert [line["status"] for line in lines()] == [413, 500]


async def test_no_line_holds_a_secret(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    nobody = await api.client()
    password = f"{CANARY} and more of it"
    body = {"email": "grace@example.com", "password": password}
    await nobody.post("/v1/users", json=body)
    tokens = (
        await nobody.post("/v1/auth/token", data=sign_in_form(body["email"], password))
    ).json()
    await nobody.post("/v1/auth/token", data=sign_in_form(ada.email, password))
    again = await nobody.post("/v1/auth/token", data=refresh_form(tokens["refresh_token"]))
    grace = await api.bearer(tokens["access_token"])
    await grace.get(f"/v1/users/me?password={CANARY}&token={CANARY}")
    await grace.put(
        "/v1/users/me/password", json={"current_password": password, "new_password": PASSWORD}
    )
    await grace.post("/v1/items", json={"title": CANARY, "description": CANARY})
    wanted = {"name": "nightly", "scopes": ["items:read"]}
    key = (await grace.post("/v1/users/me/keys", json=wanted)).json()["key"]
    program = await api.client(Authorization=f"Bearer {key}", User_Agent=key)
    await program.get(f"/v1/items/{key}?key={key}")
    await program.get(f"/{key[:30]}")
    await nobody.post("/v1/auth/revoke", data={"token": key})
    formatter = JsonLines()
    ours = [record for record in caplog.records if record.name != "httpx"]  # the client's own
    said = "\n".join(formatter.format(record) for record in ours)
    assert said.count("basalt.access") == 11
    for secret in (
        CANARY,
        PASSWORD,
        tokens["access_token"].split(".")[2],
        tokens["refresh_token"],
        again.json()["refresh_token"],
        key[:20],
    ):
        assert secret not in said


async def test_nobody_forges_a_line(
    api: Api, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = await api.client(User_Agent="x")
    caplog.clear()
    await nobody.get("/a%0d%0a{%22level%22:%22error%22}%1b[31m%e2%80%ae")
    formatter = JsonLines()
    said = [formatter.format(record) for record in caplog.records]
    assert all(line.isascii() and line.isprintable() for line in said)
    (line,) = lines()
    assert line["level"] == "info"
