"""Proves that browsers may call from exactly the origins that the operator lists."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.entrypoints.http.api import Api, Person, Start

ORIGIN = "https://app.example.org"
OTHERS = [
    "null",
    "*",
    "",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://app.example.org.evil.example",
    "https://evil-app.example.org",
    "https://evilapp.example.org",
    "https://app.example.org/",
    "https://app.example.org evil",
    "https://example.org",
    "https://sub.app.example.org",
    "https://app.example.org@evil.example",
    "https://app.example.org\u00a0",
]
EXPOSED = {
    "ETag", "Location", "Link", "Retry-After", "X-Request-ID", "Idempotent-Replayed",
    "WWW-Authenticate",
}  # fmt: skip
SENT = "authorization, content-type, if-match, if-none-match, idempotency-key, x-request-id"


@pytest.fixture
async def api(start: Start) -> AsyncIterator[Api]:
    """Run an app that two origins may call."""
    async with start(cors_origins=f"{ORIGIN},http://localhost:3000") as api:
        yield api


def headers_of(origin: str) -> list[tuple[bytes, bytes]]:
    return [(b"Origin", origin.encode())]


def preflight(origin: str, method: str = "PATCH", sent: str = SENT) -> list[tuple[bytes, bytes]]:
    asked = [
        (b"Access-Control-Request-Method", method.encode()),
        (b"Access-Control-Request-Headers", sent.encode()),
    ]
    return headers_of(origin) + asked


def permissions(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


def varies(answer: httpx.Response) -> bool:
    return "origin" in answer.headers.get("Vary", "").lower()


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
async def test_a_listed_origin_may_read_the_answer_and_our_headers(
    ada: Person, origin: str
) -> None:
    for path, status in (("/v1/users/me", 200), ("/v1/items/x", 422), ("/nowhere", 404)):
        answer = await ada.http.get(path, headers=headers_of(origin))
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert varies(answer)


@pytest.mark.parametrize("origin", OTHERS)
async def test_another_origin_may_not(ada: Person, origin: str) -> None:
    answer = await ada.http.get("/v1/users/me", headers=headers_of(origin))
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_listed_origin_is_granted_what_the_api_takes(
    nobody: httpx.AsyncClient, method: str
) -> None:
    answer = await nobody.options("/v1/items", headers=preflight(ORIGIN, method))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(SENT.split(", ")) <= set(allowed)
    assert varies(answer)


@pytest.mark.parametrize(
    "asked",
    [
        *(preflight(origin) for origin in OTHERS),
        preflight(ORIGIN, "TRACE"),
        preflight(ORIGIN, "CONNECT"),
        preflight(ORIGIN, sent="x-evil"),
        preflight(ORIGIN, sent="authorization, cookie2"),
    ],
)
async def test_a_refused_preflight_is_an_empty_204_without_permissions(
    nobody: httpx.AsyncClient, asked: list[tuple[bytes, bytes]]
) -> None:
    answer = await nobody.options("/v1/items", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not permissions(answer)
    assert varies(answer)


async def test_caches_are_told_that_answers_depend_on_the_origin(
    nobody: httpx.AsyncClient,
) -> None:
    for headers in ([], headers_of("https://evil.example"), headers_of(ORIGIN)):
        assert varies(await nobody.get("/.well-known/jwks.json", headers=headers))


async def test_a_listed_origin_may_read_a_500_and_a_413(api: Api, start: Start) -> None:
    async def fail() -> None:
        raise RuntimeError

    api.app.add_api_route("/planted", fail, include_in_schema=False)
    nobody = await api.client()
    answers = [
        await nobody.get("/planted", headers=headers_of(ORIGIN)),
        await nobody.post("/v1/users", content=b" " * 2_000_000, headers=headers_of(ORIGIN)),
    ]
    assert [answer.status_code for answer in answers] == [500, 413]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_without_listed_origins_nobody_is_granted_anything(start: Start) -> None:
    async with start() as api:
        nobody = await api.client()
        answer = await nobody.options("/v1/items", headers=preflight(ORIGIN))
        assert answer.status_code == 405
        assert not permissions(answer)
        assert not permissions(await nobody.get("/health/live", headers=headers_of(ORIGIN)))
