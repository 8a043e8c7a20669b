"""Proves that HEAD works wherever GET does, 405 names every method, and paths are exact."""

import re

import pytest

from tests.entrypoints.http.api import NOWHERE, Person, told
from tests.entrypoints.http.promises import document, operations_at

READABLE = [
    "/v1/users/me",
    "/v1/items",
    "/v1/items?limit=1",
    f"/v1/items/{NOWHERE}",
    "/v1/items/x",
    "/.well-known/jwks.json",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/assets/swagger-ui.css",
    "/docs/assets/nothing",
    "/nowhere",
]
OWN = {"x-request-id", "date"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]


def known_methods() -> dict[str, set[str]]:
    paths = [re.sub(r"\{[^}]*\}", NOWHERE, path) for path in document()["paths"]]
    known = {path: set(operations_at(path)) for path in paths}
    known |= {path: {"GET"} for path in ("/docs", "/docs/start.js", "/openapi.json")}
    return {
        path: methods | {"HEAD"} if "GET" in methods else methods for path, methods in known.items()
    }


@pytest.mark.parametrize("path", READABLE)
async def test_head_is_get_without_the_body(reader: Person, path: str) -> None:
    got, head = await reader.http.get(path), await reader.http.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert {k: v for k, v in head.headers.items() if k not in OWN} == {
        k: v for k, v in got.headers.items() if k not in OWN
    }
    assert int(head.headers["Content-Length"]) == len(got.content) > 0


async def test_head_of_an_item_has_its_tag(ada: Person) -> None:
    answer = await ada.http.head(f"/v1/items/{(await ada.item())['id']}")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1-owner"')


async def test_head_needs_what_get_needs(ada: Person) -> None:
    for path in ("/v1/users/me", "/v1/items"):
        answer = await ada.http.head(path, headers={"Authorization": ""})
        assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(("path", "known"), known_methods().items())
async def test_405_names_every_method_of_the_path(
    reader: Person, path: str, known: set[str]
) -> None:
    refused = [method for method in METHODS if method not in known]
    assert refused
    for method in refused:
        answer = await reader.http.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["Allow"].split(", ") == sorted(known)
        if method != "HEAD":
            assert told(answer) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_no_header_changes_the_method(ada: Person, header: str) -> None:
    path = f"/v1/items/{(await ada.item())['id']}"
    answer = await ada.http.get(f"{path}?_method=DELETE", headers={header: "DELETE"})
    assert answer.status_code == 422
    assert (await ada.http.get(path, headers={header: "DELETE"})).status_code == 200
    assert (await ada.http.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/items/",
        "/v1//items",
        "//v1/items",
        "/V1/items",
        "/v1/Items",
        "/v1/users/me/",
        f"/v1/items/{NOWHERE}/",
        f"/v1/items/{NOWHERE}/x",
        f"/v1/items/{NOWHERE}%2fx",
        "/v2/items",
        "/docs/",
        "/health",
        "/health/live/",
        "/redoc",
        "/metrics",
        "/.env",
        "/docs/oauth2-redirect",
        "/%00",
        "/%ff",
        "/health/live%0A",
        "/v1/auth/logout%0A",
        "/docs%0A",
        "/openapi.json%0A",
    ],
)
async def test_a_path_that_is_not_exactly_one_of_ours_is_nothing(reader: Person, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await reader.http.request(method, path, headers={"Host": "evil.example"})
        assert told(answer) == (404, "NOT_FOUND")
        assert "Location" not in answer.headers
