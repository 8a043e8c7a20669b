"""Proves what holds at the edge: request ids, headers on every answer, and errors nobody caught."""

import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from entrypoints.http.route import StrictRoute
from tests.entrypoints.http.api import Api, Person, Start, told
from tests.entrypoints.http.promises import EVERYWHERE

CANARY = "Kanarienvogel7Qx"
OURS = r"[0-9a-f]{32}"


# ---------------------------------------------------------------------------------- request ids
@pytest.mark.parametrize("id", ["a", "A-z_0.9", "x" * 64, "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5d"])
@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/v1/items"])
async def test_a_client_may_name_its_request(nobody: httpx.AsyncClient, id: str, path: str) -> None:
    answer = await nobody.get(path, headers={"X-Request-ID": id})
    assert answer.headers.get_list("X-Request-ID") == [id]


@pytest.mark.parametrize(
    "id", ["", " ", "x" * 65, "a b", "a/b", "a\tb", 'a"b', "a:b", b"\xc3\xa9", "a,b", "<b>"]
)
async def test_another_name_is_replaced(nobody: httpx.AsyncClient, id: str | bytes) -> None:
    answer = await nobody.get("/health/live", headers=[(b"X-Request-ID", _bytes(id))])
    assert re.fullmatch(OURS, answer.headers["X-Request-ID"])


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


async def test_no_two_requests_have_one_id(nobody: httpx.AsyncClient) -> None:
    ids = {(await nobody.get("/health/live")).headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20


async def test_of_two_names_the_answer_has_one(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get(
        "/health/live", headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")]
    )
    assert len(answer.headers.get_list("X-Request-ID")) == 1


# ------------------------------------------------------------------------------- every answer
def assert_safe(answer: httpx.Response) -> None:
    for name, value in EVERYWHERE.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers.get_list("Cache-Control") == ["no-store"]
    assert not {"server", "x-powered-by"} & set(answer.headers)
    assert answer.headers["X-Request-ID"]


async def test_every_answer_is_safe_from_browsers_and_caches(start: Start) -> None:
    async with start(max_body_bytes=1024) as api:
        ada = await api.join("ada")
        item = await ada.item()
        for method, path, status in (
            ("GET", "/v1/users/me", 200),
            ("GET", f"/v1/items/{item['id']}", 200),
            ("DELETE", f"/v1/items/{item['id']}", 204),
            ("GET", "/v1/items/x", 422),
            ("GET", "/nowhere", 404),
            ("TRACE", "/v1/items", 405),
            ("GET", "/openapi.json", 200),
        ):
            answer = await ada.http.request(method, path)
            assert answer.status_code == status
            assert_safe(answer)
        answer = await ada.http.post("/v1/items", content=b" " * 2000)
        assert answer.status_code == 413
        assert_safe(answer)


# ------------------------------------------------------------------------- what nobody caught
class Unexpected(Exception):
    """A bug."""


def plant(api: Api) -> None:
    async def fail() -> None:
        raise Unexpected(f"{CANARY} in a table")

    async def fail_halfway() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise Unexpected(CANARY)

        return StreamingResponse(half())

    api.app.add_api_route("/planted", fail, methods=["GET", "POST"], include_in_schema=False)
    api.app.add_api_route("/planted/halfway", fail_halfway, include_in_schema=False)


async def test_a_bug_is_a_500_that_says_only_its_id(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    plant(api)
    with caplog.at_level(logging.INFO):
        answer = await ada.http.get("/planted?q=1", headers={"X-Request-ID": "quote-me"})
    assert told(answer) == (500, "INTERNAL_ERROR")
    assert answer.json()["error"]["details"] == {"request_id": "quote-me"}
    assert answer.headers["X-Request-ID"] == "quote-me"
    assert CANARY not in answer.text
    assert_safe(answer)
    (event,) = [record for record in caplog.records if record.exc_info]
    assert vars(event)["request_id"] == "quote-me"
    assert CANARY in str(event.exc_info)
    assert (await ada.http.get("/v1/users/me")).status_code == 200


async def test_a_bug_with_a_body_and_a_head_is_the_same(api: Api, ada: Person) -> None:
    plant(api)
    assert told(await ada.http.post("/planted", json={"a": 1})) == (500, "INTERNAL_ERROR")
    answer = await ada.http.head("/planted")
    assert (answer.status_code, answer.content) == (500, b"")


async def test_an_exception_of_the_framework_is_no_way_to_refuse(
    api: Api, nobody: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse() -> None:
        raise HTTPException(418, CANARY)

    api.app.router.routes.append(StrictRoute("/planted", refuse, status_code=204))
    with caplog.at_level(logging.INFO):
        answer = await nobody.get("/planted")
    assert told(answer) == (500, "INTERNAL_ERROR")
    assert CANARY not in answer.text
    (event,) = [record for record in caplog.records if record.exc_info]
    assert CANARY in str(event.exc_info)


async def test_half_an_answer_is_broken_off_and_not_made_to_look_whole(
    api: Api, nobody: httpx.AsyncClient
) -> None:
    plant(api)
    with pytest.raises(Unexpected):
        await nobody.get("/planted/halfway")


async def test_a_bug_in_a_use_case_is_a_500_as_well(api: Api, ada: Person) -> None:
    def fail(*_: object) -> None:
        raise Unexpected(CANARY)

    with api.container.read_item.override(fail):
        answer = await ada.http.get(f"/v1/items/{(await ada.item())['id']}")
    assert told(answer) == (500, "INTERNAL_ERROR")
    assert CANARY not in answer.text


# -------------------------------------------------------------------------------------- health
async def test_the_process_lives_and_is_ready(nobody: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = await nobody.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
