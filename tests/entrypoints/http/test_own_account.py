"""Proves what people can do with their own account: see it, rename it, leave it."""

import asyncio
from typing import Any

import pytest

from domain.access import Role
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

NEW = "a river of patient stones"


async def changed(ada: Person, current: str = PASSWORD, new: str = NEW) -> Any:
    body = {"current_password": current, "new_password": new}
    return await ada.http.put("/v1/users/me/password", json=body)


async def refreshes(api: Api, person: Person) -> bool:
    nobody = await api.client()
    form = refresh_form(person.tokens["refresh_token"])
    return (await nobody.post("/v1/auth/token", data=form)).status_code == 200


# ---------------------------------------------------------------------------------- the profile
@EVERY_DATABASE
async def test_one_sees_oneself(ada: Person) -> None:
    answer = await ada.http.get("/v1/users/me")
    assert answer.status_code == 200
    assert answer.json().keys() == {
        "id", "email", "display_name", "role", "status", "email_verified", "created_at",
        "updated_at",
    }  # fmt: skip
    assert answer.json()["email"] == ada.email


@EVERY_DATABASE
async def test_a_name_is_changed_kept_and_cleared(ada: Person) -> None:
    before = (await ada.http.get("/v1/users/me")).json()
    for body, name in (
        ({"display_name": " Countess "}, "Countess"),
        ({}, "Countess"),
        ({"display_name": None}, None),
    ):
        answer = await ada.http.patch("/v1/users/me", json=body)
        assert (answer.status_code, answer.json()["display_name"]) == (200, name)
        assert (await ada.http.get("/v1/users/me")).json() == answer.json()
    after = (await ada.http.get("/v1/users/me")).json()
    assert after["updated_at"] > before["updated_at"]
    assert after | {"display_name": 0, "updated_at": 0} == before | {
        "display_name": 0,
        "updated_at": 0,
    }


async def test_a_merge_patch_is_one_by_its_type_as_well(ada: Person) -> None:
    answer = await ada.http.patch(
        "/v1/users/me",
        content=b'{"display_name": "Countess"}',
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.json()["display_name"] == "Countess"


@pytest.mark.parametrize("field", ["id", "email", "role", "status", "email_verified", "password"])
async def test_nothing_but_the_name_can_be_changed(ada: Person, field: str) -> None:
    before = (await ada.http.get("/v1/users/me")).json()
    answer = await ada.http.patch("/v1/users/me", json={"display_name": "x", field: "admin"})
    assert violations(answer) == {("body", "extra_forbidden")}
    assert (await ada.http.get("/v1/users/me")).json() == before


# --------------------------------------------------------------------------------- the password
@EVERY_DATABASE
async def test_a_changed_password_opens_the_account_and_the_old_one_does_not(
    api: Api, ada: Person
) -> None:
    answer = await changed(ada)
    assert (answer.status_code, answer.content) == (204, b"")
    nobody = await api.client()
    for password, status in ((NEW, 200), (PASSWORD, 401)):
        form = sign_in_form(ada.email, password)
        assert (await nobody.post("/v1/auth/token", data=form)).status_code == status


@EVERY_DATABASE
async def test_a_changed_password_ends_every_other_session_at_once(
    api: Api, ada: Person, bob: Person
) -> None:
    elsewhere = await api.sign_in(ada.email)
    assert (await changed(ada)).status_code == 204
    answer = await elsewhere.http.get("/v1/users/me")
    assert told(answer) == (401, "TOKEN_REVOKED")
    assert not await refreshes(api, elsewhere)
    for person in (ada, bob):
        assert (await person.http.get("/v1/users/me")).status_code == 200
        assert await refreshes(api, person)


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD + "x", PASSWORD * 20])
async def test_without_the_current_password_nothing_changes(
    api: Api, ada: Person, current: str
) -> None:
    elsewhere = await api.sign_in(ada.email)
    assert told(await changed(ada, current)) == (403, "WRONG_PASSWORD")
    assert (await elsewhere.http.get("/v1/users/me")).status_code == 200
    assert (await api.sign_in(ada.email)).tokens


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("too short", "too_short"),
        (PASSWORD, "same_as_current"),
        ("passwordpassword", "common"),
        ("ada@example.com", "same_as_email"),
        ("ab " * 86, "too_long"),
    ],
)
async def test_a_weak_new_password_is_refused_with_the_reason(
    api: Api, ada: Person, new: str, reason: str
) -> None:
    answer = await changed(ada, new=new)
    assert told(answer) == (422, "WEAK_PASSWORD")
    assert answer.json()["error"]["details"] == {"reason": reason}
    assert (await api.sign_in(ada.email)).tokens


@EVERY_DATABASE
async def test_of_two_who_change_a_password_at_once_one_succeeds(api: Api, ada: Person) -> None:
    elsewhere = await api.sign_in(ada.email)
    answers = await asyncio.gather(
        changed(ada, new="first of two passwords"), changed(elsewhere, new="other of two passwords")
    )
    assert [answer.status_code for answer in answers].count(204) == 1


# ----------------------------------------------------------------------------------- the farewell
async def left(person: Person, password: str = PASSWORD) -> Any:
    return await person.http.post("/v1/users/me/deletion", json={"password": password})


@EVERY_DATABASE
async def test_who_leaves_takes_everything_along(
    api: Api, ada: Person, bob: Person, admin: Person
) -> None:
    lost, kept = await ada.item(), await bob.item()
    elsewhere = await api.sign_in(ada.email)
    assert (await left(ada)).status_code == 204
    for person in (ada, elsewhere):
        assert told(await person.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
        assert not await refreshes(api, person)
    nobody = await api.client()
    answer = await nobody.post("/v1/auth/token", data=sign_in_form(ada.email))
    assert told(answer) == (401, "INVALID_CREDENTIALS")
    assert (await admin.http.get(f"/v1/items/{lost['id']}")).status_code == 404
    assert (await admin.http.get(f"/v1/items/{kept['id']}")).status_code == 200


@EVERY_DATABASE
async def test_who_comes_back_is_somebody_new(api: Api, ada: Person) -> None:
    before = await ada.id()
    assert (await left(ada)).status_code == 204
    again = await api.join("ada")
    assert await again.id() != before
    assert (await again.http.get("/v1/items")).json()["data"] == []
    assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x"])
async def test_nobody_leaves_without_the_password(ada: Person, password: str) -> None:
    assert told(await left(ada, password)) == (403, "WRONG_PASSWORD")
    assert (await ada.http.get("/v1/users/me")).status_code == 200


@EVERY_DATABASE
async def test_the_last_administrator_stays(api: Api, admin: Person) -> None:
    assert told(await left(admin)) == (409, "LAST_ADMIN")
    other = await api.join("other", Role.ADMIN)
    assert (await left(admin)).status_code == 204
    assert told(await left(other)) == (409, "LAST_ADMIN")


@EVERY_DATABASE
async def test_of_two_last_administrators_who_leave_at_once_one_stays(api: Api) -> None:
    admins = [await api.join(name, Role.ADMIN) for name in ("one", "two")]
    answers = await asyncio.gather(*(left(admin) for admin in admins))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
