"""Proves that guessing comes to an end, exactly and for as long as it should, and only guessing.

OWASP ASVS 5.0 §6.3.1; RFC 6585 §4 (429 with Retry-After). Everything stored, nothing in memory.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from application.tidying import TidyUp
from domain.access import Role
from entrypoints.container import Container
from entrypoints.http import jobs
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    Start,
    refresh_form,
    sign_in_form,
    told,
)

WRONG = "the wrong password"
GUESSES = 200


@dataclass(slots=True)
class CountingHasher:
    """The real hasher, which says how often it was asked."""

    real: Any
    asked: int = 0

    def hash(self, password: str) -> str:
        hashed: str = self.real.hash(password)
        return hashed

    def matches(self, password: str, hashed: str | None) -> bool:
        self.asked += 1
        found: bool = self.real.matches(password, hashed)
        return found

    def is_outdated(self, hashed: str) -> bool:
        outdated: bool = self.real.is_outdated(hashed)
        return outdated


def count_hashes(container: Container) -> CountingHasher:
    """Count what is hashed from now on; before anybody has signed in."""
    hasher = CountingHasher(container.hasher())
    container.hasher.override(hasher)
    return hasher


@pytest.fixture
async def strict(start: Start) -> AsyncIterator[Api]:
    """An app with all limits on."""
    async with start(rate_limits=True) as api:
        yield api


async def attempt(
    client: httpx.AsyncClient, email: str = "ada@example.com", password: str = WRONG
) -> tuple[int, int]:
    """Try to sign in; return the status, and for how long to wait."""
    answer = await client.post("/v1/auth/token", data=sign_in_form(email, password))
    if answer.status_code >= 400:
        expected = {401: "INVALID_CREDENTIALS", 429: "RATE_LIMITED"}[answer.status_code]
        assert told(answer) == (answer.status_code, expected)
    return answer.status_code, int(answer.headers.get("Retry-After", 0))


@pytest.mark.parametrize(
    ("kind", "email"),
    [
        ("sqlite", "ada@example.com"),
        ("postgresql", "ada@example.com"),
        ("sqlite", "nobody@example.com"),
        ("postgresql", "no address"),
    ],
)
async def test_of_two_hundred_guesses_at_once_ten_are_looked_at(
    strict: Api, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("PATIENCE", "BEGUN_WITHIN"):  # on a busy machine the last ones wait long
        monkeypatch.setattr(jobs, patience, 60)
    hasher = count_hashes(strict.container)
    await strict.join("ada")
    hasher.asked = 0
    guesser = await strict.client()
    found = await asyncio.gather(*(attempt(guesser, email) for _ in range(GUESSES)))
    assert Counter(status for status, _ in found) == {401: 10, 429: GUESSES - 10}
    assert {wait for status, wait in found if status == 429} <= {58, 59, 60}
    assert hasher.asked == 10


async def test_a_lock_lasts_as_long_as_it_says_and_doubles_with_the_next_failure(
    strict: Api,
) -> None:
    await strict.join("ada")
    strict.clock.stop_at(strict.clock())
    guesser = await strict.client()
    for _ in range(10):
        assert await attempt(guesser) == (401, 0)
    for lock in (60, 120, 240, 480):
        assert await attempt(guesser, password=PASSWORD) == (429, lock)
        strict.clock.forward(lock - 1)
        assert await attempt(guesser, password=PASSWORD) == (429, 1)
        strict.clock.forward(1)
        assert await attempt(guesser) == (401, 0)


async def test_a_success_clears_the_row_of_failures(strict: Api) -> None:
    await strict.join("ada")
    guesser = await strict.client()
    for _ in range(3):
        assert [await attempt(guesser) for _ in range(9)] == [(401, 0)] * 9
        assert await attempt(guesser, password=PASSWORD) == (200, 0)


@EVERY_DATABASE
async def test_a_lock_keeps_nobody_out_who_is_in(strict: Api) -> None:
    ada = await strict.join("ada")
    guesser = await strict.client("203.0.113.5")
    assert 429 in {status for status, _ in [await attempt(guesser) for _ in range(12)]}
    assert (await ada.http.get("/v1/users/me")).status_code == 200
    answer = await ada.http.post("/v1/auth/token", data=refresh_form(ada.tokens["refresh_token"]))
    assert answer.status_code == 200
    new = {"current_password": PASSWORD, "new_password": "a harbour of silent bells"}
    assert (await ada.http.put("/v1/users/me/password", json=new)).status_code == 204


async def test_a_lock_outlives_the_process(start: Start) -> None:
    async with start(rate_limits=True) as before:
        await before.join("ada")
        guesser = await before.client()
        for _ in range(10):
            await attempt(guesser)
    async with start(rate_limits=True) as after:
        status, wait = await attempt(await after.client(), password=PASSWORD)
        assert (status, 0 < wait <= 60) == (429, True)


async def test_ones_own_password_cannot_be_guessed_with_a_stolen_token(strict: Api) -> None:
    ada = await strict.join("ada")
    found = []
    for _ in range(12):
        answer = await ada.http.post("/v1/users/me/deletion", json={"password": WRONG})
        found.append(told(answer))
    assert Counter(found) == {(403, "WRONG_PASSWORD"): 10, (429, "RATE_LIMITED"): 2}
    assert await attempt(await strict.client(), password=PASSWORD) == (200, 0)


# ------------------------------------------------------------------------------- by address
async def sign_up(client: httpx.AsyncClient, number: int) -> int:
    form = {"email": f"{number}@example.com", "password": PASSWORD}
    answer = await client.post("/v1/users", json=form)
    if answer.status_code == 429:
        assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
    return answer.status_code


@EVERY_DATABASE
async def test_one_address_opens_thirty_accounts_an_hour(strict: Api) -> None:
    here, there = await strict.client("192.0.2.1"), await strict.client("192.0.2.2")
    found = await asyncio.gather(*(sign_up(here, number) for number in range(40)))
    assert Counter(found) == {201: 30, 429: 10}
    assert await sign_up(there, 100) == 201
    strict.clock.forward(3600)
    assert await sign_up(here, 101) == 201


async def test_one_address_fails_to_sign_in_a_hundred_times_in_five_minutes(
    strict: Api,
) -> None:
    await strict.join("ada")
    here, there = await strict.client("192.0.2.1"), await strict.client("192.0.2.2")
    guesses = (attempt(here, f"{number}@example.com") for number in range(110))
    found = await asyncio.gather(*guesses)
    assert Counter(status for status, _ in found) == {401: 100, 429: 10}
    assert {wait for status, wait in found if status == 429} <= set(range(290, 301))
    assert (await attempt(here, password=PASSWORD))[0] == 429
    assert (await attempt(there, password=PASSWORD))[0] == 200
    strict.clock.forward(300)
    assert (await attempt(here, password=PASSWORD))[0] == 200


async def test_one_password_cannot_be_tried_on_all_accounts_from_one_address(strict: Api) -> None:
    register = strict.container.register()
    for number in range(150):
        await asyncio.to_thread(register, f"{number}@example.com", PASSWORD, None, Role.MEMBER)
    here, there = await strict.client("192.0.2.1"), await strict.client("192.0.2.2")
    found = [await attempt(here, f"{number}@example.com") for number in range(150)]
    assert [status for status, _ in found] == [401] * 100 + [429] * 50
    assert all(0 < wait <= 300 for status, wait in found if status == 429)
    assert (await attempt(there, "149@example.com", PASSWORD))[0] == 200


async def test_successes_do_not_count_against_an_address(strict: Api) -> None:
    await strict.join("ada")
    here = await strict.client("192.0.2.1")
    found = [await attempt(here, password=PASSWORD) for _ in range(120)]
    assert set(found) == {(200, 0)}


async def test_one_address_refreshes_a_hundred_and_fifty_times_in_five_minutes(
    strict: Api,
) -> None:
    ada = await strict.join("ada")
    here, there = await strict.client("192.0.2.1"), await strict.client("192.0.2.2")
    form = refresh_form(ada.tokens["refresh_token"])
    found = [await here.post("/v1/auth/token", data=form) for _ in range(155)]
    assert [each.status_code for each in found] == [200] * 150 + [429] * 5
    assert 285 <= int(found[-1].headers["Retry-After"]) <= 300
    forged = refresh_form("x")
    assert told(await here.post("/v1/auth/token", data=forged)) == (429, "RATE_LIMITED")
    assert told(await there.post("/v1/auth/token", data=forged)) == (401, "INVALID_REFRESH_TOKEN")


async def test_an_ipv6_customer_is_one_address_and_the_next_one_another(strict: Api) -> None:
    clients = [await strict.client(f"2001:db8::{number:x}") for number in range(31)]
    found = [await sign_up(client, number) for number, client in enumerate(clients)]
    assert found == [201] * 30 + [429]
    assert await sign_up(await strict.client("2001:db8:0:1::1"), 100) == 201


async def test_forwarded_addresses_count_only_behind_trusted_proxies(start: Start) -> None:
    async with start(rate_limits=True, trusted_proxies="10.0.0.0/8") as api:
        liar, proxy = await api.client("192.0.2.1"), await api.client("10.0.0.1")
        found: dict[str, list[int]] = {"liar": [], "proxy": []}
        for name, client in (("liar", liar), ("proxy", proxy)):
            for number in range(31):
                client.headers["X-Forwarded-For"] = f"198.51.100.{number}"
                id = number + 100 * len(found[name]) + (1000 if client is proxy else 0)
                found[name].append(await sign_up(client, id))
    assert found == {"liar": [201] * 30 + [429], "proxy": [201] * 31}


async def test_limits_that_are_off_refuse_nobody(api: Api, ada: Person) -> None:
    guesser = await api.client()
    found = await asyncio.gather(*(attempt(guesser) for _ in range(120)))
    assert set(found) == {(401, 0)}
    assert await attempt(guesser, password=PASSWORD) == (200, 0)


@EVERY_DATABASE
async def test_what_is_remembered_stays_bounded_when_addresses_are_sprayed(
    strict: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.tidying.TALLIES_KEPT", 20)
    guesser = await strict.client("192.0.2.1")
    await asyncio.gather(*(attempt(guesser, f"{number}@example.com") for number in range(60)))
    tidy_up: TidyUp = strict.container.tidy_up()
    assert await asyncio.to_thread(tidy_up) == 61 - 20
    assert await asyncio.to_thread(tidy_up) == 0
    strict.clock.forward(86_400)
    assert await asyncio.to_thread(tidy_up) == 20


# ---------------------------------------------------------------------------- all requests
async def test_all_requests_of_an_address_are_limited_when_the_operator_says_so(
    start: Start,
) -> None:
    async with start(request_limit=5) as api:
        here, there = await api.client("192.0.2.1"), await api.client("192.0.2.2")
        found = [await here.get("/v1/users/me") for _ in range(7)]
        assert [each.status_code for each in found] == [401] * 5 + [429] * 2
        assert 1 <= int(found[-1].headers["Retry-After"]) <= 60
        assert (await there.get("/v1/users/me")).status_code == 401
        for path in ("/health/live", "/health/ready"):
            assert [(await here.get(path)).status_code for _ in range(7)] == [200] * 7


async def test_without_that_nobody_is_limited(api: Api) -> None:
    client = await api.client()
    found = {(await client.get("/v1/users/me")).status_code for _ in range(100)}
    assert found == {401}
