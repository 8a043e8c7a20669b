"""Proves that PATCH is a JSON merge patch (RFC 7396): absent stays, null clears, objects merge."""

from typing import Any

import pytest

from tests.entrypoints.http.api import EVERY_DATABASE, JSON, Person, violations

FULL: dict[str, Any] = {
    "title": "Lamp oil",
    "description": "For the long nights.",
    "tags": ["winter"],
    "attributes": {"a": 1, "b": {"c": [1], "d": None}},
}


async def patched(ada: Person, item: dict[str, Any], patch: Any) -> dict[str, Any]:
    answer = await ada.http.patch(f"/v1/items/{item['id']}", json=patch)
    assert answer.status_code == 200, answer.text
    seen = await ada.http.get(f"/v1/items/{item['id']}")
    assert seen.json() == answer.json()
    assert seen.headers["ETag"] == answer.headers["ETag"] == f'"{seen.json()["version"]}-owner"'
    after: dict[str, Any] = answer.json()
    return after


@EVERY_DATABASE
@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({"title": " New "}, {"title": "New"}),
        ({"description": "x"}, {"description": "x"}),
        ({"description": None}, {"description": ""}),
        ({"tags": ["B", "b"]}, {"tags": ["b"]}),
        ({"tags": None}, {"tags": []}),
        ({"tags": []}, {"tags": []}),
        ({"attributes": None}, {"attributes": {}}),
        ({"title": "New", "tags": None}, {"title": "New", "tags": []}),
        ({"attributes": {"e": {}}}, {"attributes": {"a": 1, "b": {"c": [1], "d": None}, "e": {}}}),
        ({"attributes": {"a": None}}, {"attributes": {"b": {"c": [1], "d": None}}}),
        ({"attributes": {"a": 1.0}}, {"attributes": {"a": 1.0, "b": {"c": [1], "d": None}}}),
        ({"attributes": {"a": True}}, {"attributes": {"a": True, "b": {"c": [1], "d": None}}}),
        ({"attributes": {"b": {"d": None}}}, {"attributes": {"a": 1, "b": {"c": [1]}}}),
        ({"attributes": {"b": {"c": None, "d": 2}}}, {"attributes": {"a": 1, "b": {"d": 2}}}),
        ({"attributes": {"b": [{"x": None}]}}, {"attributes": {"a": 1, "b": [{"x": None}]}}),
        (
            {"attributes": {"a": {"x": {"y": None}}}},
            {"attributes": {"a": {"x": {}}, "b": {"c": [1], "d": None}}},
        ),
    ],
)
async def test_what_is_sent_changes_and_the_rest_stays(
    ada: Person, patch: dict[str, Any], changes: dict[str, Any]
) -> None:
    item = await ada.item(**FULL)
    after = await patched(ada, item, patch)
    assert after["updated_at"] > item["updated_at"]
    wanted = item | changes | {"version": 2, "updated_at": after["updated_at"]}
    assert repr(after) == repr(wanted)


@EVERY_DATABASE
@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"title": "  Lamp oil"},
        {"tags": ["Winter", "winter "]},
        {"attributes": {}},
        {"attributes": {"nothing": None, "a": 1}},
        {"attributes": {"b": {"c": [1]}}},
    ],
)
async def test_a_patch_that_changes_nothing_makes_no_version(
    ada: Person, patch: dict[str, Any]
) -> None:
    item = await ada.item(**FULL)
    assert await patched(ada, item, patch) == item


@pytest.mark.parametrize(
    ("patch", "field", "code"),
    [
        ({"title": None}, "body.title", "string_type"),
        ({"title": ""}, "body.title", "string_too_short"),
        ({"tags": [None]}, "body.tags.0", "string_type"),
        ({"attributes": [1]}, "body.attributes", "dict_type"),
        ({"attributes": {"x": "x" * 16_400}}, "body.attributes", "too_large"),
        ({"attributes": {str(n): n for n in range(256)}}, "body.attributes", "too_many_keys"),
        ({"attributes": {"x": [[[[[[[[]]]]]]]]}}, "body.attributes", "too_deep"),
        ({"attributes": {"x": "\x00"}}, "body.attributes", "string_nul"),
        ({"owner_id": None}, "body", "extra_forbidden"),
        ({"version": 1}, "body", "extra_forbidden"),
    ],
)
async def test_what_would_make_no_item_is_refused_and_nothing_changes(
    reader: Person, patch: dict[str, Any], field: str, code: str
) -> None:
    item = await reader.item(**FULL)
    answer = await reader.http.patch(f"/v1/items/{item['id']}", json=patch)
    assert violations(answer) == {(field, code)}
    assert (await reader.http.get(f"/v1/items/{item['id']}")).json() == item


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
async def test_a_patch_is_an_object(reader: Person, body: bytes) -> None:
    item = await reader.item()
    answer = await reader.http.patch(f"/v1/items/{item['id']}", content=body, headers=JSON)
    assert {field for field, _ in violations(answer)} == {"body"}


async def test_it_may_be_called_a_merge_patch(ada: Person) -> None:
    item = await ada.item(**FULL)
    answer = await ada.http.patch(
        f"/v1/items/{item['id']}",
        content=b'{"tags": null}',
        headers={"Content-Type": "Application/Merge-Patch+JSON; charset=utf-8"},
    )
    assert (answer.status_code, answer.json()["tags"]) == (200, [])
