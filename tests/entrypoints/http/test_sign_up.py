"""Proves who can open an account, with which address, name and password, and what comes back."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    sign_in_form,
    told,
    violations,
)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def sign_up(email: str = "ada@example.com", **more: Any) -> dict[str, Any]:
    return {"email": email, "password": PASSWORD, **more}


@EVERY_DATABASE
async def test_a_new_account_comes_back_whole_and_is_found_at_its_location(api: Api) -> None:
    nobody = await api.client()
    answer = await nobody.post("/v1/users", json=sign_up(display_name=" Ada "))
    assert answer.status_code == 201
    user = answer.json()
    assert re.fullmatch(ID, user.pop("id"))
    assert re.fullmatch(TIME, user["created_at"])
    assert user.pop("created_at") == user.pop("updated_at")
    assert user == {
        "email": "ada@example.com",
        "display_name": "Ada",
        "role": "member",
        "status": "active",
        "email_verified": False,
    }
    ada = await api.sign_in("ada@example.com")
    assert (await ada.http.get(answer.headers["Location"])).json() == answer.json()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Ada@Example.COM\t", "ada@example.com"),
        ("ada+tag@sub.example.com", "ada+tag@sub.example.com"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
async def test_an_address_is_kept_in_one_form_and_opens_the_account_in_any(
    nobody: httpx.AsyncClient, written: str, kept: str
) -> None:
    answer = await nobody.post("/v1/users", json=sign_up(written))
    assert (answer.status_code, answer.json()["email"]) == (201, kept)
    for spelling in (written, kept, kept.upper()):
        tokens = await nobody.post("/v1/auth/token", data=sign_in_form(spelling))
        assert tokens.status_code == 200


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "a da@example.com",
        "ada@exa mple.com",
        "ada@-example.com",
        "ada@example.com.",
        "ada@127.0.0.1",
        ".ada@example.com",
        "quac\u212a@example.com",
        "ad\u0131@example.com",
        "ada\uff20example.com",
        "ada@example.com\x00",
        "a" * 65 + "@example.com",
        "ada@" + "a." * 130 + "com",
    ],
)
async def test_what_is_no_address_is_refused(stranger: httpx.AsyncClient, email: str) -> None:
    answer = await stranger.post("/v1/users", json=sign_up(email))
    assert violations(answer) == {("body.email", "email_invalid")}


@EVERY_DATABASE
async def test_an_address_has_one_account_however_it_is_written(
    nobody: httpx.AsyncClient, ada: Person
) -> None:
    for email in (ada.email, " ADA@Example.com "):
        assert told(await nobody.post("/v1/users", json=sign_up(email))) == (409, "EMAIL_TAKEN")


@EVERY_DATABASE
async def test_of_many_who_sign_up_at_once_one_gets_the_address(nobody: httpx.AsyncClient) -> None:
    emails = ["ada@example.com", "ADA@example.com"] * 5
    answers = await asyncio.gather(
        *(nobody.post("/v1/users", json=sign_up(email)) for email in emails)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


@EVERY_DATABASE
@pytest.mark.parametrize(
    ("written", "kept"), [(None, None), ("A", "A"), ("  Ada \n", "Ada"), ("é" * 100, "é" * 100)]
)
async def test_a_display_name_is_kept_trimmed(
    nobody: httpx.AsyncClient, written: str | None, kept: str | None
) -> None:
    answer = await nobody.post("/v1/users", json=sign_up(display_name=written))
    assert (answer.status_code, answer.json()["display_name"]) == (201, kept)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "string_too_short"),
        (" \t", "string_too_short"),
        ("x" * 101, "string_too_long"),
        ("A\x00da", "string_nul"),
        (7, "string_type"),
        (["Ada"], "string_type"),
    ],
)
async def test_what_is_no_display_name_is_refused(
    stranger: httpx.AsyncClient, name: object, code: str
) -> None:
    answer = await stranger.post("/v1/users", json=sign_up(display_name=name))
    assert violations(answer) == {("body.display_name", code)}


@pytest.mark.parametrize(
    "field", ["id", "role", "status", "email_verified", "created_at", "scopes", "password_hash"]
)
async def test_what_only_the_service_decides_cannot_be_sent(
    nobody: httpx.AsyncClient, field: str
) -> None:
    answer = await nobody.post("/v1/users", json=sign_up(**{field: "admin"}))
    assert violations(answer) == {("body", "extra_forbidden")}
    form = sign_in_form("ada@example.com")
    assert (await nobody.post("/v1/auth/token", data=form)).status_code == 401


@pytest.mark.parametrize("missing", ["email", "password"])
async def test_address_and_password_are_required(nobody: httpx.AsyncClient, missing: str) -> None:
    body = {name: value for name, value in sign_up().items() if name != missing}
    answer = await nobody.post("/v1/users", json=body)
    assert violations(answer) == {(f"body.{missing}", "missing")}
