"""Proves that lists come page by page, newest first, complete, and to their owner only."""

import re
from typing import Any

import pytest

from tests.entrypoints.http.api import EVERY_DATABASE, Person, Start, told, violations

LINK = r'<http://127\.0\.0\.1:8000(/v1/items\?[^>]+)>; rel="next"'


async def page(person: Person, **query: Any) -> dict[str, Any]:
    answer = await person.http.get("/v1/items", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.keys() == {"data", "next_cursor"}
    assert ("Link" in answer.headers) == (found["next_cursor"] is not None)
    return found


async def made(person: Person, count: int) -> list[dict[str, Any]]:
    return [await person.item(f"Item {number}") for number in range(count)][::-1]


async def test_an_empty_list_is_one_empty_page(ada: Person) -> None:
    assert await page(ada) == {"data": [], "next_cursor": None}


@EVERY_DATABASE
async def test_one_sees_ones_own_items_newest_first(ada: Person, bob: Person) -> None:
    await made(bob, 2)
    items = await made(ada, 3)
    assert await page(ada) == {"data": items, "next_cursor": None}


@EVERY_DATABASE
@pytest.mark.parametrize("limit", [1, 3, 7, 8])
async def test_the_pages_are_the_list(ada: Person, limit: int) -> None:
    items = await made(ada, 7)
    seen, cursor = [], None
    for _ in range(8):
        found = await page(ada, limit=limit, **({"cursor": cursor} if cursor else {}))
        seen += found["data"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
        assert len(found["data"]) == limit
    assert (seen, cursor) == (items, None)


async def test_items_of_one_moment_are_neither_lost_nor_repeated(start: Start) -> None:
    async with start() as api:
        ada = await api.join("ada")
        api.clock.stop_at(api.clock())
        ids = {item["id"] for item in await made(ada, 5)}
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            found = await page(ada, **query)
            seen += [item["id"] for item in found["data"]]
            if not found["next_cursor"]:
                break
            query["cursor"] = found["next_cursor"]
        assert len(seen) == 5
        assert set(seen) == ids


@EVERY_DATABASE
async def test_the_link_leads_to_the_next_page(ada: Person) -> None:
    items = await made(ada, 3)
    answer = await ada.http.get("/v1/items?limit=2", headers={"Host": "evil.example"})
    link = re.fullmatch(LINK, answer.headers["Link"])
    assert link
    following = await ada.http.get(link[1])
    assert (following.json()["data"], following.json()["next_cursor"]) == ([items[2]], None)


async def test_a_page_has_20_items_and_may_have_100(ada: Person) -> None:
    await made(ada, 21)
    assert len((await page(ada))["data"]) == 20
    assert len((await page(ada, limit=100))["data"]) == 21


@EVERY_DATABASE
async def test_what_comes_and_goes_meanwhile_moves_no_other_item(ada: Person) -> None:
    items = await made(ada, 6)
    first = await page(ada, limit=2)
    await ada.item("Newer")
    for item in (items[1], items[3]):
        await ada.http.delete(f"/v1/items/{item['id']}")
    rest = await page(ada, limit=100, cursor=first["next_cursor"])
    assert rest["data"] == [items[2], items[4], items[5]]


async def test_a_cursor_survives_the_deletion_of_its_place(ada: Person) -> None:
    items = await made(ada, 3)
    first = await page(ada, limit=1)
    await ada.http.delete(f"/v1/items/{items[0]['id']}")
    assert (await page(ada, cursor=first["next_cursor"]))["data"] == items[1:]


@EVERY_DATABASE
async def test_a_cursor_of_somebody_else_is_refused(ada: Person, bob: Person) -> None:
    await made(ada, 2)
    await made(bob, 2)
    cursor = (await page(ada, limit=1))["next_cursor"]
    assert told(await bob.http.get("/v1/items", params={"cursor": cursor})) == (
        400,
        "INVALID_CURSOR",
    )


async def test_an_altered_cursor_is_refused(ada: Person) -> None:
    await made(ada, 2)
    cursor = (await page(ada, limit=1))["next_cursor"]
    flipped = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        for place in range(len(cursor))
    ]
    for altered in [*flipped, cursor + "A", cursor[:-1], cursor + "=", "", "x", "\x00", "é" * 9]:
        answer = await ada.http.get("/v1/items", params={"cursor": altered})
        assert told(answer) == (400, "INVALID_CURSOR"), altered


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("limit=0", "query.limit", "greater_than_equal"),
        ("limit=-1", "query.limit", "greater_than_equal"),
        ("limit=101", "query.limit", "less_than_equal"),
        ("limit=9223372036854775808", "query.limit", "less_than_equal"),
        ("limit=", "query.limit", "int_parsing"),
        ("limit=x", "query.limit", "int_parsing"),
        ("limit=%00", "query.limit", "int_parsing"),
        ("limit=1.5", "query.limit", "int_parsing"),
        ("limit=1&limit=1", "query.limit", "repeated"),
        ("limit=1&foo=2", "query", "extra_forbidden"),
        ("Limit=1", "query", "extra_forbidden"),
        ("access_token=x", "query", "extra_forbidden"),
        ("foo", "query", "extra_forbidden"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    reader: Person, query: str, field: str, code: str
) -> None:
    assert violations(await reader.http.get(f"/v1/items?{query}")) == {(field, code)}


async def test_an_endless_number_is_refused(ada: Person) -> None:
    answer = await ada.http.get("/v1/items?limit=" + "9" * 5000)
    assert {field for field, _ in violations(answer)} == {"query.limit"}
