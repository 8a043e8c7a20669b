"""Proves the life of an item over HTTP: made, seen, changed, deleted, and by whom."""

import json
import re
from typing import Any

import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    JSON,
    NOWHERE,
    Person,
    told,
    violations,
)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FULL = {
    "title": "Lamp oil",
    "description": "  For the long nights.\n",
    "tags": ["winter", "light"],
    "attributes": {"z": 1, "a": {"b": [None, True, 1.0, "é🔒"]}},
}


# ------------------------------------------------------------------------------------- creating
@EVERY_DATABASE
async def test_a_new_item_comes_back_whole_and_is_found_at_its_location(ada: Person) -> None:
    answer = await ada.http.post("/v1/items", json=FULL)
    assert answer.status_code == 201
    item = answer.json()
    assert re.fullmatch(ID, item["id"])
    assert re.fullmatch(TIME, item["created_at"])
    assert item == FULL | {
        "id": item["id"],
        "owner_id": await ada.id(),
        "access": "owner",
        "version": 1,
        "created_at": item["created_at"],
        "updated_at": item["created_at"],
    }
    assert answer.headers["Location"] == f"/v1/items/{item['id']}"
    seen = await ada.http.get(answer.headers["Location"])
    assert (seen.status_code, seen.json()) == (200, item)
    assert seen.headers["ETag"] == answer.headers["ETag"] == '"1-owner"'


@EVERY_DATABASE
async def test_only_the_title_is_needed(ada: Person) -> None:
    item = await ada.item("Lamp oil")
    assert (item["description"], item["tags"], item["attributes"]) == ("", [], {})


@EVERY_DATABASE
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"title": " \tLamp oil\u2003"}, {"title": "Lamp oil"}),
        ({"title": "🔒" * 200}, {"title": "🔒" * 200}),
        ({"description": "x" * 10_000}, {"description": "x" * 10_000}),
        ({"tags": [" B ", "a", "b", "A"]}, {"tags": ["b", "a"]}),
        ({"tags": ["t"] * 21}, {"tags": ["t"]}),
        ({"tags": [str(n) for n in range(20)]}, {"tags": [str(n) for n in range(20)]}),
        ({"tags": ["é" * 50]}, {"tags": ["é" * 50]}),
    ],
)
async def test_contents_are_kept_in_their_canonical_form(
    ada: Person, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    item = await ada.item(**sent)
    assert item | kept == item
    assert (await ada.http.get(f"/v1/items/{item['id']}")).json() == item


@EVERY_DATABASE
@pytest.mark.parametrize(
    "written",
    [
        '{"b": 1, "a": 1.0, "c": -0.0, "d": 1e2}',
        '{"big": 123456789012345678901234567890, "max": 9223372036854775808}',
        '{"tiny": 5e-324, "huge": 1.7976931348623157e308, "tenth": 0.1}',
        '{"": "", " key ": " value ", "é": "\\u00e9\\ud83d\\udd12"}',
        '{"null": null, "list": [[], {}, [null]], "false": false}',
        '{"deep": {"3": {"4": {"5": {"6": {"7": {"8": 1}}}}}}}',
    ],
)
async def test_attributes_come_back_as_they_went_in(ada: Person, written: str) -> None:
    body = f'{{"title": "x", "attributes": {written}}}'
    created = await ada.http.post("/v1/items", content=body.encode(), headers=JSON)
    assert created.status_code == 201, created.text
    seen = await ada.http.get(created.headers["Location"])
    for answer in (created, seen):
        assert repr(answer.json()["attributes"]) == repr(json.loads(written))


KEYS = {f"k{n}": 0 for n in range(256)}
DEEP: dict[str, Any] = {"1": {"2": {"3": {"4": {"5": {"6": {"7": {}}}}}}}}
FULL_BYTES = {"k": "é" * ((16 * 1024 - len('{"k":""}')) // 2)}


@EVERY_DATABASE
@pytest.mark.parametrize("attributes", [KEYS, DEEP, FULL_BYTES], ids=["keys", "depth", "bytes"])
async def test_attributes_up_to_the_limits_are_kept(
    ada: Person, attributes: dict[str, Any]
) -> None:
    item = await ada.item(attributes=attributes)
    assert (await ada.http.get(f"/v1/items/{item['id']}")).json()["attributes"] == attributes


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "body.title", "missing"),
        ({"title": None}, "body.title", "string_type"),
        ({"title": ""}, "body.title", "string_too_short"),
        ({"title": " \n"}, "body.title", "string_too_short"),
        ({"title": "x" * 201}, "body.title", "string_too_long"),
        ({"title": "x\x00"}, "body.title", "string_nul"),
        ({"title": "x", "description": "x" * 10_001}, "body.description", "string_too_long"),
        ({"title": "x", "description": None}, "body.description", "string_type"),
        ({"title": "x", "description": "\x00"}, "body.description", "string_nul"),
        ({"title": "x", "tags": [str(n) for n in range(21)]}, "body.tags", "too_long"),
        ({"title": "x", "tags": ["x" * 51]}, "body.tags", "string_too_long"),
        ({"title": "x", "tags": [" "]}, "body.tags", "string_too_short"),
        ({"title": "x", "tags": ["x\x00"]}, "body.tags", "string_nul"),
        ({"title": "x", "tags": "winter"}, "body.tags", "list_type"),
        ({"title": "x", "tags": [1]}, "body.tags.0", "string_type"),
        ({"title": "x", "attributes": []}, "body.attributes", "dict_type"),
        ({"title": "x", "attributes": None}, "body.attributes", "dict_type"),
        ({"title": "x", "attributes": KEYS | {"one": 0}}, "body.attributes", "too_many_keys"),
        ({"title": "x", "attributes": {"0": DEEP}}, "body.attributes", "too_deep"),
        ({"title": "x", "attributes": {"k": [[[[[[[[]]]]]]]]}}, "body.attributes", "too_deep"),
        ({"title": "x", "attributes": {"k": "x" * 16_384}}, "body.attributes", "too_large"),
        ({"title": "x", "attributes": {"k\x00": 1}}, "body.attributes", "string_nul"),
        ({"title": "x", "attributes": {"k": ["\x00"]}}, "body.attributes", "string_nul"),
        ({"title": "x", "access": "admin"}, "body", "extra_forbidden"),
        ({"title": "x", "owner_id": NOWHERE}, "body", "extra_forbidden"),
        ({"title": "x", "id": NOWHERE}, "body", "extra_forbidden"),
        ({"title": "x", "version": 7}, "body", "extra_forbidden"),
    ],
)
async def test_what_is_no_item_is_refused_and_nothing_is_kept(
    newcomer: Person, body: dict[str, Any], field: str, code: str
) -> None:
    there = await newcomer.item()
    assert violations(await newcomer.http.post("/v1/items", json=body)) == {(field, code)}
    answer = await newcomer.http.put(f"/v1/items/{there['id']}", json=body)
    assert violations(answer) == {(field, code)}
    assert (await newcomer.http.get("/v1/items")).json()["data"] == [there]


async def test_everything_that_is_wrong_is_said_at_once(ada: Person) -> None:
    body = {"title": "", "tags": 1, "attributes": [], "x": 1}
    assert violations(await ada.http.post("/v1/items", json=body)) == {
        ("body.title", "string_too_short"),
        ("body.tags", "list_type"),
        ("body.attributes", "dict_type"),
        ("body", "extra_forbidden"),
    }


# ------------------------------------------------------------------- replacing and deleting
@EVERY_DATABASE
async def test_a_replaced_item_has_defaults_for_what_was_left_out(ada: Person) -> None:
    item = (await ada.http.post("/v1/items", json=FULL)).json()
    answer = await ada.http.put(f"/v1/items/{item['id']}", json={"title": "Other"})
    assert answer.status_code == 200
    replaced = answer.json()
    assert replaced["updated_at"] > item["updated_at"]
    assert replaced == item | {
        "title": "Other",
        "description": "",
        "tags": [],
        "attributes": {},
        "version": 2,
        "updated_at": replaced["updated_at"],
    }
    assert answer.headers["ETag"] == '"2-owner"'
    assert (await ada.http.get(f"/v1/items/{item['id']}")).json() == replaced


@EVERY_DATABASE
async def test_replacing_by_the_same_changes_nothing(ada: Person) -> None:
    item = (await ada.http.post("/v1/items", json=FULL)).json()
    answer = await ada.http.put(f"/v1/items/{item['id']}", json=FULL)
    assert (answer.status_code, answer.json()) == (200, item)


@EVERY_DATABASE
async def test_a_deleted_item_is_gone(ada: Person) -> None:
    item, other = await ada.item(), await ada.item()
    answer = await ada.http.delete(f"/v1/items/{item['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        again = await ada.http.request(method, f"/v1/items/{item['id']}")
        assert told(again) == (404, "ITEM_NOT_FOUND")
    assert (await ada.http.get("/v1/items")).json()["data"] == [other]
