"""What the contract promises of every answer, whatever was asked; each test's client checks it."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx

from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.errors import CATALOGUE
from entrypoints.settings import Settings

ERROR = 400
OUTSIDE_OPERATIONS = {
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "INTERNAL_ERROR",
}
"""What can be answered where no documented operation is."""

DESCRIBED = ("ETag", "Idempotent-Replayed", "Link", "Location")
"""Headers that clients work with: whichever is sent is in the document."""

PLANTED = "/planted"
"""Where tests add routes of their own, which the document need not know."""

EVERYWHERE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGES_OF_THEIR_OWN = ("/docs",)
CACHEABLE = ("/.well-known/", *PAGES_OF_THEIR_OWN)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    settings = Settings()
    return create_app(settings, Container(settings=settings)).openapi()


Operation = dict[str, Any]


def operations() -> Iterator[tuple[str, Operation]]:
    """Yield every operation there is, named like `GET /v1/items`."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


@cache
def templates() -> list[tuple[re.Pattern[str], dict[str, Operation]]]:
    """Return which paths there are, those without parameters first, and their operations."""
    found = sorted(document()["paths"].items(), key=lambda template: template[0].count("{"))
    return [
        (
            re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))),
            {method.upper(): operation for method, operation in item.items()},
        )
        for path, item in found
    ]


def operations_at(path: str) -> dict[str, Operation]:
    """Return the operations of a path by their methods: its own, or else its template's."""
    found = (operations for pattern, operations in templates() if pattern.fullmatch(path))
    return next(found, {})


def operation_of(method: str, path: str) -> Operation | None:
    """Return what OpenAPI says of this call, or None if it does not know it."""
    return operations_at(path).get("GET" if method == "HEAD" else method)


def documented_codes(known: Operation, status: int) -> set[str]:
    """Return the codes that an operation says it answers with this status."""
    answered = known["responses"].get(str(status), {})
    examples = answered.get("content", {}).get("application/json", {}).get("examples", {})
    return set(examples)


async def check(answer: httpx.Response) -> None:
    """Fail unless the answer is as every answer must be."""
    await answer.aread()
    request, path = answer.request, answer.request.url.path
    _check_headers(answer, path)
    known = operation_of(request.method, path)
    if answer.status_code >= ERROR:
        _check_error(answer, known)
        return
    if known is not None:
        assert str(answer.status_code) in known["responses"], (request, answer.status_code)
        described = known["responses"][str(answer.status_code)].get("headers", {})
        missing = {name for name in DESCRIBED if name in answer.headers} - set(described)
        assert not missing, (request, "not in the OpenAPI document", missing)
    if answer.status_code in {204, 304}:
        assert not answer.content


def _check_headers(answer: httpx.Response, path: str) -> None:
    headers = answer.headers
    (request_id,) = headers.get_list("X-Request-ID")
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", request_id)
    for name, value in EVERYWHERE.items():
        (found,) = headers.get_list(name)
        assert found == value or path.startswith(PAGES_OF_THEIR_OWN), (path, name)
    (caching,) = headers.get_list("Cache-Control")
    assert caching == "no-store" or path.startswith(CACHEABLE), path
    assert not {"server", "x-powered-by"} & set(headers)
    if answer.request.method == "HEAD":
        assert not answer.content


def _check_error(answer: httpx.Response, known: Operation | None) -> None:
    status, headers = answer.status_code, answer.headers
    assert headers["Content-Type"] == "application/json"
    assert ("WWW-Authenticate" in headers) == (
        status == httpx.codes.UNAUTHORIZED or "scope=" in headers.get("WWW-Authenticate", "")
    )
    assert ("Retry-After" in headers) or status not in {429, 503}
    assert ("Allow" in headers) == (status == httpx.codes.METHOD_NOT_ALLOWED)
    if answer.request.method == "HEAD":
        return
    body = answer.json()
    assert body.keys() == {"error"}
    error = body["error"]
    assert error.keys() == {"code", "message", "details"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["details"], dict)
    assert CATALOGUE[error["code"]] == status
    if known is None:
        planted = answer.request.url.path.startswith(PLANTED)
        assert planted or error["code"] in OUTSIDE_OPERATIONS
    else:
        assert error["code"] in documented_codes(known, status), (answer.request, error["code"])
    if error["code"] == "VALIDATION_ERROR":
        assert error["details"].keys() == {"errors"}
        assert error["details"]["errors"]
        for violation in error["details"]["errors"]:
            assert violation.keys() == {"field", "code", "message"}
            assert re.match(r"(body|query|path|header|cookie)(\.|\Z)", violation["field"]), (
                violation
            )
