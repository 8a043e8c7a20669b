"""Proves that types are strict, ids canonical, and that no answer repeats what was sent."""

from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    JSON,
    NOWHERE,
    PASSWORD,
    Person,
    sign_in_form,
    violations,
)

CANARY = "Kanarienvogel7Qx"
ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}


# ----------------------------------------------------------------------------------------- types
@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/v1/users", ACCOUNT, {"email": 1}),
        ("/v1/users", ACCOUNT, {"email": ["ada@example.com"]}),
        ("/v1/users", ACCOUNT, {"password": 123456789012345678}),
        ("/v1/users", ACCOUNT, {"password": None}),
        ("/v1/users", ACCOUNT, {"display_name": True}),
        ("/v1/users/me/deletion", {"password": PASSWORD}, {"password": [PASSWORD]}),
        ("/v1/items", {"title": "x"}, {"title": 1}),
        ("/v1/items", {"title": "x"}, {"title": True}),
        ("/v1/items", {"title": "x"}, {"description": 1.5}),
        ("/v1/items", {"title": "x"}, {"tags": {"a": 1}}),
        ("/v1/items", {"title": "x"}, {"tags": "a"}),
        ("/v1/items", {"title": "x"}, {"attributes": "{}"}),
        ("/v1/items", {"title": "x"}, {"attributes": [["a", 1]]}),
    ],
)
async def test_no_value_is_taken_for_one_of_another_type(
    reader: Person, path: str, body: dict[str, Any], wrong: dict[str, Any]
) -> None:
    (field,) = wrong
    answer = await reader.http.post(path, json=body | wrong)
    assert {place for place, _ in violations(answer)} == {f"body.{field}"}


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"true", b'[{"title": "x"}]'])
async def test_a_body_is_an_object(reader: Person, body: bytes) -> None:
    answer = await reader.http.post("/v1/items", content=body, headers=JSON)
    assert {place for place, _ in violations(answer)} == {"body"}


# ------------------------------------------------------------------------------------------- ids
@pytest.mark.parametrize(
    "id",
    [
        NOWHERE.upper(),
        NOWHERE.replace("-", ""),
        f"{{{NOWHERE}}}",
        f"urn:uuid:{NOWHERE}",
        NOWHERE[:-1],
        NOWHERE + "0",
        f"%20{NOWHERE}",
        f"{NOWHERE}%0a",
        NOWHERE.replace("0", "\u0660"),
        "1",
        "%00",
        "%ff",
        "null",
        "..%00",
    ],
)
async def test_an_id_has_one_spelling(reader: Person, id: str) -> None:
    for method, body in (("GET", None), ("PATCH", {}), ("PUT", {"title": "x"}), ("DELETE", None)):
        answer = await reader.http.request(method, f"/v1/items/{id}", json=body)
        assert violations(answer) == {("path.id", "uuid_canonical")}


# --------------------------------------------------------------------------- what answers tell
def canaries(field: str) -> list[Any]:
    """Return values of every kind that nobody should see again."""
    return [
        CANARY,
        f"{CANARY}\x00",
        CANARY * 2000,
        [CANARY],
        {CANARY: CANARY},
        [{field: CANARY}],
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": CANARY}}}}}}}},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/users", ACCOUNT | {"display_name": "x"}),
        ("PATCH", "/v1/users/me", {"display_name": "x"}),
        ("PUT", "/v1/users/me/password", {"current_password": PASSWORD, "new_password": "x"}),
        ("POST", "/v1/users/me/deletion", {"password": "x"}),
        ("POST", "/v1/items", {"title": "", "description": "", "tags": [], "attributes": {}}),
        ("PUT", f"/v1/items/{NOWHERE}", {"title": "", "tags": [], "attributes": {}}),
        ("PATCH", f"/v1/items/{NOWHERE}", {"title": "", "tags": [], "attributes": {}}),
    ],
)
async def test_no_error_repeats_what_a_field_held(
    ada: Person, method: str, path: str, body: dict[str, Any]
) -> None:
    refused = 0
    for field in [*body, CANARY]:
        for value in canaries(field):
            sent = body | {field: value} if field in body else {CANARY: value}
            answer = await ada.http.request(method, path, json=sent)
            if answer.status_code >= 400:
                refused += 1
                assert CANARY not in answer.text + str(answer.headers)
    assert refused > len(body) * 4


async def test_no_error_repeats_what_a_form_held(nobody: httpx.AsyncClient) -> None:
    form = sign_in_form("ada@example.com") | {"scope": "items:read", "refresh_token": "x"}
    for field in form:
        for grant in ("password", "refresh_token"):
            sent = form | {"grant_type": grant} | {field: CANARY}
            answer = await nobody.post("/v1/auth/token", data=sent)
            assert answer.status_code in {400, 401}
            assert CANARY not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/items/{CANARY}",
        f"/{CANARY}",
        f"/v1/items?limit={CANARY}",
        f"/v1/items?{CANARY}=1",
        f"/v1/items?cursor={CANARY}",
        f"/v1/users/me?{CANARY}",
        f"/docs/assets/{CANARY}",
        f"/.well-known/{CANARY}?{CANARY}={CANARY}",
    ],
)
async def test_no_error_repeats_what_an_address_held(reader: Person, path: str) -> None:
    answer = await reader.http.get(path)
    assert answer.status_code >= 400
    assert CANARY not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "header",
    ["Authorization", "If-Match", "Content-Type", "Host", "X-Forwarded-Host", "X-Forwarded-For",
     "Origin", "Referer", "Cookie", "User-Agent"],
)  # fmt: skip
async def test_no_error_repeats_what_a_header_held(reader: Person, header: str) -> None:
    for prefix in ("", "Bearer ", '"'):
        value = f"{prefix}{CANARY}"
        answer = await reader.http.put(
            f"/v1/items/{NOWHERE}", content=b'{"title": "x"}', headers=JSON | {header: value}
        )
        assert answer.status_code >= 400
        assert CANARY not in answer.text + str(answer.headers)


# ----------------------------------------------------------------------------------------- query
@pytest.mark.parametrize("written", ["%ff", "%c0%af", "%ed%a0%80", "a%e2%82"])
async def test_a_query_is_text(reader: Person, stranger: httpx.AsyncClient, written: str) -> None:
    for answer in (
        await reader.http.get(f"/v1/items?q={written}"),
        await stranger.get(f"/health/live?{written}=1"),
    ):
        assert violations(answer) == {("query", "string_unicode")}
