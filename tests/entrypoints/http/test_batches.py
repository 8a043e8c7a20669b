"""Proves that a batch does all that it is asked for or nothing, and says what was wrong."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import EVERY_DATABASE, NOWHERE, Person, told, violations

Step = dict[str, Any]
LAMP = {"title": "Lamp oil"}


async def batch(person: Person, *operations: Step) -> httpx.Response:
    return await person.http.post("/v1/items/batch", json={"operations": list(operations)})


async def titles(person: Person) -> list[str]:
    items = (await person.http.get("/v1/items?sort=title&limit=100")).json()["data"]
    return [item["title"] for item in items]


async def alone(person: Person, step: Step) -> httpx.Response:
    """Do one operation as a request of its own."""
    method = {"create": "POST", "update": "PATCH", "delete": "DELETE"}[step["op"]]
    path = "/v1/items" if step["op"] == "create" else f"/v1/items/{step['id']}"
    headers = {"If-Match": step["if_match"]} if "if_match" in step else {}
    return await person.http.request(method, path, json=step.get("item"), headers=headers)


def update(item: dict[str, Any], title: str, **more: str) -> Step:
    return {"op": "update", "id": item["id"], "item": {"title": title}, **more}


def create(title: str) -> Step:
    return {"op": "create", "item": {"title": title}}


@EVERY_DATABASE
async def test_each_operation_answers_as_it_would_alone(ada: Person) -> None:
    one, two, three = [await ada.item(title) for title in "abc"]
    answer = await batch(
        ada, create("new"), update(one, "A"), {"op": "delete", "id": two["id"]}, update(three, "c")
    )
    assert answer.status_code == 200
    made, changed, gone, same = answer.json()["data"]
    assert [made["status"], changed["status"], same["status"]] == [201, 200, 200]
    assert gone == {"status": 204}
    assert (changed["item"]["version"], same["item"]) == (2, three)
    for told_of in (made, changed, same):
        path = f"/v1/items/{told_of['item']['id']}"
        assert (await ada.http.get(path)).json() == told_of["item"]
    assert await titles(ada) == ["A", "c", "new"]


@EVERY_DATABASE
async def test_operations_are_done_in_their_order(ada: Person) -> None:
    item = await ada.item()
    path = f"/v1/items/{item['id']}"
    answer = await batch(
        ada,
        update(item, "first", if_match='"1-owner"'),
        update(item, "second", if_match='"2-owner"'),
        update(item, "third", if_match="*"),
    )
    assert [each["item"]["version"] for each in answer.json()["data"]] == [2, 3, 4]
    assert (await ada.http.get(path)).json()["title"] == "third"
    late = await batch(ada, {"op": "delete", "id": item["id"]}, update(item, "too late"))
    assert told(late) == (422, "BATCH_FAILED")
    (failed,) = late.json()["error"]["details"]["results"]
    assert (failed["index"], failed["status"]) == (1, 404)
    assert (await ada.http.get(path)).json()["version"] == 4


@EVERY_DATABASE
async def test_each_failed_operation_has_the_error_that_it_would_have_had_alone(
    ada: Person, bob: Person
) -> None:
    mine, theirs, shared = await ada.item("mine"), await bob.item(), await bob.item()
    grant = {"email": ada.email, "role": "viewer"}
    await bob.http.post(f"/v1/items/{shared['id']}/grants", json=grant)
    failing: list[Step] = [
        {"op": "create", "item": {"title": ""}},
        {"op": "create", "item": {}},
        {"op": "create", "item": {"title": 1, "tags": ["x" * 51], "nonsense": True}},
        update(theirs, "x"),
        update(shared, "x"),
        {"op": "delete", "id": shared["id"]},
        {"op": "delete", "id": NOWHERE},
        update(mine, "x", if_match='"7-owner"'),
        update(mine, "x", if_match='W/"1-owner"'),
        update(mine, "x", if_match="nonsense"),
        {"op": "delete", "id": mine["id"], "if_match": '"1-editor"'},
        {"op": "update", "id": mine["id"], "item": {"title": None}},
        {"op": "update", "id": mine["id"], "item": {"attributes": {"a": "x" * 17000}}},
    ]
    expected = []
    for place, step in enumerate(failing):
        answer = await alone(ada, step)
        error = answer.json()["error"]
        expected.append({"index": 2 * place + 1, "status": answer.status_code, "error": error})
    assert all(each["status"] >= 400 for each in expected)
    mixed = [step for failed in failing for step in (create("never"), failed)]
    answer = await batch(ada, *mixed)
    assert told(answer) == (422, "BATCH_FAILED")
    assert answer.json()["error"]["details"] == {"results": expected}
    assert await titles(ada) == sorted(["mine", shared["title"]], key=str.casefold)
    assert (await ada.http.get(f"/v1/items/{mine['id']}")).json() == mine


@EVERY_DATABASE
async def test_a_batch_that_failed_is_in_no_feed(ada: Person) -> None:
    before = (await ada.http.get("/v1/items/changes")).json()["next_cursor"]
    await batch(ada, create("never"), {"op": "delete", "id": NOWHERE})
    answer = await ada.http.get("/v1/items/changes", params={"since": before})
    assert answer.json()["data"] == []


async def test_a_batch_has_1_to_100_operations(ada: Person) -> None:
    for count, code in ((0, "too_short"), (101, "too_long")):
        answer = await batch(ada, *[create("x")] * count)
        assert violations(answer) == {("body.operations", code)}
    assert await titles(ada) == []
    done = await batch(ada, *[create("x")] * 100)
    assert [each["status"] for each in done.json()["data"]] == [201] * 100


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"operations": {}},
        {"operations": [create("x")], "atomic": False},
        {"operations": ["create"]},
        {"operations": [{"op": "upsert", "item": LAMP}]},
        {"operations": [{"item": LAMP}]},
        {"operations": [{"op": "create", "item": LAMP, "method": "POST"}]},
        {"operations": [{"op": "create", "item": [LAMP]}]},
        {"operations": [{"op": "delete", "id": "x"}]},
        {"operations": [{"op": "delete", "id": NOWHERE.upper()}]},
        {"operations": [{"op": "delete", "id": NOWHERE, "if_match": 1}]},
    ],
)
async def test_what_is_no_batch_is_refused(reader: Person, body: Any) -> None:
    answer = await reader.http.post("/v1/items/batch", json=body)
    assert violations(answer)


@pytest.mark.parametrize(
    "step", [{"op": "create"}, {"op": "update", "item": LAMP}, {"op": "delete"},
             {"op": "update", "id": NOWHERE}]
)  # fmt: skip
async def test_an_operation_without_what_it_needs_fails(ada: Person, step: Step) -> None:
    answer = await batch(ada, create("never"), step)
    assert told(answer) == (422, "BATCH_FAILED")
    (failed,) = answer.json()["error"]["details"]["results"]
    assert (failed["index"], failed["status"]) == (1, 422)
    assert failed["error"]["code"] == "VALIDATION_ERROR"
    assert await titles(ada) == []


@pytest.mark.parametrize(
    "step",
    [
        {"op": "create", "item": LAMP, "id": NOWHERE},
        {"op": "create", "item": LAMP, "if_match": '"1-owner"'},
    ],
)
async def test_what_a_new_item_cannot_have_is_refused(ada: Person, step: Step) -> None:
    assert (await batch(ada, step)).status_code == 422
    assert await titles(ada) == []


@EVERY_DATABASE
async def test_batches_over_the_same_items_in_any_order_do_not_block_one_another(
    ada: Person,
) -> None:
    items = [await ada.item(str(number)) for number in range(8)]
    chance = random.Random(1)

    def steps(number: int) -> list[Step]:
        return [update(item, f"{number}") for item in chance.sample(items, len(items))]

    answers = await asyncio.gather(*(batch(ada, *steps(number)) for number in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    (title,) = set(await titles(ada))
    assert title in {str(number) for number in range(12)}


@EVERY_DATABASE
async def test_batches_over_items_of_several_owners_do_not_block_one_another(
    ada: Person, bob: Person, admin: Person
) -> None:
    adas = [await ada.item() for _ in range(12)]
    bobs = [await bob.item() for _ in range(12)]

    def steps(number: int) -> list[Step]:
        pair = [adas[number], bobs[number]][:: 1 if number % 2 else -1]
        return [update(item, f"{number}") for item in pair]

    answers = await asyncio.gather(*(batch(admin, *steps(number)) for number in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
