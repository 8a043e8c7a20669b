"""Proves that what matters is written down where it happens, and who may read it."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.audit import Entry
from domain.errors import Unavailable
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    refresh_form,
    sign_in_form,
    told,
    violations,
)

AUDIT, ACTIVITY = "/v1/audit", "/v1/users/me/activity"
FIELDS = {
    "id", "at", "action", "actor_id", "target_type", "target_id", "result", "ip", "user_agent",
    "request_id",
}  # fmt: skip


async def trail(api: Api) -> list[Entry]:
    """Return what is written, oldest first."""

    def read() -> list[Entry]:
        with api.container.reading()() as see:
            return list(see.audit.following(0, limit=1000))

    return await asyncio.to_thread(read)


async def written(api: Api) -> list[str]:
    return [f"{entry.action} {entry.result}" for entry in await trail(api)]


async def entries(person: Person, path: str = AUDIT, **query: Any) -> list[dict[str, Any]]:
    answer = await person.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


# ------------------------------------------------------------------------- what is written
@EVERY_DATABASE
async def test_every_act_of_an_account_is_written_with_who_and_from_where(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    id = await ada.id()
    ada.http.headers["User-Agent"] = "an agent"
    await ada.http.patch("/v1/users/me", json={"display_name": "Countess"})
    new = {"current_password": "the wrong one", "new_password": "a harbour of silent bells"}
    await ada.http.put("/v1/users/me/password", json=new)
    new["current_password"] = PASSWORD
    await ada.http.put("/v1/users/me/password", json=new, headers={"X-Request-ID": "the-change"})
    await nobody.post("/v1/auth/token", data=sign_in_form(ada.email, "wrong"))
    await ada.http.post("/v1/auth/logout")
    found = await trail(api)
    assert [f"{entry.action} {entry.result}" for entry in found] == [
        "account.created success", "session.started success", "account.updated success",
        "password.changed failure", "password.changed success", "session.started failure",
        "session.ended success",
    ]  # fmt: skip
    changed = found[4]
    assert (str(changed.actor_id), changed.target_type, changed.target_id) == (id, "user", id)
    assert changed.request_id == "the-change"
    assert changed.personal
    assert (changed.personal.address, changed.personal.user_agent) == ("127.0.0.1", "an agent")
    failed = found[5]
    assert (failed.actor_id, failed.target_id) == (None, id)
    assert failed.personal
    assert failed.personal.email == ada.email


@EVERY_DATABASE
async def test_a_reuse_is_written_although_the_request_fails(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    token = ada.tokens["refresh_token"]
    await nobody.post("/v1/auth/token", data=refresh_form(token))
    api.clock.forward(60)
    answer = await nobody.post("/v1/auth/token", data=refresh_form(token))
    assert told(answer) == (401, "REFRESH_TOKEN_REUSED")
    last = (await trail(api))[-1]
    assert (last.action, last.result) == ("session.refresh_reused", "failure")
    assert last.target_type == "session"
    assert last.actor_id is not None
    assert last.request_id == answer.headers["X-Request-ID"]


@EVERY_DATABASE
async def test_every_act_of_an_administrator_is_written(api: Api, admin: Person) -> None:
    ada = await api.join("ada")
    id, before = await ada.id(), len(await trail(api))
    path = f"/v1/users/{id}"
    await admin.http.patch(path, json={"display_name": "x"})
    await admin.http.patch(path, json={"display_name": "x"})  # nothing changes
    await admin.http.delete(f"{path}/sessions")
    await admin.http.delete(path)
    found = (await trail(api))[before:]
    assert [entry.action for entry in found] == [
        "user.updated", "user.sessions_ended", "user.deleted",
    ]  # fmt: skip
    assert {(str(entry.actor_id), entry.target_id) for entry in found} == {(await admin.id(), id)}


async def test_ends_of_sessions_are_written(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    other = await api.sign_in(ada.email)
    sessions = (await ada.http.get("/v1/auth/sessions")).json()["data"]
    theirs = next(one["id"] for one in sessions if not one["current"])
    before = len(await trail(api))
    await ada.http.delete(f"/v1/auth/sessions/{theirs}")
    await ada.http.delete("/v1/auth/sessions")
    await nobody.post("/v1/auth/revoke", data={"token": other.tokens["access_token"]})  # is gone
    await nobody.post("/v1/auth/revoke", data={"token": ada.tokens["access_token"]})
    found = (await trail(api))[before:]
    assert [(entry.action, entry.target_type) for entry in found] == [
        ("session.ended", "session"), ("session.all_ended", "user"), ("session.ended", "session"),
    ]  # fmt: skip
    assert found[0].target_id == theirs


async def test_a_refused_scope_is_written_only_where_administrators_work(
    api: Api, ada: Person
) -> None:
    before = len(await trail(api))
    narrow = await api.sign_in(ada.email, scope="items:read")
    assert (await narrow.http.post("/v1/items", json={"title": "x"})).status_code == 403
    assert (await ada.http.get(f"/v1/users/{await ada.id()}")).status_code == 403
    assert (await ada.http.get("/v1/users/x")).status_code == 403
    assert (await (await api.client()).get("/v1/users")).status_code == 401
    found = (await trail(api))[before + 1 :]
    assert [(entry.action, entry.result, entry.target_id) for entry in found] == [
        ("scope.refused", "failure", "GET /v1/users/{id}")
    ] * 2
    assert str(found[0].actor_id) == await ada.id()


async def test_reading_and_items_are_not_written(api: Api, ada: Person) -> None:
    before = await written(api)
    item = await ada.item()
    await ada.http.get(f"/v1/items/{item['id']}")
    await ada.http.delete(f"/v1/items/{item['id']}")
    await ada.http.get("/v1/users/me")
    assert await written(api) == before


@EVERY_DATABASE
@pytest.mark.parametrize("failing", ["link", "commit"])
async def test_an_entry_is_there_if_and_only_if_its_act_is(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = await written(api)

    def fail(*_: object, **__: object) -> None:
        raise Unavailable

    with monkeypatch.context() as broken:
        if failing == "link":
            broken.setattr(type(api.container.chain()), "link", fail)
        else:
            broken.setattr(type(api.container.unit_of_work()()), "commit", fail)
        answer = await ada.http.patch("/v1/users/me", json={"display_name": "Countess"})
        assert told(answer) == (503, "SERVICE_UNAVAILABLE")
        assert (await ada.http.post("/v1/auth/logout")).status_code == 503
    assert await written(api) == before
    assert (await ada.http.get("/v1/users/me")).json()["display_name"] == "Ada"
    await ada.http.patch("/v1/users/me", json={"display_name": "Countess"})
    assert await written(api) == [*before, "account.updated success"]


@EVERY_DATABASE
@pytest.mark.parametrize("by", ["owner", "administrator"])
async def test_a_deletion_erases_what_is_personal_and_the_chain_stays_whole(
    api: Api, nobody: httpx.AsyncClient, admin: Person, ada: Person, by: str
) -> None:
    id = await ada.id()
    await nobody.post("/v1/auth/token", data=sign_in_form(ada.email, "wrong"))
    await ada.http.post("/v1/auth/revoke", data={"token": "x"})
    if by == "owner":
        await ada.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
    else:
        await admin.http.delete(f"/v1/users/{id}")
    found = [entry for entry in await trail(api) if id in {str(entry.actor_id), entry.target_id}]
    assert [entry.action for entry in found[:3]] == [
        "account.created", "session.started", "session.started",
    ]  # fmt: skip
    assert all(entry.personal is None for entry in found[:3])
    emails = [entry.personal.email for entry in await trail(api) if entry.personal]
    assert ada.email not in emails
    verdict = await asyncio.to_thread(api.container.verify_audit())
    assert (verdict.damage, verdict.erased) == (None, 3)


# ---------------------------------------------------------------------------- who may read
@EVERY_DATABASE
async def test_entries_are_read_newest_first_and_filtered(
    api: Api, admin: Person, ada: Person
) -> None:
    id = await ada.id()
    api.clock.forward(60)
    middle = api.clock()
    await ada.http.patch("/v1/users/me", json={"display_name": "x"})
    await admin.http.patch(f"/v1/users/{id}", json={"display_name": "y"})
    everything = await entries(admin)
    assert all(entry.keys() == FIELDS for entry in everything)
    assert [entry["action"] for entry in everything] == [
        "user.updated", "account.updated", "session.started", "account.created",
        "session.started", "account.created",
    ]  # fmt: skip
    assert len({entry["id"] for entry in everything}) == 6
    assert everything[0]["ip"] == "127.0.0.1"

    async def actions(**query: Any) -> list[str]:
        return [entry["action"] for entry in await entries(admin, **query)]

    assert await actions(actor=await admin.id()) == ["user.updated", "session.started"]
    assert await actions(action="account.updated") == ["account.updated"]
    assert await actions(target=id, actor=id) == ["account.updated", "session.started"]
    moment = middle.isoformat()
    assert await actions(since=moment) == ["user.updated", "account.updated"]
    assert len(await actions(until=moment)) == 4
    later = (middle + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    assert await actions(since=later) == await actions(since=moment)
    assert await actions(since=moment, until=moment) == []
    exact = everything[1]["at"]
    assert "account.updated" in await actions(since=exact)
    assert "account.updated" not in await actions(until=exact)


async def test_entries_are_read_page_by_page(api: Api, admin: Person) -> None:
    for number in range(4):
        await api.join(f"user{number}")
    expected = [entry["id"] for entry in await entries(admin)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"limit": "3", "since": "2000-01-01T00:00:00Z"} | cursor
        answer = await admin.http.get(AUDIT, params=query)
        page = answer.json()
        found += [entry["id"] for entry in page["data"]]
        assert ("Link" in answer.headers) == (page["next_cursor"] is not None)
        if page["next_cursor"] is None:
            break
        next_url = httpx.URL(answer.headers["Link"].split(">")[0].lstrip("<"))
        followed = await admin.http.get(next_url.raw_path.decode())
        assert followed.status_code == 200
        cursor = {"cursor": page["next_cursor"]}
        other = await admin.http.get(AUDIT, params=cursor)
        assert told(other) == (400, "INVALID_CURSOR")
    assert found == expected


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "x"}, {"action": "nonsense"}, {"since": "yesterday"}, {"since": "1700000000"},
        {"until": "2026-01-01T00:00:00"}, {"limit": "0"}, {"limit": "101"}, {"ip": "x"},
        {"target": "\x00"}, {"since": "0001-01-01T00:00:00+14:00"},
    ],
)  # fmt: skip
async def test_other_queries_are_refused(admin: Person, query: dict[str, str]) -> None:
    assert violations(await admin.http.get(AUDIT, params=query))


async def test_only_those_with_the_scope_may_read_it(
    api: Api, nobody: httpx.AsyncClient, admin: Person, ada: Person
) -> None:
    assert told(await nobody.get(AUDIT)) == (401, "UNAUTHENTICATED")
    assert told(await ada.http.get(AUDIT)) == (403, "INSUFFICIENT_SCOPE")
    narrow = await api.sign_in(admin.email, scope="users:read")
    assert told(await narrow.http.get(AUDIT)) == (403, "INSUFFICIENT_SCOPE")
    assert await entries(await api.sign_in(admin.email, scope="audit:read"))


@EVERY_DATABASE
async def test_everybody_sees_what_was_done_by_them_or_to_them_and_no_more(
    api: Api, admin: Person, ada: Person, bob: Person
) -> None:
    id = await ada.id()
    await admin.http.patch(f"/v1/users/{id}", json={"display_name": "y"})
    await admin.http.patch(f"/v1/users/{await bob.id()}", json={"display_name": "y"})
    found = await entries(ada, ACTIVITY)
    assert [entry["action"] for entry in found] == [
        "user.updated", "session.started", "account.created",
    ]  # fmt: skip
    assert all(entry.keys() == FIELDS for entry in found)
    assert {entry["target_id"] for entry in found} == {id}
    (first,) = await entries(ada, ACTIVITY, limit=1)
    assert first == found[0]
    assert told(await (await api.client()).get(ACTIVITY)) == (401, "UNAUTHENTICATED")
    narrow = await api.sign_in(ada.email, scope="items:read")
    assert told(await narrow.http.get(ACTIVITY)) == (403, "INSUFFICIENT_SCOPE")
