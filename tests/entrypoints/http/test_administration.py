"""Proves what administrators can do to accounts, at once, and that one of them always stays."""

from typing import Any

import httpx
import pytest

from domain.access import Role
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    PASSWORD,
    Api,
    Person,
    refresh_form,
    sign_in_form,
    told,
    violations,
)

USERS = "/v1/users"


async def names(person: Person, **query: object) -> list[str]:
    answer = await person.http.get(USERS, params={key: str(query[key]) for key in query})
    assert answer.status_code == 200, answer.text
    return [user["email"].partition("@")[0] for user in answer.json()["data"]]


# ----------------------------------------------------------------------------------- finding
@EVERY_DATABASE
async def test_accounts_are_found_page_by_page_newest_first(api: Api, admin: Person) -> None:
    for name in ("one", "two", "three", "four"):
        await api.join(name)
    expected = ["four", "three", "two", "one", "admin"]
    assert await names(admin) == expected
    found: list[str] = []
    answer = await admin.http.get(USERS, params={"limit": "2", "status": "active"})
    while True:
        page = answer.json()
        found += [user["email"].partition("@")[0] for user in page["data"]]
        if page["next_cursor"] is None:
            assert "Link" not in answer.headers
            break
        link, _, rel = answer.headers["Link"].partition("; ")
        assert rel == 'rel="next"'
        url = httpx.URL(link.strip("<>"))
        assert (url.host, url.params["cursor"]) == ("127.0.0.1", page["next_cursor"])
        await api.join(f"later{len(found)}")
        answer = await admin.http.get(url.raw_path.decode())
    assert found == expected


async def test_a_cursor_is_good_for_its_caller_and_its_filters_only(
    api: Api, admin: Person
) -> None:
    for name in ("one", "two"):
        await api.join(name)
    cursor = (await admin.http.get(USERS, params={"limit": "1"})).json()["next_cursor"]
    other = await api.join("other", Role.ADMIN)
    wrong: list[tuple[Person, dict[str, str]]] = [
        (other, {}), (admin, {"role": "member"}), (admin, {"q": "one"}),
        (admin, {"cursor": cursor[:-2] + "xx"}), (admin, {"cursor": "x"}),
    ]  # fmt: skip
    for person, query in wrong:
        answer = await person.http.get(USERS, params={"cursor": cursor} | query)
        assert told(answer) == (400, "INVALID_CURSOR")
    assert (await admin.http.get(USERS, params={"cursor": cursor})).status_code == 200


@EVERY_DATABASE
async def test_a_search_folds_case_and_takes_every_character_literally(
    api: Api, admin: Person
) -> None:
    for name, shown in (
        ("ada", "Ada Löve_lace"), ("bob", "STRASSE 100%"), ("cyd", "Ünal\\x"), ("dan", None),
    ):  # fmt: skip
        person = await api.join(name)
        await person.http.patch(f"{USERS}/me", json={"display_name": shown})
    searches = {
        "ADA@": ["ada"], "löve_": ["ada"], "LÖVE": ["ada"], "e_l": ["ada"], "e%l": [],
        "0%": ["bob"], "%": ["bob"], "_": ["ada"], "straße": ["bob"], "ünal": ["cyd"],
        "\\": ["cyd"], "l\\x": ["cyd"], "@example.com": ["dan", "cyd", "bob", "ada", "admin"],
        "nobody": [], "'; --": [],
    }  # fmt: skip
    for words, expected in searches.items():
        assert await names(admin, q=words) == expected, words


@EVERY_DATABASE
async def test_accounts_are_filtered_by_role_and_status(api: Api, admin: Person) -> None:
    for name in ("one", "two"):
        await api.join(name)
    two = (await admin.http.get(USERS, params={"q": "two"})).json()["data"][0]["id"]
    await admin.http.patch(f"{USERS}/{two}", json={"status": "suspended"})
    assert await names(admin, role="admin") == ["admin"]
    assert await names(admin, role="member") == ["two", "one"]
    assert await names(admin, status="suspended") == ["two"]
    assert await names(admin, role="member", status="active", q="o") == ["one"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"role": "owner"}, {"status": "gone"},
        {"q": ""}, {"q": "x" * 255}, {"q": "\x00"}, {"sort": "email"},
    ],
)  # fmt: skip
async def test_other_queries_are_refused(admin: Person, query: dict[str, str]) -> None:
    assert violations(await admin.http.get(USERS, params=query))


async def test_an_account_is_shown_with_no_more_than_its_owner_sees(
    admin: Person, ada: Person
) -> None:
    own = (await ada.http.get(f"{USERS}/me")).json()
    assert (await admin.http.get(f"{USERS}/{own['id']}")).json() == own
    assert told(await admin.http.get(f"{USERS}/{NOWHERE}")) == (404, "USER_NOT_FOUND")


# ---------------------------------------------------------------------------------- changing
@EVERY_DATABASE
async def test_an_administrator_changes_what_is_sent_and_no_more(
    admin: Person, ada: Person
) -> None:
    path = f"{USERS}/{await ada.id()}"
    before = (await ada.http.get(f"{USERS}/me")).json()
    answer = await admin.http.patch(path, json={"display_name": "Countess"})
    assert answer.status_code == 200
    renamed = before | {"display_name": "Countess", "updated_at": answer.json()["updated_at"]}
    assert answer.json() == renamed
    assert (await admin.http.patch(path, json={})).json() == renamed
    same = {"role": "member", "status": "active", "display_name": "Countess"}
    assert (await admin.http.patch(path, json=same)).json() == renamed
    assert (await admin.http.patch(path, json={"display_name": None})).json()[
        "display_name"
    ] is None
    assert (await ada.http.get(f"{USERS}/me")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"role": "owner"}, {"status": "gone"}, {"role": None}, {"status": None}, {"role": 1},
        {"email": "x@example.com"}, {"id": NOWHERE}, {"email_verified": True}, {"display_name": ""},
        {"password": PASSWORD}, {"created_at": "2020-01-01T00:00:00Z"},
    ],
)  # fmt: skip
async def test_nothing_else_can_be_changed(
    overseer: Person, reader: Person, body: dict[str, object]
) -> None:
    assert violations(await overseer.http.patch(f"{USERS}/{await reader.id()}", json=body))


@EVERY_DATABASE
async def test_a_suspension_ends_every_session_and_keeps_its_user_out(
    api: Api, admin: Person, ada: Person
) -> None:
    path, elsewhere = f"{USERS}/{await ada.id()}", await api.sign_in(ada.email)
    assert (await admin.http.patch(path, json={"status": "suspended"})).status_code == 200
    nobody = await api.client()
    for one in (ada, elsewhere):
        assert told(await one.http.get(f"{USERS}/me")) == (401, "TOKEN_REVOKED")
        form = refresh_form(one.tokens["refresh_token"])
        answer = await nobody.post("/v1/auth/token", data=form)
        assert told(answer) == (401, "INVALID_REFRESH_TOKEN")
    answer = await nobody.post("/v1/auth/token", data=sign_in_form(ada.email))
    assert told(answer) == (401, "INVALID_CREDENTIALS")
    assert (await admin.http.patch(path, json={"status": "active"})).status_code == 200
    assert told(await ada.http.get(f"{USERS}/me")) == (401, "TOKEN_REVOKED")
    await api.sign_in(ada.email)


@EVERY_DATABASE
async def test_a_role_counts_from_the_very_next_request_on(api: Api, admin: Person) -> None:
    other = await api.join("other", Role.ADMIN)
    path = f"{USERS}/{await other.id()}"
    assert (await other.http.get(USERS)).status_code == 200
    await admin.http.patch(path, json={"role": "member"})
    assert told(await other.http.get(USERS)) == (403, "INSUFFICIENT_SCOPE")
    assert (await other.http.get(f"{USERS}/me")).status_code == 200
    await admin.http.patch(path, json={"role": "admin"})
    assert (await other.http.get(USERS)).status_code == 200


@EVERY_DATABASE
async def test_an_account_is_removed_with_all_that_is_its_owners(
    api: Api, admin: Person, ada: Person
) -> None:
    item, path = await ada.item(), f"{USERS}/{await ada.id()}"
    assert (await admin.http.delete(path)).status_code == 204
    assert told(await ada.http.get(f"{USERS}/me")) == (401, "TOKEN_REVOKED")
    assert told(await admin.http.get(f"/v1/items/{item['id']}")) == (404, "ITEM_NOT_FOUND")
    assert told(await admin.http.delete(path)) == (404, "USER_NOT_FOUND")
    again = await api.join("ada")
    assert f"{USERS}/{await again.id()}" != path


@EVERY_DATABASE
async def test_the_last_active_administrator_stays_one(api: Api, admin: Person) -> None:
    path = f"{USERS}/{await admin.id()}"
    idle = await api.join("idle", Role.ADMIN)
    idle_path = f"{USERS}/{await idle.id()}"
    assert (await admin.http.patch(idle_path, json={"status": "suspended"})).status_code == 200
    for body in ({"role": "member"}, {"status": "suspended"}):
        assert told(await admin.http.patch(path, json=body)) == (409, "LAST_ADMIN")
    assert told(await admin.http.delete(path)) == (409, "LAST_ADMIN")
    deletion = {"password": PASSWORD}
    answer = await admin.http.post(f"{USERS}/me/deletion", json=deletion)
    assert told(answer) == (409, "LAST_ADMIN")
    assert (await admin.http.patch(path, json={"display_name": "Chief"})).status_code == 200
    assert (await admin.http.patch(idle_path, json={"status": "active"})).status_code == 200
    assert (await admin.http.patch(path, json={"role": "member"})).status_code == 200


# ---------------------------------------------------------------------------------- sessions
@EVERY_DATABASE
async def test_an_administrator_sees_and_ends_anybodys_sessions(
    api: Api, admin: Person, ada: Person
) -> None:
    path, elsewhere = f"{USERS}/{await ada.id()}/sessions", await api.sign_in(ada.email)
    theirs = (await admin.http.get(path)).json()
    own = (await ada.http.get("/v1/auth/sessions")).json()
    assert [one | {"current": False} for one in own["data"]] == theirs["data"]
    assert theirs["next_cursor"] is None
    assert len(theirs["data"]) == 2
    assert (await admin.http.delete(path)).status_code == 204
    for one in (ada, elsewhere):
        assert told(await one.http.get(f"{USERS}/me")) == (401, "TOKEN_REVOKED")
    assert (await admin.http.get(path)).json()["data"] == []
    await api.sign_in(ada.email)
    for method in ("GET", "DELETE"):
        answer = await admin.http.request(method, f"{USERS}/{NOWHERE}/sessions")
        assert told(answer) == (404, "USER_NOT_FOUND")


# ------------------------------------------------------------------------------ who may not
@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "users:read"),
        ("GET", "/{id}", "users:read"),
        ("PATCH", "/{id}", "users:write"),
        ("DELETE", "/{id}", "users:write"),
        ("GET", "/{id}/sessions", "users:read"),
        ("DELETE", "/{id}/sessions", "users:write"),
    ],
)
async def test_nobody_else_may(
    api: Api, nobody: httpx.AsyncClient, admin: Person, ada: Person, *,
    method: str, path: str, scope: str,
) -> None:  # fmt: skip
    path = USERS + path.format(id=await ada.id())
    body: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
    assert told(await nobody.request(method, path, **body)) == (401, "UNAUTHENTICATED")
    assert told(await ada.http.request(method, path, **body)) == (403, "INSUFFICIENT_SCOPE")
    other = {"users:read": "users:write", "users:write": "users:read"}[scope]
    narrow = await api.sign_in(admin.email, scope=other)
    answer = await narrow.http.request(method, path, **body)
    assert told(answer) == (403, "INSUFFICIENT_SCOPE")
    assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]
    enough = await api.sign_in(admin.email, scope=scope)
    assert (await enough.http.request(method, path, **body)).status_code in {200, 204}
