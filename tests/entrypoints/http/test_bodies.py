"""Proves which bodies are read: not too large (413), of a known type (415), parsable (400)."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from entrypoints.http.bodies import Bodies
from entrypoints.http.route import StrictRoute
from tests.entrypoints.http.api import JSON, PASSWORD, Api, Person, Start, told, violations

LIMIT = 1024
ITEM = b'{"title": "Lamp oil"}'


def item_of(size: int) -> bytes:
    """Return an item whose JSON has exactly so many bytes."""
    return b'{"title": "Lamp oil"' + b" " * (size - len(ITEM)) + b"}"


async def in_chunks(body: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for place in range(0, len(body), size):
        yield body[place : place + size]


# ------------------------------------------------------------------------------------ too large
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_may_have_as_many_bytes_as_the_operator_says(
    start: Start, size: int, status: int, chunked: bool
) -> None:
    async with start(max_body_bytes=LIMIT) as api:
        ada = await api.join("ada")
        body = item_of(size)
        answer = await ada.http.post(
            "/v1/items", content=in_chunks(body) if chunked else body, headers=JSON
        )
        assert answer.status_code == status
        if status == 413:
            assert told(answer) == (413, "PAYLOAD_TOO_LARGE")
        assert len((await ada.http.get("/v1/items")).json()["data"]) == (status == 201)


async def test_the_rest_of_a_body_that_is_too_large_is_not_waited_for(start: Start) -> None:
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while len(sent) < 1000:
            sent.append(1)
            yield b" " * 100

    async with start(max_body_bytes=LIMIT) as api:
        nobody = await api.client()
        answer = await nobody.post("/v1/users", content=endless(), headers=JSON)
    assert told(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert len(sent) <= LIMIT // 100 + 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users/me"),
        ("POST", "/nowhere"),
        ("DELETE", "/docs"),
        ("POST", "/v1/auth/token"),
    ],
)
async def test_what_announces_too_much_is_refused_on_every_path(
    start: Start, method: str, path: str
) -> None:
    async with start(max_body_bytes=LIMIT) as api:
        nobody = await api.client()
        answer = await nobody.request(method, path, content=b"x" * (LIMIT + 1))
        assert told(answer) == (413, "PAYLOAD_TOO_LARGE")


# --------------------------------------------------------------------------------- unknown types
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;",
    ],
)
async def test_json_is_read(ada: Person, kind: str) -> None:
    answer = await ada.http.post("/v1/items", content=ITEM, headers={"Content-Type": kind})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/jsonp",
        "application/json, text/plain",
        "multipart/form-data; boundary=x",
        "json",
        "*/*",
        "",
    ],
)
async def test_other_types_are_refused(reader: Person, kind: str) -> None:
    answer = await reader.http.post("/v1/items", content=ITEM, headers={"Content-Type": kind})
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_without_a_type_or_with_two_is_refused(ada: Person) -> None:
    for headers in ([], [("Content-Type", "application/json")] * 2):
        answer = await ada.http.post("/v1/items", content=ITEM, headers=headers)
        assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"]
)
async def test_tokens_are_asked_for_with_a_form_only(
    stranger: httpx.AsyncClient, kind: str
) -> None:
    body = b'{"grant_type": "password"}'
    answer = await stranger.post("/v1/auth/token", content=body, headers={"Content-Type": kind})
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("body", [ITEM, b""], ids=["item", "empty"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity", "x"])
async def test_encoded_bodies_are_refused(reader: Person, encoding: str, body: bytes) -> None:
    headers = JSON | {"Content-Encoding": encoding}
    answer = await reader.http.post("/v1/items", content=body, headers=headers)
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_merge_patch_is_for_patch_only(ada: Person) -> None:
    path = f"/v1/items/{(await ada.item())['id']}"
    headers = {"Content-Type": "application/merge-patch+json"}
    assert (await ada.http.patch(path, content=ITEM, headers=headers)).status_code == 200
    answer = await ada.http.put(path, content=ITEM, headers=headers)
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_request_without_a_body_needs_no_type(ada: Person) -> None:
    answer = await ada.http.post("/v1/items")
    assert violations(answer) == {("body", "missing")}
    assert (await ada.http.post("/v1/auth/logout")).status_code == 204


# ----------------------------------------------------------------------------------- not parsable
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b" ",
        b'{"title": "x"} x',
        b"{'title': 'x'}",
        b'{"title": "x",}',
        b'{"title": "x" /* */}',
        b'{"title": NaN}',
        b'{"title": "x", "attributes": {"n": NaN}}',
        b'{"title": "x", "attributes": {"n": Infinity}}',
        b'{"title": "x", "attributes": {"n": -Infinity}}',
        b'{"title": "x", "attributes": {"n": 01}}',
        b'{"title": "x", "title": "x"}',
        b'{"title": "x", "\\u0074itle": "y"}',
        b'{"title": "x", "attributes": {"a": {"k": 1, "k": 1}}}',
        b'{"title": "\xff"}',
        b'{"title": "\xc0\xaf"}',
        b'{"title": "\xed\xa0\x80"}',
        b'{"title": "tab\tnewline\n"}',
        b'\xef\xbb\xbf{"title": "x"}',
        '{"title": "x"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"title": "x", "attributes": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    ],
    ids=range(22),
)
async def test_what_is_no_json_is_refused(reader: Person, body: bytes) -> None:
    answer = await reader.http.post("/v1/items", content=body, headers=JSON)
    assert told(answer) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"title": "x", "attributes": {"n": 1e400}}', "body.attributes"),
        (b'{"title": "x", "attributes": {"n": -1e400}}', "body.attributes"),
        (b'{"title": "x", "attributes": {"n": "\\u0000"}}', "body.attributes"),
        (b'{"title": "x", "attributes": {"\\ud800": 1}}', "body.attributes"),
        (b'{"title": "x", "attributes": {"n": ["\\udfff"]}}', "body.attributes"),
        (b'{"title": "\\ud800"}', "body.title"),
        (b'{"title": "x", "description": "\\ud83d"}', "body.description"),
        (b'{"title": "x", "tags": ["\\udc00\\ud800"]}', "body.tags"),
        (b'{"title": "x", "\\ud800": 1}', "body"),
        (b'{"title": "x", "attributes": {"n": ' + b"9" * 5000 + b"}}", "body"),
        (b'{"title": ' + b"[" * 500 + b"]" * 500 + b"}", "body.title"),
    ],
    ids=range(11),
)
async def test_what_json_can_say_and_the_service_cannot_keep_is_invalid(
    reader: Person, body: bytes, field: str
) -> None:
    answer = await reader.http.post("/v1/items", content=body, headers=JSON)
    assert {place for place, _ in violations(answer)} == {field}


@pytest.mark.parametrize(("keys", "code"), [(1024, "extra_forbidden"), (1025, "too_many_keys")])
async def test_an_object_with_very_many_keys_is_not_looked_at(
    ada: Person, keys: int, code: str
) -> None:
    body = json.dumps({f"k{number}": 1 for number in range(keys)})
    answer = await ada.http.post("/v1/items", content=body, headers=JSON)
    assert ("body", code) in violations(answer)


async def test_what_is_wrong_in_very_many_places_is_told_once(ada: Person) -> None:
    operations = [{"op": "create", **{f"k{number}": 1 for number in range(900)}}] * 90
    for path, body in (
        ("/v1/items", {"title": "x", "tags": [1] * 100_000}),
        ("/v1/items", {"title": "x", **{f"k{number}": 1 for number in range(900)}}),
        ("/v1/items/batch", {"operations": operations}),
    ):
        answer = await ada.http.post(path, json=body)
        assert answer.status_code == 422
        assert len(answer.json()["error"]["details"]["errors"]) == 1


@pytest.mark.parametrize("ending", [r"\u0000", r"\ud800"])
async def test_a_password_that_is_no_text_is_never_an_accident(ada: Person, ending: str) -> None:
    proof = f'"{PASSWORD}{ending}"'
    bodies = {
        "/v1/users/me/password": f'{{"current_password": {proof}, "new_password": "{PASSWORD}!"}}',
        "/v1/users/me/deletion": f'{{"password": {proof}}}',
    }
    for path, body in bodies.items():
        method = "PUT" if path.endswith("password") else "POST"
        answer = await ada.http.request(method, path, content=body, headers=JSON)
        assert answer.status_code in {403, 422}, answer.text


# ----------------------------------------------------------------------------------- all at once
ROOM = 2000


@pytest.fixture
def bodies(api: Api) -> Bodies:
    """Let an app hold few bytes."""
    api.app.state.application.bodies = Bodies(ROOM)
    bodies: Bodies = api.app.state.application.bodies
    return bodies


class Upload:
    """A body that stops half-way until it may go on, and then ends well or breaks off."""

    def __init__(self, size: int) -> None:
        self._body = item_of(size)
        self._half = size - 10
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: self._half]
        self.has_begun.set()
        await self.may_end.wait()
        yield self._body[self._half :]


async def test_bodies_that_do_not_fit_together_have_to_come_again(
    ada: Person, bodies: Bodies
) -> None:
    upload = Upload(1500)
    first = asyncio.ensure_future(ada.http.post("/v1/items", content=upload, headers=JSON))
    await upload.has_begun.wait()
    late = await ada.http.post("/v1/items", content=item_of(600), headers=JSON)
    assert told(late) == (503, "SERVICE_UNAVAILABLE")
    assert late.headers["Retry-After"] == "1"
    assert (await ada.http.post("/v1/items", content=ITEM, headers=JSON)).status_code == 201
    assert (await ada.http.get("/v1/items")).status_code == 200
    upload.may_end.set()
    assert (await first).status_code == 201
    assert bodies.room == ROOM
    assert (
        await ada.http.post("/v1/items", content=item_of(ROOM), headers=JSON)
    ).status_code == 201


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (ITEM, JSON, 201),
        (b"{", JSON, 400),
        (ITEM, {}, 415),
        (b"{}", JSON, 422),
        (item_of(ROOM + 1), JSON, 503),
    ],
)
async def test_room_is_given_back_whatever_becomes_of_a_body(
    ada: Person, bodies: Bodies, body: bytes, headers: dict[str, str], status: int
) -> None:
    for _ in range(3):
        answer = await ada.http.post("/v1/items", content=in_chunks(body), headers=headers)
        assert answer.status_code == status
        assert bodies.room == ROOM


async def test_a_body_has_its_room_until_its_request_is_answered(
    api: Api, ada: Person, bodies: Bodies
) -> None:
    async def endpoint(body: dict[str, str]) -> dict[str, int]:
        return {"left": bodies.room, "fields": len(body)}

    api.app.router.routes.append(StrictRoute("/planted", endpoint, methods=["POST"]))
    answer = await ada.http.post("/planted", content=item_of(600), headers=JSON)
    assert answer.json() == {"left": ROOM - 600, "fields": 1}


async def test_room_is_given_back_by_who_is_cut_off(ada: Person, bodies: Bodies) -> None:
    upload = Upload(1500)
    call = asyncio.ensure_future(ada.http.post("/v1/items", content=upload, headers=JSON))
    await upload.has_begun.wait()
    assert bodies.room == ROOM - 1490
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert bodies.room == ROOM


async def test_sixteen_of_the_largest_bodies_fit_at_once(start: Start) -> None:
    async with start(max_body_bytes=2**23) as api:
        assert api.app.state.application.bodies.room == 2**27
    async with start() as api:
        assert api.app.state.application.bodies.room == 2**26
