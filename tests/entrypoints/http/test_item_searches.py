"""Proves that lists of items come in every order, and show what they are asked for."""

import re
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import EVERY_DATABASE, NOWHERE, Api, Person, told, violations

TITLES = (
    "b", "B", "a", "\u00e4", "\u00c4", "Z", "_", "10", "9", "\U0001f512 lock", "\u00df", "SS",
    "ss a", "a-b", "a b", "\ufb01ne", "\uff21", "\u0130", "\u03c2", "\u03a3", "\u0301",
)  # fmt: skip
SORTS = {
    "created_at": (lambda item: (item["created_at"], item["id"])),
    "updated_at": (lambda item: (item["updated_at"], item["id"])),
    "title": (lambda item: (item["title"].casefold(), item["id"])),
}
LONGEST = 50
"""Items that no list here has more of."""

LINK = re.compile(r'<http://127\.0\.0\.1:8000(/v1/items\?[^>]+)>; rel="next"')
SEARCHED = {
    "dash": "a-b",
    "mail": "Write to x@y.z",
    "dont": "don't panic",
    "cafe": "Caf\u00e9 au lait",
    "decomposed": "Cafe\u0301 noir",
    "ligature": "\ufb01ne \uff57\uff49\uff44\uff45 \u2460",
    "sharp": "STRASSE",
    "greek": "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "digits": "\u0661\u0662\u0663",
    "under": "snake_case",
    "emoji": "\U0001f512\U0001f511",
    "hash": "#winter",
}


async def walk(person: Person, limit: int = 4, **query: Any) -> list[dict[str, Any]]:
    """Return all that a list shows, by its links."""
    seen: list[dict[str, Any]] = []
    answer = await person.http.get("/v1/items", params={"limit": limit, **query})
    while True:
        assert answer.status_code == 200, answer.text
        seen += answer.json()["data"]
        assert len(seen) <= LONGEST, "the list does not end"
        link = answer.headers.get("Link")
        assert (link is None) == (answer.json()["next_cursor"] is None)
        if link is None:
            return seen
        found = LINK.fullmatch(link)
        assert found, link
        answer = await person.http.get(found[1])


async def names(person: Person, **query: Any) -> set[str]:
    return {item["title"] for item in await walk(person, **query)}


async def share(owner: Person, item: dict[str, Any], reader: Person, role: str = "viewer") -> None:
    grant = {"email": reader.email, "role": role}
    answer = await owner.http.post(f"/v1/items/{item['id']}/grants", json=grant)
    assert answer.status_code == 201, answer.text


@EVERY_DATABASE
async def test_every_order_both_ways_by_its_links(ada: Person) -> None:
    items = [await ada.item(title) for title in TITLES]
    for item in items[::3]:
        path = f"/v1/items/{item['id']}"
        item.update((await ada.http.patch(path, json={"description": "changed"})).json())
    for sort, key in SORTS.items():
        expected = [item["id"] for item in sorted(items, key=key)]
        assert [item["id"] for item in await walk(ada, sort=sort)] == expected, sort
        assert [item["id"] for item in await walk(ada, sort="-" + sort)] == expected[::-1], sort
    assert await walk(ada) == await walk(ada, sort="-created_at")


@pytest.mark.parametrize("sort", ["", "-", "id", "Title", "created", "--title", "+title", "-id"])
async def test_another_order_is_refused(reader: Person, sort: str) -> None:
    answer = await reader.http.get("/v1/items", params={"sort": sort})
    assert violations(answer) == {("query.sort", "enum")}


@EVERY_DATABASE
async def test_words_are_what_the_contract_says(ada: Person) -> None:
    for name, words in SEARCHED.items():
        await ada.item(name, description=words)
    for query, expected in {
        "a-b": {"dash"},
        "b a": {"dash"},
        "b": {"dash"},
        "x@y.z": {"mail"},
        "y": {"mail"},
        "write X": {"mail"},
        "rite": set(),
        "don't": {"dont"},
        "don": {"dont"},
        "dont": {"dont"},  # the title
        "don\u2019t": {"dont"},
        "caf\u00e9": {"cafe", "decomposed"},
        "cafe\u0301": {"cafe", "decomposed"},
        "CAF\u00c9": {"cafe", "decomposed"},
        "cafe": {"cafe"},  # the title of one; accents tell words apart
        "fine": {"ligature"},
        "wide": {"ligature"},
        "1": {"ligature"},
        "\ufb01": {"ligature"},
        "stra\u00df": {"sharp"},
        "strasse": {"sharp"},
        "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3": {"greek"},
        "\u0661\u0662": {"digits"},
        "12": set(),
        "snake": {"under"},
        "case": {"under"},
        "snake_case": {"under"},
        "winter": {"hash"},
        "panic lait": set(),
        "cafe pan": set(),
    }.items():
        assert await names(ada, q=query) == expected, query
    for nothing in ("", "\U0001f512", "-", "@.'", " "):
        assert await names(ada, q=nothing) == set(SEARCHED), nothing


async def test_a_search_that_makes_no_sense_is_refused(ada: Person) -> None:
    answer = await ada.http.get("/v1/items", params={"q": "x" * 101})
    assert violations(answer) == {("query.q", "string_too_long")}
    assert {field for field, _ in violations(await ada.http.get("/v1/items?q=%00"))} == {"query.q"}


@EVERY_DATABASE
async def test_all_tags_that_are_asked_for_must_match(ada: Person) -> None:
    for title, tags in (("one", ["red", "big"]), ("two", ["red"]), ("three", ["reddish", "big"])):
        await ada.item(title, tags=tags)
    assert await names(ada, tag="red") == {"one", "two"}
    assert await names(ada, tag=["red", "big"]) == {"one"}
    assert await names(ada, tag=["red", "RED "]) == {"one", "two"}
    assert await names(ada, tag=["red", "none"]) == set()
    assert await names(ada, tag="big", q="thr") == {"three"}
    assert await names(ada, q="red") == set()


async def test_tags_that_no_item_can_have_are_refused(ada: Person) -> None:
    for tags in ("", " ", "x" * 51, [str(number) for number in range(21)]):
        answer = await ada.http.get("/v1/items", params={"tag": tags})
        assert answer.status_code == 422, tags


@EVERY_DATABASE
async def test_access_tells_ones_own_from_what_is_shared_with_one(
    api: Api, ada: Person, bob: Person
) -> None:
    carl = await api.join("carl")
    await ada.item("own")
    for title, role in (("seen", "viewer"), ("edited", "editor")):
        await share(bob, await bob.item(title, tags=["red"]), ada, role)
    await share(carl, await carl.item("carls"), ada)
    await bob.item("secret", tags=["red"])
    assert await names(ada, access="owned") == {"own"}
    assert await names(ada, access="shared", limit=1) == {"seen", "edited", "carls"}
    assert await names(ada, access="all", limit=1) == await names(ada)
    assert await names(ada) == {"own", "seen", "edited", "carls"}
    assert await names(ada, tag="red", q="se") == {"seen"}
    assert {item["title"]: item["access"] for item in await walk(ada)} == {
        "own": "owner",
        "seen": "viewer",
        "edited": "editor",
        "carls": "viewer",
    }


@EVERY_DATABASE
async def test_ones_own_id_narrows_a_list_to_ones_own_items(ada: Person, bob: Person) -> None:
    await ada.item("own")
    await share(bob, await bob.item("shared"), ada)
    me = await ada.id()
    for access in ("owned", "all"):
        assert await names(ada, access=access, owner_id=me) == {"own"}
    assert await names(ada, access="shared", owner_id=me) == set()


@EVERY_DATABASE
async def test_an_administrator_sees_anybodys(ada: Person, bob: Person, admin: Person) -> None:
    await ada.item("adas", tags=["red"])
    await share(bob, await bob.item("bobs"), admin)
    await admin.item("own")
    assert await names(admin) == {"own", "bobs"}
    assert await names(admin, access="any", limit=1) == {"own", "bobs", "adas"}
    assert await names(admin, access="any", tag="red") == {"adas"}
    assert await names(admin, access="any", owner_id=await ada.id()) == {"adas"}
    assert await names(admin, access="any", owner_id=NOWHERE) == set()
    accesses = {item["title"]: item["access"] for item in await walk(admin, access="any")}
    assert accesses == {"own": "owner", "bobs": "admin", "adas": "admin"}


async def test_who_may_not_see_everybodys_items_is_refused(
    api: Api, ada: Person, bob: Person, admin: Person
) -> None:
    async def ask(person: Person, **query: str) -> httpx.Response:
        return await person.http.get("/v1/items", params=query)

    other = await bob.id()
    narrow = await api.sign_in(admin.email, scope="items:read")
    for person in (ada, narrow):
        for query in (
            {"access": "any"},
            {"access": "any", "owner_id": other},
            {"access": "any", "owner_id": NOWHERE},
            {"owner_id": other},
            {"access": "shared", "owner_id": other},
        ):
            answer = await ask(person, **query)
            assert told(answer) == (403, "INSUFFICIENT_SCOPE"), query
            assert 'scope="items:admin"' in answer.headers["WWW-Authenticate"]
    for access in ("all", "owned", "shared"):
        answer = await ask(admin, access=access, owner_id=other)
        assert told(answer) == (403, "FORBIDDEN")
    assert told(await ask(admin, owner_id=other)) == (403, "FORBIDDEN")
    assert violations(await ask(ada, access="mine")) == {("query.access", "enum")}
    assert {field for field, _ in violations(await ask(ada, owner_id="x"))} == {"query.owner_id"}


@EVERY_DATABASE
async def test_a_cursor_belongs_to_its_order_and_its_filters(ada: Person, admin: Person) -> None:
    for person in (ada, admin):
        for number in range(3):
            await person.item(f"lamp {number}", tags=["red", "big"])
    first = {"sort": "title", "q": "lamp", "tag": "red", "access": "owned"}
    for changed in (
        {"sort": "-title"},
        {"sort": "created_at"},
        {"q": "lam"},
        {"q": ""},
        {"tag": "big"},
        {"tag": ["red", "big"]},
        {"access": "all"},
        {"owner_id": await ada.id()},
    ):
        page = await ada.http.get("/v1/items", params={"limit": 1, **first})
        cursor = {"cursor": page.json()["next_cursor"]}
        answer = await ada.http.get("/v1/items", params=first | cursor | changed)
        assert told(answer) == (400, "INVALID_CURSOR"), changed
        for limit in (1, 2, 100):
            kept = await ada.http.get("/v1/items", params=first | cursor | {"limit": limit})
            assert kept.status_code == 200
        other = await admin.http.get("/v1/items", params=first | cursor)
        assert told(other) == (400, "INVALID_CURSOR")
    changes = (await ada.http.get("/v1/items/changes")).json()["next_cursor"]
    answer = await ada.http.get("/v1/items", params={"cursor": changes})
    assert told(answer) == (400, "INVALID_CURSOR")


@EVERY_DATABASE
async def test_a_link_keeps_what_was_asked_for(ada: Person) -> None:
    for number in range(5):
        await ada.item(f"caf\u00e9 & lamp {number}", tags=["a&b", "c d"])
        await ada.item(f"other {number}", tags=["a&b"])
    query = {"tag": ["a&b", "c d"], "q": "caf\u00e9 & la", "sort": "-title", "access": "owned"}
    seen = await walk(ada, limit=2, owner_id=await ada.id(), **query)
    assert [item["title"][-1] for item in seen] == list("43210")
