"""Proves what people can do about their keys, and what programs can do with them."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Never

import httpx
import pytest
from dependency_injector import providers

from domain.access import Caller, Role
from domain.errors import Unavailable
from domain.machine_key import KEYS_MAX
from entrypoints.http.application import Application
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    PASSWORD,
    Api,
    Person,
    Start,
    refresh_form,
    told,
    violations,
)

KEYS = "/v1/users/me/keys"
NIGHTLY: dict[str, Any] = {"name": "nightly", "scopes": ["items:read"]}
ALL = ["account:read", "account:write", "items:read", "items:write"]


async def created(person: Person, **wanted: Any) -> dict[str, Any]:
    answer = await person.http.post(KEYS, json=NIGHTLY | wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(person: Person) -> list[dict[str, Any]]:
    answer = await person.http.get(KEYS)
    assert answer.status_code == 200
    assert answer.json().keys() == {"data", "next_cursor"}
    assert answer.json()["next_cursor"] is None
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def machine(api: Api, person: Person, **wanted: Any) -> httpx.AsyncClient:
    """Return the client of a program with a new key of somebody's."""
    return await api.bearer((await created(person, **wanted))["key"])


async def last_use(api: Api, person: Person) -> str | None:
    """Return when the newest key was used last, once all that is to be noted is."""
    await api.app.state.application.settle()
    found: str | None = (await listed(person))[0]["last_used_at"]
    return found


# ------------------------------------------------------------------------------ making and listing
@EVERY_DATABASE
async def test_a_key_is_told_once_and_then_only_what_it_is_for(api: Api, ada: Person) -> None:
    made = await created(ada, name=" nightly ", scopes=["items:write", "items:read"])
    assert re.fullmatch(r"bslt_[0-9A-Za-z]{49}", made["key"])
    assert made.keys() == {
        "id", "name", "scopes", "created_at", "expires_at", "last_used_at", "key",
    }  # fmt: skip
    assert (made["name"], made["scopes"]) == ("nightly", ["items:read", "items:write"])
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    shown = {name: value for name, value in made.items() if name != "key"}
    assert await listed(ada) == [shown]
    assert made["key"] not in (await ada.http.get(KEYS)).text
    assert made["key"] not in (await ada.http.get("/v1/users/me/activity")).text


async def test_keys_come_the_newest_first_and_nobody_elses(ada: Person, bob: Person) -> None:
    for name in ("one", "two", "three"):
        await created(ada, name=name)
    assert [key["name"] for key in await listed(ada)] == ["three", "two", "one"]
    assert await listed(bob) == []


async def test_a_key_ends_when_it_was_said_to(api: Api, ada: Person) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=300)  # noqa: TID251
    made = await created(ada, expires_at=end.astimezone().isoformat())
    assert made["expires_at"] == end.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    program = await api.bearer(made["key"])
    assert (await program.get("/v1/items")).status_code == 200
    api.clock.forward(301)
    answer = await program.get("/v1/items")
    assert told(answer) == (401, "TOKEN_EXPIRED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    ("wrong", "wanted"),
    [
        ({"name": ""}, ("body.name", "string_too_short")),
        ({"name": " "}, ("body.name", "string_too_short")),
        ({"name": "x" * 101}, ("body.name", "string_too_long")),
        ({"name": None}, ("body.name", "string_type")),
        ({"scopes": []}, ("body.scopes", "too_short")),
        ({"scopes": "items:read"}, ("body.scopes", "list_type")),
        ({"scopes": [1]}, ("body.scopes.0", "string_type")),
        ({"scopes": ["items:read"] * 10}, ("body.scopes", "too_long")),
        ({"expires_at": "2020-01-01T00:00:00Z"}, ("body.expires_at", "datetime_future")),
        ({"expires_at": "2999-01-01T00:00:00"}, ("body.expires_at", "datetime_invalid")),
        ({"expires_at": 32503680000}, ("body.expires_at", "datetime_invalid")),
        ({"expires_at": "tomorrow"}, ("body.expires_at", "datetime_invalid")),
        ({"last_used_at": None}, ("body", "extra_forbidden")),
        ({"key": "bslt_mine"}, ("body", "extra_forbidden")),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    reader: Person, wrong: dict[str, Any], wanted: tuple[str, str]
) -> None:
    assert violations(await reader.http.post(KEYS, json=NIGHTLY | wrong)) == {wanted}
    assert await listed(reader) == []


@pytest.mark.parametrize("scope", ["users:read", "audit:read", "everything", "", "ITEMS:READ"])
async def test_a_key_gets_no_scope_that_its_maker_has_not(ada: Person, scope: str) -> None:
    answer = await ada.http.post(KEYS, json=NIGHTLY | {"scopes": ["items:read", scope]})
    assert told(answer) == (400, "INVALID_SCOPE")


async def test_a_narrow_token_makes_no_wide_key(api: Api, ada: Person) -> None:
    narrow = await api.sign_in(ada.email, scope="account:write items:read")
    answer = await narrow.http.post(KEYS, json=NIGHTLY | {"scopes": ["items:write"]})
    assert told(answer) == (400, "INVALID_SCOPE")
    await created(narrow)


@EVERY_DATABASE
async def test_the_cap_holds_for_keys_made_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.machine_keys.KEYS_MAX", 3)
    assert KEYS_MAX == 50
    async with start() as api:
        ada = await api.join("ada")
        answers = await asyncio.gather(*(ada.http.post(KEYS, json=NIGHTLY) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 5
        refused = next(answer for answer in answers if answer.status_code == 403)
        assert told(refused) == (403, "FORBIDDEN")
        assert "Delete one first" in refused.json()["error"]["message"]
        (_, _, oldest) = await listed(ada)
        assert (await ada.http.delete(f"{KEYS}/{oldest['id']}")).status_code == 204
        await created(ada)


# ------------------------------------------------------------------------------- what takes a proof
@EVERY_DATABASE
async def test_keys_are_made_and_ended_with_a_proof_of_the_last_quarter_of_an_hour(
    api: Api, ada: Person
) -> None:
    made = await created(ada)
    api.clock.forward(901)
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=refresh_form(ada.tokens["refresh_token"]))
    later = Person(ada.email, answer.json(), await api.bearer(answer.json()["access_token"]))
    for refused in (
        await later.http.post(KEYS, json=NIGHTLY),
        await later.http.delete(f"{KEYS}/{made['id']}"),
    ):
        assert told(refused) == (403, "REAUTHENTICATION_REQUIRED")
    assert len(await listed(later)) == 1
    proof = {"password": PASSWORD}
    assert (await later.http.post("/v1/auth/reauthenticate", json=proof)).status_code == 204
    await created(later)
    assert (await later.http.delete(f"{KEYS}/{made['id']}")).status_code == 204


# -------------------------------------------------------------------------------- what a key may do
@EVERY_DATABASE
async def test_a_program_does_in_its_users_name_what_its_scopes_say(
    api: Api, ada: Person, bob: Person
) -> None:
    program = await machine(api, ada, scopes=["items:read", "items:write"])
    answer = await program.post("/v1/items", json={"title": "Lamp oil"})
    assert (answer.status_code, answer.json()["owner_id"]) == (201, await ada.id())
    assert (await program.get("/v1/items")).json()["data"] == [answer.json()]
    theirs = await bob.item()
    assert told(await program.get(f"/v1/items/{theirs['id']}")) == (403, "FORBIDDEN")
    refused = await program.get("/v1/users/me")
    assert told(refused) == (403, "INSUFFICIENT_SCOPE")
    assert 'scope="account:read"' in refused.headers["WWW-Authenticate"]


@EVERY_DATABASE
async def test_a_program_may_not_do_what_its_user_may_not_any_more(api: Api, admin: Person) -> None:
    boss = await api.join("boss")
    path = f"/v1/users/{await boss.id()}"
    await admin.http.patch(path, json={"role": "admin"})
    boss = await api.sign_in(boss.email)
    program = await machine(api, boss, scopes=["users:read", "items:read"])
    assert (await program.get("/v1/users")).status_code == 200
    await admin.http.patch(path, json={"role": "member"})
    assert told(await program.get("/v1/users")) == (403, "INSUFFICIENT_SCOPE")
    assert (await program.get("/v1/items")).status_code == 200


async def test_no_program_decides_about_credentials_and_whoever_tries_is_noted(
    api: Api, ada: Person, admin: Person
) -> None:
    program = await machine(api, ada, scopes=ALL)
    answer = await program.post(KEYS, json=NIGHTLY)
    assert told(answer) == (403, "FORBIDDEN")
    assert "WWW-Authenticate" not in answer.headers
    assert told(await program.post("/v1/auth/logout")) == (403, "FORBIDDEN")
    noted = (await admin.http.get("/v1/audit", params={"action": "scope.refused"})).json()["data"]
    assert [entry["target_id"] for entry in noted] == [
        "POST /v1/auth/logout",
        "POST /v1/users/me/keys",
    ]
    assert {entry["actor_id"] for entry in noted} == {await ada.id()}
    assert (await ada.http.get("/v1/users/me")).status_code == 200


@EVERY_DATABASE
async def test_an_administrators_key_does_not_come_round_by_the_other_door(
    api: Api, admin: Person, ada: Person
) -> None:
    await api.join("second", Role.ADMIN)
    program = await machine(api, admin, scopes=["users:read", "users:write"])
    own, other = f"/v1/users/{await admin.id()}", f"/v1/users/{await ada.id()}"
    for method, path, status in (
        ("GET", "/sessions", 200), ("DELETE", "/sessions", 204), ("DELETE", "", 204),
    ):  # fmt: skip
        assert told(await program.request(method, own + path)) == (403, "FORBIDDEN")
        assert (await program.request(method, other + path)).status_code == status
    assert (await admin.http.get(f"{own}/sessions")).status_code == 200
    assert (await admin.http.delete(own)).status_code == 204


# ------------------------------------------------------------------------------------------ its end
@EVERY_DATABASE
async def test_a_deleted_key_is_refused_by_the_next_request(api: Api, ada: Person) -> None:
    made, other = await created(ada), await machine(api, ada)
    program = await api.bearer(made["key"])
    assert (await program.get("/v1/items")).status_code == 200
    assert (await ada.http.delete(f"{KEYS}/{made['id']}")).status_code == 204
    assert told(await program.get("/v1/items")) == (401, "TOKEN_REVOKED")
    assert (await other.get("/v1/items")).status_code == 200
    assert told(await ada.http.delete(f"{KEYS}/{made['id']}")) == (404, "KEY_NOT_FOUND")


async def test_somebody_elses_key_is_not_there(api: Api, ada: Person, bob: Person) -> None:
    made = await created(bob)
    for id in (made["id"], NOWHERE):
        assert told(await ada.http.delete(f"{KEYS}/{id}")) == (404, "KEY_NOT_FOUND")
    assert violations(await ada.http.delete(f"{KEYS}/x")) == {("path.id", "uuid_canonical")}
    assert (await (await api.bearer(made["key"])).get("/v1/items")).status_code == 200


@EVERY_DATABASE
async def test_a_key_goes_with_its_user(api: Api, ada: Person, bob: Person, admin: Person) -> None:
    programs = [await machine(api, person) for person in (ada, bob)]
    await admin.http.patch(f"/v1/users/{await ada.id()}", json={"status": "suspended"})
    await bob.http.post("/v1/users/me/deletion", json={"password": PASSWORD})
    for program in programs:
        assert told(await program.get("/v1/items")) == (401, "TOKEN_REVOKED")


async def test_a_key_outlives_the_session_in_which_it_was_made(api: Api, ada: Person) -> None:
    program = await machine(api, ada)
    assert (await ada.http.post("/v1/auth/logout")).status_code == 204
    assert (await program.get("/v1/items")).status_code == 200


async def test_what_cannot_be_a_key_is_refused_without_a_look(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    key = (await created(ada))["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for text in (wrong, "bslt_", "bslt_" + "0" * 49, key + "0", key.replace("bslt", "BSLT")):
        answer = await nobody.get("/v1/items", headers={"Authorization": f"Bearer {text}"})
        assert told(answer) == (401, "INVALID_TOKEN")


@EVERY_DATABASE
async def test_whoever_finds_a_key_can_end_it_and_learns_nothing(
    api: Api, nobody: httpx.AsyncClient, ada: Person, admin: Person
) -> None:
    made = await created(ada)
    form = {"token": made["key"]}
    asked = await admin.http.post("/v1/auth/introspect", data=form)
    assert asked.json() == {"active": False}
    for _ in range(2):
        answer = await nobody.post("/v1/auth/revoke", data=form)
        assert (answer.status_code, answer.content) == (200, b"{}")
    program = await api.bearer(made["key"])
    assert told(await program.get("/v1/items")) == (401, "TOKEN_REVOKED")
    assert await listed(ada) == []
    assert (await ada.http.get("/v1/users/me")).status_code == 200
    actions = (await ada.http.get("/v1/users/me/activity")).json()["data"]
    assert [entry["action"] for entry in actions][:2] == [
        "machine_key.deleted",
        "machine_key.created",
    ]


# ----------------------------------------------------------------------------------------- its uses
@EVERY_DATABASE
async def test_the_last_use_is_shown_and_the_first_is_in_ones_activity(
    api: Api, ada: Person
) -> None:
    program = await machine(api, ada)
    assert await last_use(api, ada) is None
    await asyncio.gather(*(program.get("/v1/items") for _ in range(5)))
    first = await last_use(api, ada)
    assert first
    api.clock.forward(30)
    await program.get("/v1/items")
    assert await last_use(api, ada) == first
    api.clock.forward(31)
    await program.get("/v1/items")
    assert str(await last_use(api, ada)) > first
    entries = (await ada.http.get("/v1/users/me/activity")).json()["data"]
    found = [entry["action"] for entry in entries if entry["target_type"] == "machine_key"]
    assert found == ["machine_key.first_used", "machine_key.created"]


async def test_a_use_that_cannot_be_noted_hinders_nobody_and_the_next_one_is(
    api: Api, ada: Person
) -> None:
    program = await machine(api, ada)

    def fail(_: Caller) -> Never:
        raise Unavailable

    with api.container.note_key_use.override(providers.Object(fail)):
        assert (await program.get("/v1/items")).status_code == 200
        assert await last_use(api, ada) is None
    assert (await program.get("/v1/items")).status_code == 200
    assert await last_use(api, ada)


async def test_what_was_used_just_before_the_end_is_noted(start: Start) -> None:
    async with start() as api:
        ada = await api.join("ada")
        program = await machine(api, ada)
        app: Application = api.app.state.application
        before = asyncio.create_task(app.change(lambda _: lambda: time.sleep, 0.2))
        await asyncio.sleep(0.05)  # the writer is at it, and the note has to wait
        await program.get("/v1/items")
    await before
    async with start() as api:
        again = await api.sign_in(ada.email)
        assert (await listed(again))[0]["last_used_at"] is not None
