"""Proves what people can do about their sign-ins: see them, end them, and nobody else's."""

import asyncio
from collections import Counter
from datetime import datetime

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    Api,
    Person,
    Start,
    refresh_form,
    sign_in_form,
    told,
    violations,
)

SESSIONS = "/v1/auth/sessions"
DAY = 86_400


async def listed(person: Person) -> list[dict[str, object]]:
    answer = await person.http.get(SESSIONS)
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"data", "next_cursor"}
    assert body["next_cursor"] is None
    data: list[dict[str, object]] = body["data"]
    return data


async def is_alive(api: Api, person: Person) -> bool:
    """Whether a sign-in's two tokens are good, which must agree."""
    answer = await person.http.get("/v1/users/me")
    form = refresh_form(person.tokens["refresh_token"])
    refreshed = await (await api.client()).post("/v1/auth/token", data=form)
    if answer.status_code == 200:
        assert refreshed.status_code == 200
        return True
    assert told(answer) == (401, "TOKEN_REVOKED")
    assert told(refreshed) == (401, "INVALID_REFRESH_TOKEN")
    return False


@EVERY_DATABASE
async def test_sign_ins_are_listed_with_where_they_were_made_and_when_they_end(
    api: Api, ada: Person
) -> None:
    api.clock.forward(60)
    phone = await api.client("198.51.100.9", User_Agent="a phone")
    answer = await phone.post("/v1/auth/token", data=sign_in_form(ada.email))
    there = await api.bearer(answer.json()["access_token"])
    newest, oldest = await listed(ada)
    assert newest.keys() == {
        "id", "created_at", "last_used_at", "expires_at", "ip", "user_agent", "current",
    }  # fmt: skip
    assert (newest["ip"], newest["user_agent"]) == ("198.51.100.9", "a phone")
    assert (newest["current"], oldest["current"]) == (False, True)
    assert oldest["ip"] == "127.0.0.1"
    assert [one["current"] for one in (await there.get(SESSIONS)).json()["data"]] == [True, False]
    for one in (newest, oldest):
        for name in ("created_at", "last_used_at", "expires_at"):
            assert str(one[name]).endswith("Z")
            assert len(str(one[name])) == len("2026-01-01T00:00:00.000000Z")


async def test_a_refresh_moves_a_session_to_the_front_and_its_end_away(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    await api.sign_in(ada.email)
    before = (await listed(ada))[1]
    api.clock.forward(DAY)
    form = refresh_form(ada.tokens["refresh_token"])
    answer = await nobody.post("/v1/auth/token", data=form)
    here = Person(ada.email, {}, await api.bearer(answer.json()["access_token"]))
    after = (await listed(here))[0]
    assert after["id"] == before["id"]
    assert after["created_at"] == before["created_at"]
    assert after["last_used_at"] > before["last_used_at"]  # type: ignore[operator]  # both text
    assert after["expires_at"] > before["expires_at"]  # type: ignore[operator]  # both text


async def test_a_sessions_end_is_whichever_limit_comes_first(start: Start) -> None:
    async with start(session_idle_ttl=100, session_ttl=150) as api:
        ada = await api.join("ada")
        one = (await listed(ada))[0]
        assert seconds(one) == 100
        api.clock.forward(60)
        form = refresh_form(ada.tokens["refresh_token"])
        assert (await (await api.client()).post("/v1/auth/token", data=form)).status_code == 200
        assert seconds((await listed(ada))[0]) == 150


def seconds(session: dict[str, object]) -> int:
    """Return how long a session lasts from its beginning on, as far as it is known."""
    began, ends = (
        datetime.fromisoformat(str(session[name])) for name in ("created_at", "expires_at")
    )
    return round((ends - began).total_seconds())


async def test_sessions_that_are_over_are_not_listed(start: Start) -> None:
    async with start(session_idle_ttl=100) as api:
        ada = await api.join("ada")
        api.clock.forward(60)
        later = await api.sign_in(ada.email)
        assert len(await listed(later)) == 2
        api.clock.forward(50)
        assert len(await listed(later)) == 1


@EVERY_DATABASE
async def test_one_session_is_ended_and_no_other(api: Api, ada: Person) -> None:
    others = [await api.sign_in(ada.email) for _ in range(2)]
    ended = next(one for one in (await listed(others[0])) if one["current"])["id"]
    assert (await ada.http.delete(f"{SESSIONS}/{ended}")).status_code == 204
    assert [await is_alive(api, one) for one in (ada, *others)] == [True, False, True]
    assert told(await ada.http.delete(f"{SESSIONS}/{ended}")) == (404, "SESSION_NOT_FOUND")


async def test_the_current_session_can_be_ended_by_its_id(api: Api, ada: Person) -> None:
    (current,) = await listed(ada)
    assert (await ada.http.delete(f"{SESSIONS}/{current['id']}")).status_code == 204
    assert not await is_alive(api, ada)


@EVERY_DATABASE
async def test_all_others_are_ended_or_all(api: Api, ada: Person, bob: Person) -> None:
    others = [await api.sign_in(ada.email) for _ in range(2)]
    assert (await ada.http.delete(SESSIONS)).status_code == 204
    assert [await is_alive(api, one) for one in (ada, *others)] == [True, False, False]
    more = await api.sign_in(ada.email)
    everything = {"include_current": "true"}
    assert (await ada.http.delete(SESSIONS, params=everything)).status_code == 204
    assert [await is_alive(api, one) for one in (ada, more)] == [False, False]
    assert await is_alive(api, bob)


async def test_somebody_elses_session_is_not_there(api: Api, ada: Person, bob: Person) -> None:
    (theirs,) = await listed(bob)
    for id in (theirs["id"], NOWHERE):
        assert told(await ada.http.delete(f"{SESSIONS}/{id}")) == (404, "SESSION_NOT_FOUND")
    assert violations(await ada.http.delete(f"{SESSIONS}/x")) == {("path.id", "uuid_canonical")}
    assert await is_alive(api, bob)


@pytest.mark.parametrize(
    ("method", "scope"), [("GET", "account:read"), ("DELETE", "account:write")]
)
async def test_a_token_needs_the_scope_for_it(
    api: Api, ada: Person, method: str, scope: str
) -> None:
    other = {"account:read", "account:write"} - {scope}
    allowed = await api.sign_in(ada.email, scope=scope)
    refused = await api.sign_in(ada.email, scope=" ".join(other))
    answer = await refused.http.request(method, SESSIONS)
    assert told(answer) == (403, "INSUFFICIENT_SCOPE")
    assert (await allowed.http.request(method, SESSIONS)).status_code in {200, 204}


@EVERY_DATABASE
async def test_beyond_the_cap_the_session_idle_for_longest_goes(start: Start) -> None:
    async with start(session_cap=3) as api:
        first = await api.join("ada")
        people = [first]
        for _ in range(2):
            api.clock.forward(1)
            people.append(await api.sign_in(first.email))
        api.clock.forward(1)
        form = refresh_form(first.tokens["refresh_token"])
        refreshed = await (await api.client()).post("/v1/auth/token", data=form)
        people[0] = Person(first.email, refreshed.json(), first.http)
        people.append(await api.sign_in(first.email))
        assert [await is_alive(api, one) for one in people] == [True, False, True, True]


@EVERY_DATABASE
async def test_the_cap_holds_for_sign_ins_at_once(start: Start) -> None:
    async with start(session_cap=3) as api:
        ada = await api.join("ada")
        everybody = await asyncio.gather(*(api.sign_in(ada.email) for _ in range(8)))
        alive = Counter([await is_alive(api, one) for one in everybody])
        assert alive == {True: 3, False: 5}


async def test_dead_sessions_are_tidied_away_and_their_tokens_stay_dead(start: Start) -> None:
    async with start(session_idle_ttl=100) as api:
        ada = await api.join("ada")
        api.clock.forward(60)
        later = await api.sign_in(ada.email)
        tidy_up = api.container.tidy_up()
        assert await asyncio.to_thread(tidy_up) == 0
        api.clock.forward(50)
        assert not await is_alive(api, ada)
        assert await asyncio.to_thread(tidy_up) == 1
        assert await asyncio.to_thread(tidy_up) == 0
        assert not await is_alive(api, ada)
        assert await is_alive(api, later)
