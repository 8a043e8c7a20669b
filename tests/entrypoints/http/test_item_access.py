"""Proves that somebody else's item is refused, a missing one is missing, and who may do all."""

from typing import Any

import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    Api,
    Person,
    told,
)

ACTS: list[tuple[str, dict[str, Any] | None]] = [
    ("GET", None),
    ("PATCH", {"title": "Mine"}),
    ("PUT", {"title": "Mine"}),
    ("DELETE", None),
]


@EVERY_DATABASE
@pytest.mark.parametrize(("method", "body"), ACTS)
async def test_somebody_elses_item_is_refused_and_untouched(
    ada: Person, bob: Person, method: str, body: dict[str, Any] | None
) -> None:
    item = await ada.item()
    answer = await bob.http.request(method, f"/v1/items/{item['id']}", json=body)
    assert told(answer) == (403, "FORBIDDEN")
    assert item["title"] not in answer.text
    assert (await ada.http.get(f"/v1/items/{item['id']}")).json() == item


@pytest.mark.parametrize(("method", "body"), ACTS)
async def test_no_item_is_no_item_and_put_makes_none(
    ada: Person, admin: Person, method: str, body: dict[str, Any] | None
) -> None:
    for person in (ada, admin):
        answer = await person.http.request(method, f"/v1/items/{NOWHERE}", json=body)
        assert told(answer) == (404, "ITEM_NOT_FOUND")
        assert (await person.http.get("/v1/items")).json()["data"] == []


@EVERY_DATABASE
async def test_an_administrator_sees_changes_and_deletes_any_item(
    ada: Person, admin: Person
) -> None:
    path = f"/v1/items/{(await ada.item())['id']}"
    seen = await admin.http.get(path)
    assert (seen.json()["access"], seen.headers["ETag"]) == ("admin", '"1-admin"')
    assert (await admin.http.patch(path, json={"title": "New"})).json()["version"] == 2
    own = await ada.http.get(path)
    assert (own.json()["title"], own.headers["ETag"]) == ("New", '"2-owner"')
    assert own.json()["owner_id"] == await ada.id()
    assert (await admin.http.delete(path)).status_code == 204
    assert (await ada.http.get(path)).status_code == 404


async def test_an_administrator_without_the_scope_is_like_anybody(
    api: Api, ada: Person, admin: Person
) -> None:
    path = f"/v1/items/{(await ada.item())['id']}"
    narrow = await api.sign_in(admin.email, scope="items:read items:write")
    assert told(await narrow.http.get(path)) == (403, "FORBIDDEN")
    assert told(await narrow.http.delete(path)) == (403, "FORBIDDEN")
