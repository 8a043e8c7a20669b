"""Proves that entity tags keep readers from loading twice and writers from overwriting."""

import asyncio
from typing import Any

import pytest

from tests.entrypoints.http.api import EVERY_DATABASE, Person, told

CURRENT, STALE = '"2-owner"', '"1-owner"'
Lines = list[str]

MATCHING: list[Lines] = [
    [CURRENT],
    [f" {CURRENT} "],
    [f"{STALE}, {CURRENT}"],
    [f'"a,b",{CURRENT}'],
    ["*"],
    [STALE, CURRENT],
]
OTHER: list[Lines] = [[STALE], ['"2-admin"'], ['"x", "y"'], ['""'], [STALE, '"x"']]
MALFORMED: list[Lines] = [
    ["2-owner"],
    ["'2-owner'"],
    ['"2-owner'],
    [f"{CURRENT} {STALE}"],
    [f"{CURRENT};"],
    [f"x{CURRENT}"],
    [f"w/{CURRENT}"],
    [""],
]


@pytest.fixture
async def path(ada: Person) -> str:
    """Return the path of an item in its second version."""
    path = f"/v1/items/{(await ada.item())['id']}"
    assert (await ada.http.patch(path, json={"title": "Two"})).headers["ETag"] == CURRENT
    return path


@pytest.fixture(scope="module")
async def kept(reader: Person) -> str:
    """Return the path of an item in its second version, which nobody changes."""
    path = f"/v1/items/{(await reader.item())['id']}"
    assert (await reader.http.patch(path, json={"title": "Two"})).headers["ETag"] == CURRENT
    return path


def lines(name: str, values: Lines) -> list[tuple[str, str]]:
    return [(name, value) for value in values]


async def written(ada: Person, method: str, path: str, tags: Lines) -> Any:
    body = None if method == "DELETE" else {"title": "Three"}
    return await ada.http.request(method, path, json=body, headers=lines("If-Match", tags))


# ------------------------------------------------------------------------------------- reading
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", [*MATCHING, [f"W/{CURRENT}"], [f"{STALE}, W/{CURRENT}"]])
async def test_what_the_reader_has_is_not_sent_again(
    reader: Person, kept: str, method: str, tags: Lines
) -> None:
    answer = await reader.http.request(method, kept, headers=lines("If-None-Match", tags))
    assert (answer.status_code, answer.headers["ETag"]) == (304, CURRENT)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", [*OTHER, *MALFORMED])
async def test_what_the_reader_lacks_is_sent(
    reader: Person, kept: str, method: str, tags: Lines
) -> None:
    answer = await reader.http.request(method, kept, headers=lines("If-None-Match", tags))
    assert (answer.status_code, answer.headers["ETag"]) == (200, CURRENT)


async def test_who_may_not_read_learns_nothing_from_tags(bob: Person, path: str) -> None:
    for tag in ("*", CURRENT):
        answer = await bob.http.get(path, headers={"If-None-Match": tag})
        assert told(answer) == (403, "FORBIDDEN")
        assert "ETag" not in answer.headers


# ------------------------------------------------------------------------------------- writing
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("tags", MATCHING)
async def test_what_is_as_expected_is_written(
    ada: Person, path: str, method: str, tags: Lines
) -> None:
    answer = await written(ada, method, path, tags)
    assert answer.status_code == (204 if method == "DELETE" else 200)


@EVERY_DATABASE
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_what_has_changed_is_not_written(ada: Person, path: str, method: str) -> None:
    before = (await ada.http.get(path)).json()
    for tags in [*OTHER, *MALFORMED, [f"W/{CURRENT}"], [f"W/{CURRENT}, {STALE}"]]:
        answer = await written(ada, method, path, tags)
        assert told(answer) == (412, "PRECONDITION_FAILED"), tags
    assert (await ada.http.get(path)).json() == before


async def test_a_stale_tag_is_told_even_if_nothing_would_change(ada: Person, path: str) -> None:
    answer = await ada.http.patch(path, json={"title": "Two"}, headers={"If-Match": STALE})
    assert told(answer) == (412, "PRECONDITION_FAILED")


async def test_who_may_not_write_learns_nothing_from_tags(bob: Person, path: str) -> None:
    for tag in ("*", CURRENT, STALE, "x"):
        for method in ("PATCH", "PUT", "DELETE"):
            assert told(await written(bob, method, path, [tag])) == (403, "FORBIDDEN")


async def test_a_tag_is_of_one_access(ada: Person, admin: Person, path: str) -> None:
    seen = (await admin.http.get(path)).headers["ETag"]
    assert seen != CURRENT
    assert told(await written(ada, "PATCH", path, [seen])) == (412, "PRECONDITION_FAILED")
    assert (await written(admin, "PATCH", path, [seen])).status_code == 200


@EVERY_DATABASE
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_of_many_writers_with_one_tag_one_wins(ada: Person, path: str, method: str) -> None:
    async def write(number: int) -> int:
        body = None if method == "DELETE" else {"title": f"by writer {number}"}
        headers = {"If-Match": CURRENT}
        answer = await ada.http.request(method, path, json=body, headers=headers)
        return answer.status_code

    statuses = sorted(await asyncio.gather(*(write(number) for number in range(12))))
    assert statuses == ([204] + [404] * 11 if method == "DELETE" else [200] + [412] * 11)


@EVERY_DATABASE
async def test_writers_without_tags_all_win_and_each_makes_a_version(
    ada: Person, path: str
) -> None:
    titles = [f"by writer {number}" for number in range(12)]
    answers = await asyncio.gather(
        *(ada.http.patch(path, json={"title": title}) for title in titles)
    )
    versions = [answer.json()["version"] for answer in answers]
    assert sorted(versions) == list(range(3, 15))
    last = answers[versions.index(14)].json()
    assert (await ada.http.get(path)).json() == last
