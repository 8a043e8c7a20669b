"""Proves that owners share items, that grantees do what they were granted, and all of it ends."""

from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    PASSWORD,
    Api,
    Person,
    Start,
    told,
    violations,
)


async def share(
    owner: Person, item: dict[str, Any], email: str, role: str = "viewer"
) -> httpx.Response:
    grant = {"email": email, "role": role}
    return await owner.http.post(f"/v1/items/{item['id']}/grants", json=grant)


async def grants(person: Person, item: dict[str, Any], **query: Any) -> dict[str, Any]:
    answer = await person.http.get(f"/v1/items/{item['id']}/grants", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@EVERY_DATABASE
async def test_a_grant_is_given_changed_and_withdrawn(ada: Person, bob: Person) -> None:
    item, user = await ada.item(), await bob.id()
    path = f"/v1/items/{item['id']}"
    assert told(await bob.http.get(path)) == (403, "FORBIDDEN")
    given = await share(ada, item, "  BOB@example.com ")
    assert (given.status_code, given.headers["Location"]) == (201, f"{path}/grants/{user}")
    grant = given.json()
    assert grant == {
        "user_id": user,
        "display_name": "Bob",
        "role": "viewer",
        "created_at": grant["created_at"],
    }
    assert await grants(ada, item) == {"data": [grant], "next_cursor": None}
    seen = await bob.http.get(path)
    assert (seen.json()["access"], seen.headers["ETag"]) == ("viewer", '"1-viewer"')
    changed = await ada.http.put(f"{path}/grants/{user}", json={"role": "editor"})
    assert (changed.status_code, changed.json()) == (200, grant | {"role": "editor"})
    assert (await bob.http.get(path)).headers["ETag"] == '"1-editor"'
    assert (await ada.http.delete(f"{path}/grants/{user}")).status_code == 204
    assert told(await bob.http.get(path)) == (403, "FORBIDDEN")
    assert await grants(ada, item) == {"data": [], "next_cursor": None}
    for method, body in (("DELETE", None), ("PUT", {"role": "viewer"})):
        answer = await ada.http.request(method, f"{path}/grants/{user}", json=body)
        assert told(answer) == (404, "GRANT_NOT_FOUND")
    assert (await share(ada, item, bob.email)).status_code == 201


@EVERY_DATABASE
async def test_an_item_is_shared_with_somebody_once_and_never_with_its_owner(
    ada: Person, bob: Person
) -> None:
    item = await ada.item()
    assert (await share(ada, item, bob.email)).status_code == 201
    for email, role in ((bob.email, "viewer"), (bob.email, "editor"), (ada.email, "viewer")):
        assert told(await share(ada, item, email, role)) == (409, "ALREADY_SHARED")
    assert [grant["role"] for grant in (await grants(ada, item))["data"]] == ["viewer"]


async def test_an_unknown_and_a_suspended_address_are_alike(
    ada: Person, bob: Person, admin: Person
) -> None:
    item, user = await ada.item(), await bob.id()
    suspended = await admin.http.patch(f"/v1/users/{user}", json={"status": "suspended"})
    assert suspended.status_code == 200
    answers = [await share(ada, item, email) for email in (bob.email, "who@example.com")]
    assert told(answers[0]) == (404, "USER_NOT_FOUND")
    assert answers[0].content == answers[1].content
    assert (await grants(ada, item))["data"] == []


async def test_no_item_can_be_shared_that_is_not_there(ada: Person, bob: Person) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", {"email": bob.email, "role": "viewer"}),
        ("PUT", "/" + NOWHERE, {"role": "viewer"}),
        ("DELETE", "/" + NOWHERE, None),
    ):
        answer = await ada.http.request(method, f"/v1/items/{NOWHERE}/grants{path}", json=body)
        assert told(answer) == (404, "ITEM_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "bob@example.com"}, "body.role"),
        ({"role": "viewer"}, "body.email"),
        ({"email": "bob@example.com", "role": "owner"}, "body.role"),
        ({"email": "bob@example.com", "role": "admin"}, "body.role"),
        ({"email": "bob", "role": "viewer"}, "body.email"),
        ({"email": "bob@example.com", "role": "viewer", "x": 1}, "body"),
    ],
)
async def test_a_grant_that_makes_no_sense_is_refused(
    ada: Person, body: dict[str, Any], field: str
) -> None:
    item = await ada.item()
    answer = await ada.http.post(f"/v1/items/{item['id']}/grants", json=body)
    assert {name for name, _ in violations(answer)} == {field}


@EVERY_DATABASE
async def test_a_viewer_reads_and_an_editor_writes_and_neither_does_more(
    api: Api, ada: Person, bob: Person
) -> None:
    carl = await api.join("carl")
    item = await ada.item()
    path = f"/v1/items/{item['id']}"
    await share(ada, item, bob.email, "viewer")
    await share(ada, item, carl.email, "editor")
    for method in ("PATCH", "PUT"):
        answer = await bob.http.request(method, path, json={"title": "Mine"})
        assert told(answer) == (403, "FORBIDDEN")
        answer = await carl.http.request(method, path, json={"title": method})
        assert (answer.status_code, answer.json()["access"]) == (200, "editor")
        assert answer.json()["owner_id"] == await ada.id()
    me = await carl.id()
    for person in (bob, carl):
        for method, rest, body in (
            ("DELETE", "", None),
            ("GET", "/grants", None),
            ("POST", "/grants", {"email": "x@example.com", "role": "viewer"}),
            ("PUT", f"/grants/{me}", {"role": "editor"}),
        ):
            answer = await person.http.request(method, path + rest, json=body)
            assert told(answer) == (403, "FORBIDDEN"), (method, rest)
    assert told(await bob.http.delete(f"{path}/grants/{me}")) == (403, "FORBIDDEN")
    assert (await ada.http.get(path)).json()["title"] == "PUT"


@EVERY_DATABASE
async def test_a_grantee_gives_up_their_own_grant(ada: Person, bob: Person) -> None:
    item, user = await ada.item(), await bob.id()
    path = f"/v1/items/{item['id']}/grants/{user}"
    assert told(await bob.http.delete(path)) == (403, "FORBIDDEN")
    await share(ada, item, bob.email)
    assert (await bob.http.delete(path)).status_code == 204
    assert told(await bob.http.delete(path)) == (403, "FORBIDDEN")
    assert (await bob.http.get("/v1/items")).json()["data"] == []


async def test_a_revision_is_one_persons(ada: Person, bob: Person, admin: Person) -> None:
    item = await ada.item()
    path = f"/v1/items/{item['id']}"
    await share(ada, item, bob.email, "editor")
    tags = [(await who.http.get(path)).headers["ETag"] for who in (ada, bob, admin)]
    assert tags == ['"1-owner"', '"1-editor"', '"1-admin"']
    stale = await bob.http.patch(path, json={"title": "x"}, headers={"If-Match": tags[0]})
    assert told(stale) == (412, "PRECONDITION_FAILED")
    fresh = await bob.http.get(path, headers={"If-None-Match": tags[0]})
    assert fresh.status_code == 200
    changed = await bob.http.patch(path, json={"title": "x"}, headers={"If-Match": tags[1]})
    assert changed.headers["ETag"] == '"2-editor"'


@EVERY_DATABASE
async def test_with_an_item_or_a_user_go_the_grants(
    api: Api, ada: Person, bob: Person, admin: Person
) -> None:
    kept, lost = await ada.item("kept"), await ada.item("lost")
    for item in (kept, lost):
        assert (await share(ada, item, bob.email)).status_code == 201
        assert (await share(ada, item, admin.email)).status_code == 201
    assert (await ada.http.delete(f"/v1/items/{lost['id']}")).status_code == 204
    shared = (await bob.http.get("/v1/items?access=shared")).json()["data"]
    assert [item["title"] for item in shared] == ["kept"]
    gone = await bob.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert [one["display_name"] for one in (await grants(ada, kept))["data"]] == ["Admin"]
    gone = await ada.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert (await admin.http.get("/v1/items?access=shared")).json()["data"] == []
    again = await api.join("bob")
    assert (await again.http.get("/v1/items")).json()["data"] == []


async def test_a_deleted_account_that_comes_again_has_no_grants(api: Api, ada: Person) -> None:
    bob = await api.join("bob")
    item = await ada.item()
    await share(ada, item, bob.email)
    await bob.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
    bob = await api.join("bob")
    assert told(await bob.http.get(f"/v1/items/{item['id']}")) == (403, "FORBIDDEN")


@EVERY_DATABASE
async def test_grants_come_page_by_page_oldest_first(
    api: Api, ada: Person, bob: Person, admin: Person
) -> None:
    item, other = await ada.item(), await ada.item()
    friends = [await api.join(f"friend{number}") for number in range(5)]
    for friend in friends[::-1]:
        await share(ada, item, friend.email)
    seen, query = [], {"limit": "2"}
    while True:
        page = await grants(ada, item, **query)
        seen += [grant["display_name"] for grant in page["data"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        for person, path in ((admin, item["id"]), (ada, other["id"])):
            answer = await person.http.get(f"/v1/items/{path}/grants", params=query)
            assert told(answer) == (400, "INVALID_CURSOR")
    assert seen == [f"Friend{number}" for number in range(5)][::-1]
    everybody = await grants(admin, item)
    assert len(everybody["data"]) == 5


async def test_addresses_cannot_be_collected_by_sharing(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        api.clock.stop_at(api.clock())
        item, others = await ada.item(), await bob.item()
        for number in range(100):
            answer = await share(ada, item, f"nobody{number}@example.com")
            assert told(answer) == (404, "USER_NOT_FOUND")
        for email in ("nobody@example.com", bob.email):
            answer = await share(ada, item, email)
            assert told(answer) == (429, "RATE_LIMITED")
            assert 0 < int(answer.headers["Retry-After"]) <= 3600
        assert (await share(bob, others, ada.email)).status_code == 201
        api.clock.forward(3600)
        ada = await api.sign_in(ada.email)
        assert (await share(ada, item, bob.email)).status_code == 201


async def test_sharing_with_those_who_are_there_is_not_limited(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        item, user = await ada.item(), await bob.id()
        for _ in range(101):
            assert (await share(ada, item, bob.email)).status_code == 201
            assert told(await share(ada, item, bob.email)) == (409, "ALREADY_SHARED")
            path = f"/v1/items/{item['id']}/grants/{user}"
            assert (await ada.http.delete(path)).status_code == 204
