"""Proves in which order a request that is wrong in many ways is refused (contract §1)."""

from typing import Any

import pytest

from tests.entrypoints.http.api import JSON, NOWHERE, Api, Person, Start, told

BIG = b"{" + b" " * 2000 + b"}"


async def test_each_fault_is_told_before_those_that_come_later(start: Start) -> None:
    async with start(max_body_bytes=1024) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        reader = await api.sign_in(ada.email, scope="items:read")
        nobody = await api.client()
        taken = f"/v1/items/{(await ada.item())['id']}"
        text, stale = {"Content-Type": "text/plain"}, {"If-Match": '"0-owner"'}
        valid, invalid = b'{"title": "x"}', b'{"title": ""}'
        steps: list[tuple[Any, str, bytes, dict[str, str], tuple[int, str]]] = [
            (nobody, "x", BIG, text, (413, "PAYLOAD_TOO_LARGE")),
            (nobody, "x", b"{", text, (415, "UNSUPPORTED_MEDIA_TYPE")),
            (nobody, "x", b"{", JSON, (400, "MALFORMED_REQUEST")),
            (nobody, "x", invalid, JSON, (401, "UNAUTHENTICATED")),
            (reader.http, "x?foo=1", invalid, JSON, (403, "INSUFFICIENT_SCOPE")),
            (bob.http, NOWHERE, invalid, JSON, (422, "VALIDATION_ERROR")),
            (bob.http, NOWHERE + "?foo=1", valid, JSON, (422, "VALIDATION_ERROR")),
            (bob.http, NOWHERE, valid, JSON, (404, "ITEM_NOT_FOUND")),
            (bob.http, taken, valid, JSON, (403, "FORBIDDEN")),
            (ada.http, taken, valid, JSON, (412, "PRECONDITION_FAILED")),
        ]
        for client, place, body, headers, wanted in steps:
            path = place if place.startswith("/") else f"/v1/items/{place}"
            for method in ("PUT", "PATCH"):
                answer = await client.request(method, path, content=body, headers=headers | stale)
                assert told(answer) == wanted


@pytest.mark.parametrize(
    "attributes", [rb'{"a": "\u0000"}', rb'{"a": "\ud800"}', b'{"a": 1e400}', rb'{"\u0000": 1}']
)
async def test_an_invalid_patch_is_invalid_whosever_item_it_is_for(
    ada: Person, bob: Person, attributes: bytes
) -> None:
    body = b'{"attributes": ' + attributes + b"}"
    for id in (NOWHERE, (await ada.item())["id"]):
        answer = await bob.http.patch(f"/v1/items/{id}", content=body, headers=JSON)
        assert told(answer) == (422, "VALIDATION_ERROR")


async def test_a_body_is_refused_before_it_is_asked_who_sends_it(api: Api) -> None:
    stranger = await api.bearer("x.y.z")
    answer = await stranger.post("/v1/items", content=b"{", headers=JSON)
    assert told(answer) == (400, "MALFORMED_REQUEST")
    answer = await stranger.post("/v1/items", content=b"{}", headers=JSON)
    assert told(answer) == (401, "INVALID_TOKEN")


async def test_sign_up_checks_values_before_the_store(api: Api, ada: Person) -> None:
    nobody = await api.client()
    body = {"email": ada.email, "password": "short"}
    for wrong, wanted in (
        ({"x": 1}, (422, "VALIDATION_ERROR")),
        ({}, (422, "WEAK_PASSWORD")),
        ({"password": "an orchard of quiet lamps"}, (409, "EMAIL_TAKEN")),
    ):
        assert told(await nobody.post("/v1/users", json=body | wrong)) == wanted


async def test_a_wrong_proof_and_a_weak_password_are_told_in_order(ada: Person) -> None:
    body = {"current_password": "wrong", "new_password": "short"}
    assert told(await ada.http.put("/v1/users/me/password", json=body)) == (422, "WEAK_PASSWORD")
    body["new_password"] = "a river of patient stones"
    assert told(await ada.http.put("/v1/users/me/password", json=body)) == (403, "WRONG_PASSWORD")
