"""Proves that a refresh token works once, that a lost reply is forgiven, and a theft is not."""

import asyncio

import httpx
import pytest

from tests.entrypoints.cli.tampering import rewrite
from tests.entrypoints.conftest import SettingsOf
from tests.entrypoints.http.api import EVERY_DATABASE, Api, Person, Start, refresh_form, told

pytestmark = EVERY_DATABASE


async def refreshed(nobody: httpx.AsyncClient, token: str, **more: str) -> httpx.Response:
    return await nobody.post("/v1/auth/token", data=refresh_form(token) | more)


async def successor(nobody: httpx.AsyncClient, token: str, **more: str) -> str:
    answer = await refreshed(nobody, token, **more)
    assert answer.status_code == 200, answer.text
    following: str = answer.json()["refresh_token"]
    return following


async def alive(person: Person) -> bool:
    return (await person.http.get("/v1/users/me")).status_code == 200


async def test_each_refresh_gives_a_working_pair_and_the_session_lives_on(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    seen = {ada.tokens["refresh_token"]}
    token = ada.tokens["refresh_token"]
    for _ in range(3):
        answer = await refreshed(nobody, token)
        tokens = answer.json()
        assert tokens.keys() == ada.tokens.keys()
        token = tokens["refresh_token"]
        assert token not in seen
        seen.add(token)
        again = await api.bearer(tokens["access_token"])
        assert (await again.get("/v1/users/me")).status_code == 200
    assert await alive(ada)


async def test_a_lost_reply_is_given_again_within_the_grace(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    first = ada.tokens["refresh_token"]
    second = await successor(nobody, first)
    api.clock.forward(9)
    assert await successor(nobody, first) == second
    assert await successor(nobody, second) not in {first, second}
    assert await alive(ada)


async def test_an_answer_that_could_not_be_made_after_the_commit_is_asked_for_again(
    start: Start, settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.security.signing_keys.FOLLOW_AFTER", 0)
    async with start() as api:
        ada, nobody = await api.join("ada"), await api.client()
        first = ada.tokens["refresh_token"]
        rewrite(settings_of(), "CREATE TABLE kept AS SELECT * FROM signing_keys")
        rewrite(settings_of(), "DELETE FROM signing_keys")
        for _ in range(2):
            assert told(await refreshed(nobody, first)) == (503, "SERVICE_UNAVAILABLE")
        rewrite(settings_of(), "INSERT INTO signing_keys SELECT * FROM kept")
        second = await successor(nobody, first)
        assert await successor(nobody, first) == second
        assert await alive(ada)
        assert await successor(nobody, second) not in {first, second}
        assert told(await refreshed(nobody, first)) == (401, "REFRESH_TOKEN_REUSED")
        assert not await alive(ada)


async def test_however_many_refresh_at_once_all_get_the_one_successor(
    nobody: httpx.AsyncClient, ada: Person
) -> None:
    token = ada.tokens["refresh_token"]
    successors = await asyncio.gather(*(successor(nobody, token) for _ in range(20)))
    assert len(set(successors)) == 1
    assert await alive(ada)


async def test_a_superseded_token_ends_its_session_and_only_that(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    elsewhere = await api.sign_in(ada.email)
    first = ada.tokens["refresh_token"]
    second = await successor(nobody, first)
    api.clock.forward(11)
    assert told(await refreshed(nobody, first)) == (401, "REFRESH_TOKEN_REUSED")
    assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
    for token in (second, first):
        assert told(await refreshed(nobody, token)) == (401, "INVALID_REFRESH_TOKEN")
    assert await alive(elsewhere)


async def test_the_grace_is_for_the_immediate_predecessor_only(
    nobody: httpx.AsyncClient, ada: Person
) -> None:
    first = ada.tokens["refresh_token"]
    third = await successor(nobody, await successor(nobody, first))
    assert told(await refreshed(nobody, first)) == (401, "REFRESH_TOKEN_REUSED")
    assert told(await refreshed(nobody, third)) == (401, "INVALID_REFRESH_TOKEN")


async def test_what_was_never_issued_ends_nothing(nobody: httpx.AsyncClient, ada: Person) -> None:
    token = ada.tokens["refresh_token"]
    flipped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    for forged in (flipped, token + "A", token[:-1], "x", ada.tokens["access_token"], "é\x00"):
        assert told(await refreshed(nobody, forged)) == (401, "INVALID_REFRESH_TOKEN")
    assert await alive(ada)
    assert await successor(nobody, token)


async def test_a_refresh_token_is_no_access_token(api: Api, ada: Person) -> None:
    client = await api.bearer(ada.tokens["refresh_token"])
    assert told(await client.get("/v1/users/me")) == (401, "INVALID_TOKEN")


async def test_fewer_scopes_are_for_one_access_token_only(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    narrow = await refreshed(nobody, ada.tokens["refresh_token"], scope="items:read")
    assert narrow.json()["scope"] == "items:read"
    client = await api.bearer(narrow.json()["access_token"])
    assert (await client.post("/v1/items", json={"title": "x"})).status_code == 403
    wide = await refreshed(nobody, narrow.json()["refresh_token"])
    assert wide.json()["scope"] == ada.tokens["scope"]


async def test_more_scopes_than_the_sign_in_granted_are_refused_and_nothing_is_used_up(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    reader = await api.sign_in(ada.email, scope="items:read")
    token = reader.tokens["refresh_token"]
    for scope in ("items:read items:write", "nonsense"):
        answer = await refreshed(nobody, token, scope=scope)
        assert told(answer) == (400, "INVALID_SCOPE")
    api.clock.forward(60)
    assert await successor(nobody, token)


@pytest.mark.parametrize("days", [13, 15])
async def test_a_session_that_is_not_refreshed_for_two_weeks_is_over(
    api: Api, nobody: httpx.AsyncClient, ada: Person, days: int
) -> None:
    api.clock.forward(days * 86400)
    answer = await refreshed(nobody, ada.tokens["refresh_token"])
    assert answer.status_code == (200 if days < 14 else 401)


async def test_a_session_ends_after_90_days_however_often_it_is_refreshed(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    token = ada.tokens["refresh_token"]
    for _ in range(8):
        api.clock.forward(11 * 86400)
        token = await successor(nobody, token)
    api.clock.forward(3 * 86400)
    assert told(await refreshed(nobody, token)) == (401, "INVALID_REFRESH_TOKEN")


async def test_an_access_token_does_not_outlive_its_session(start: Start) -> None:
    async with start(session_idle_ttl=60) as api:
        ada = await api.join("ada")
        api.clock.forward(59)
        assert await alive(ada)
        api.clock.forward(2)
        assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
