"""Proves that a request with an Idempotency-Key is done once, however often it is repeated."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    JSON,
    PASSWORD,
    Api,
    Person,
    told,
    violations,
)

KEY = {"Idempotency-Key": "a-key"}
LAMP = {"title": "Lamp oil"}
DAY = 24 * 3600
BATCH = {"operations": [{"op": "create", "item": LAMP}, {"op": "create", "item": LAMP}]}


async def post(
    person: Person, body: Any = LAMP, path: str = "/v1/items", key: str = "a-key"
) -> httpx.Response:
    return await person.http.post(path, json=body, headers={"Idempotency-Key": key})


async def titles(person: Person) -> list[str]:
    return [item["title"] for item in (await person.http.get("/v1/items")).json()["data"]]


def is_replay(answer: httpx.Response, first: httpx.Response) -> bool:
    """Whether an answer is the first one, given again."""
    assert "Idempotent-Replayed" not in first.headers
    same = ("Location", "ETag", "Content-Type")
    assert [answer.headers.get(name) for name in same] == [first.headers.get(n) for n in same]
    assert (answer.status_code, answer.content) == (first.status_code, first.content)
    return "true" in answer.headers.get_list("Idempotent-Replayed")


@EVERY_DATABASE
async def test_a_repeated_request_gets_the_first_answer(ada: Person) -> None:
    first = await post(ada)
    assert (first.status_code, first.headers["ETag"]) == (201, '"1-owner"')
    for _ in range(2):
        assert is_replay(await post(ada), first)
    assert await titles(ada) == ["Lamp oil"]


async def test_without_a_key_a_repeated_request_is_done_again(ada: Person) -> None:
    for _ in range(2):
        answer = await ada.http.post("/v1/items", json=LAMP)
        assert "Idempotent-Replayed" not in answer.headers
    assert len(await titles(ada)) == 2


async def test_the_first_answer_is_given_again_when_the_item_has_changed_or_gone(
    ada: Person,
) -> None:
    first = await post(ada)
    path = first.headers["Location"]
    await ada.http.patch(path, json={"title": "Wick"})
    assert is_replay(await post(ada), first)
    await ada.http.delete(path)
    assert is_replay(await post(ada), first)
    assert await titles(ada) == []


@EVERY_DATABASE
async def test_another_request_with_the_key_is_refused(ada: Person) -> None:
    first = await post(ada)
    grants = first.headers["Location"] + "/grants"
    for path, body in (
        ("/v1/items", {"title": "Wick"}),
        ("/v1/items", LAMP | {"tags": []}),
        ("/v1/items/batch", BATCH),
        (grants, {"email": "bob@example.com", "role": "viewer"}),
    ):
        assert told(await post(ada, body, path)) == (422, "IDEMPOTENCY_KEY_REUSED"), path
    assert await titles(ada) == ["Lamp oil"]
    assert is_replay(await post(ada), first)


async def test_the_same_fields_as_other_bytes_are_another_request(ada: Person) -> None:
    await ada.http.post("/v1/items", content=b'{"title":"x"}', headers=KEY | JSON)
    spaced = await ada.http.post("/v1/items", content=b'{ "title":"x"}', headers=KEY | JSON)
    assert told(spaced) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_another_key_and_another_caller_are_independent(ada: Person, bob: Person) -> None:
    first = await post(ada)
    others = [await post(ada, key="A-key"), await post(bob), await post(bob, key="A-key")]
    assert all("Idempotent-Replayed" not in other.headers for other in others)
    assert len({answer.json()["id"] for answer in (first, *others)}) == 4
    assert is_replay(await post(bob), others[1])


async def test_another_session_of_the_caller_gets_the_first_answer(api: Api, ada: Person) -> None:
    first = await post(ada)
    assert is_replay(await post(await api.sign_in(ada.email)), first)


@pytest.mark.parametrize("key", ["", "a key", "\u00e9", "a\tb", "x" * 256, "a\x7f"])
async def test_a_malformed_key_is_refused(ada: Person, key: str) -> None:
    answer = await ada.http.post(
        "/v1/items", json=LAMP, headers=[(b"Idempotency-Key", key.encode())]
    )
    ((field, _),) = violations(answer)
    assert field == "header.idempotency-key"
    assert await titles(ada) == []


@pytest.mark.parametrize("key", ["!", "~", "x" * 255, '"quoted"', "a,b"])
async def test_any_visible_ascii_is_a_key(ada: Person, key: str) -> None:
    first = await post(ada, key=key)
    assert is_replay(await post(ada, key=key), first)


async def test_two_keys_are_none(ada: Person) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await ada.http.post("/v1/items", json=LAMP, headers=headers)
    assert answer.status_code == 422
    assert await titles(ada) == []


async def test_a_result_is_kept_for_a_day(api: Api, ada: Person) -> None:
    api.clock.stop_at(api.clock())
    first = await post(ada)
    api.clock.forward(DAY - 1)
    ada = await api.sign_in(ada.email)
    assert is_replay(await post(ada), first)
    api.clock.forward(1)
    again = await post(ada, {"title": "Wick"})
    assert again.status_code == 201
    assert "Idempotent-Replayed" not in again.headers
    assert is_replay(await post(ada, {"title": "Wick"}), again)


@EVERY_DATABASE
async def test_only_what_was_done_is_kept(ada: Person, bob: Person) -> None:
    assert (await post(ada, {"title": ""})).status_code == 422
    item = (await post(ada)).headers["Location"]
    grant = {"email": "carl@example.com", "role": "viewer"}
    assert (await post(ada, grant, item + "/grants", "other")).status_code == 404
    assert (await post(bob, grant, item + "/grants")).status_code == 403
    failing = {"operations": [*BATCH["operations"], {"op": "delete", "id": item[-36:]}]}
    assert (await post(bob, failing, "/v1/items/batch")).status_code == 422
    assert await titles(bob) == []
    assert (await post(bob)).status_code == 201
    shared = await post(ada, grant | {"email": bob.email}, item + "/grants", "other")
    assert shared.status_code == 201


@EVERY_DATABASE
async def test_grants_and_batches_are_repeated_as_well(ada: Person, bob: Person) -> None:
    path = f"/v1/items/{(await ada.item())['id']}/grants"
    grant = {"email": bob.email, "role": "viewer"}
    shared = await post(ada, grant, path)
    assert shared.headers["Location"] == f"{path}/{await bob.id()}"
    assert is_replay(await post(ada, grant, path), shared)
    assert told(await ada.http.post(path, json=grant)) == (409, "ALREADY_SHARED")
    done = await post(ada, BATCH, "/v1/items/batch", "batch")
    assert done.status_code == 200
    assert is_replay(await post(ada, BATCH, "/v1/items/batch", "batch"), done)
    assert len(await titles(ada)) == 3


@EVERY_DATABASE
async def test_a_repeated_batch_shows_what_it_did_to_each(ada: Person) -> None:
    one, two = await ada.item(), await ada.item()
    operations = [
        {"op": "update", "id": one["id"], "item": {"attributes": {"n": 1.0, "deep": [None]}}},
        {"op": "delete", "id": two["id"]},
    ]
    body = {"operations": operations}
    done = await post(ada, body, "/v1/items/batch")
    await ada.http.delete(f"/v1/items/{one['id']}")
    assert is_replay(await post(ada, body, "/v1/items/batch"), done)


async def test_a_repeated_sharing_is_no_search_for_addresses(start: Any) -> None:
    async with start(rate_limits=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        path = f"/v1/items/{(await ada.item())['id']}/grants"
        grant = {"email": bob.email, "role": "viewer"}
        first = await post(ada, grant, path)
        for _ in range(101):
            assert is_replay(await post(ada, grant, path), first)


@EVERY_DATABASE
async def test_with_the_account_go_its_results(api: Api, ada: Person) -> None:
    await post(ada)
    user = await ada.id()
    deletion = {"password": PASSWORD}
    assert (await ada.http.post("/v1/users/me/deletion", json=deletion)).status_code == 204
    with api.container.unit_of_work()() as work:  # nothing of the day's results is left
        later = api.clock().replace(year=9000)
        assert work.replays.remove_expired(now=later, at_most=9) == 0, user


@EVERY_DATABASE
async def test_fifty_requests_at_once_with_one_key_make_one_item(ada: Person) -> None:
    answers = await asyncio.gather(*(post(ada) for _ in range(50)))
    made = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert all(told(answer) == (409, "IDEMPOTENCY_IN_PROGRESS") for answer in refused)
    assert len({answer.content for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1
    assert await titles(ada) == ["Lamp oil"]


@EVERY_DATABASE
async def test_of_fifty_changes_at_once_from_one_revision_one_is_made(ada: Person) -> None:
    item = await ada.item()
    path, headers = f"/v1/items/{item['id']}", {"If-Match": '"1-owner"'}
    answers = await asyncio.gather(
        *(ada.http.patch(path, json={"title": str(n)}, headers=headers) for n in range(50))
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [412] * 49
    winner = statuses.index(200)
    kept = (await ada.http.get(path)).json()
    assert (kept["title"], kept["version"]) == (str(winner), 2)
