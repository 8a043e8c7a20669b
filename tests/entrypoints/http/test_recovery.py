"""Proves what a mailbox opens over HTTP: a lost account, an address, and nothing else."""

import asyncio
import random
import time
from statistics import median
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    PASSWORD,
    Api,
    Person,
    Start,
    sign_in_form,
    told,
    violations,
)
from tests.entrypoints.http.mailbox import Mailbox

NEW = "a river of patient stones"
ADA = "ada@example.com"
RESET, CONFIRM = "/v1/auth/password-reset", "/v1/auth/email-verification"


@pytest.fixture
def mailbox(api: Api) -> Mailbox:
    return Mailbox(api)


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.put(RESET, json={"token": token, "new_password": password})


async def confirm(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(CONFIRM, json={"token": token})


async def opens(client: httpx.AsyncClient, email: str, password: str) -> bool:
    answer = await client.post("/v1/auth/token", data=sign_in_form(email, password))
    return answer.status_code == 200


@EVERY_DATABASE
async def test_a_forgotten_password_is_replaced_by_mail(api: Api, mailbox: Mailbox) -> None:
    ada, nobody = await api.join("ada"), await api.client()
    answer = await nobody.post(RESET, json={"email": " Ada@Example.com "})
    assert (answer.status_code, answer.json()) == (202, {})
    token = await mailbox.token("recovery", ADA)
    assert told(await reset(nobody, token, "short")) == (422, "WEAK_PASSWORD")
    assert (await reset(nobody, token)).status_code == 204
    assert told(await reset(nobody, token)) == (400, "INVALID_ONE_TIME_TOKEN")
    assert told(await ada.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
    assert (await opens(nobody, ADA, PASSWORD), await opens(nobody, ADA, NEW)) == (False, True)
    assert await mailbox.arrived() == [(ADA, "Your password was changed")]


@EVERY_DATABASE
async def test_a_new_account_is_asked_to_confirm_its_address(api: Api, mailbox: Mailbox) -> None:
    nobody = await api.client()
    account = {"email": ADA, "password": PASSWORD}
    assert (await nobody.post("/v1/users", json=account)).status_code == 201
    first = await mailbox.token("verification", ADA)
    ada = await api.sign_in(ADA)
    assert (await ada.http.post("/v1/users/me/email-verification")).status_code == 202
    second = await mailbox.token("verification", ADA)
    assert first != second
    assert (await confirm(nobody, second)).status_code == 204
    assert (await ada.http.get("/v1/users/me")).json()["email_verified"] is True
    assert told(await confirm(nobody, second)) == (400, "INVALID_ONE_TIME_TOKEN")


@EVERY_DATABASE
async def test_an_address_is_changed_and_changed_back(api: Api, mailbox: Mailbox) -> None:
    ada, nobody = await api.join("ada"), await api.client()
    wish = {"new_email": "Ada@New.example", "password": PASSWORD}
    assert (await ada.http.put("/v1/users/me/email", json=wish)).status_code == 202
    token = await mailbox.token("new_address", "ada@new.example")
    assert (await ada.http.get("/v1/users/me")).json()["email"] == ADA
    assert (await confirm(nobody, token)).status_code == 204
    user = (await ada.http.get("/v1/users/me")).json()
    assert (user["email"], user["email_verified"]) == ("ada@new.example", True)
    undo = await mailbox.token("old_address", ADA)
    api.clock.forward(6 * 24 * 3600)
    assert (await confirm(nobody, undo)).status_code == 204
    assert told(await confirm(nobody, undo)) == (400, "INVALID_ONE_TIME_TOKEN")
    assert told(await nobody.get("/v1/users/me", headers=ada.http.headers)) in {
        (401, "TOKEN_EXPIRED"),
        (401, "TOKEN_REVOKED"),
    }
    assert not await opens(nobody, ADA, PASSWORD)  # whoever moved the address knew it
    again = {"token": await mailbox.token("recovery", ADA), "new_password": NEW}
    assert (await nobody.put("/v1/auth/password-reset", json=again)).status_code == 204
    assert await opens(nobody, ADA, NEW)


async def test_an_address_that_was_taken_meanwhile_is_told_to_whoever_proved_it(
    api: Api, ada: Person, mailbox: Mailbox
) -> None:
    nobody = await api.client()
    wish = {"new_email": "bob@example.com", "password": PASSWORD}
    await ada.http.put("/v1/users/me/email", json=wish)
    token = await mailbox.token("new_address", "bob@example.com")
    await api.join("bob")
    assert told(await confirm(nobody, token)) == (409, "EMAIL_TAKEN")
    assert (await ada.http.put("/v1/users/me/email", json=wish)).status_code == 202
    assert await mailbox.arrived() == []


async def test_a_wrong_password_changes_no_address(ada: Person) -> None:
    wish = {"new_email": "ada@new.example", "password": "wrong"}
    answer = await ada.http.put("/v1/users/me/email", json=wish)
    assert told(answer) == (403, "WRONG_PASSWORD")


@pytest.mark.parametrize(
    ("method", "path", "body", "broken"),
    [
        ("POST", RESET, {"email": "nonsense"}, {("body.email", "email_invalid")}),
        ("POST", RESET, {"email": "quac\u212a@example.com"}, {("body.email", "email_invalid")}),
        ("POST", RESET, {}, {("body.email", "missing")}),
        ("POST", RESET, {"email": ADA, "x": 1}, {("body", "extra_forbidden")}),
        ("PUT", RESET, {"token": "x"}, {("body.new_password", "missing")}),
        ("POST", CONFIRM, {"token": 1}, {("body.token", "string_type")}),
    ],
)
async def test_bodies_are_checked(
    nobody: httpx.AsyncClient, method: str, path: str, body: Any, broken: Any
) -> None:
    assert violations(await nobody.request(method, path, json=body)) == broken


@pytest.mark.parametrize(
    "token", ["", "x", "bot_", "bot_" + "A" * 64, "\x00", "é" * 68, "x" * 9999]
)
async def test_what_is_no_token_of_ours_is_just_invalid(
    nobody: httpx.AsyncClient, token: str
) -> None:
    assert told(await reset(nobody, token)) == (400, "INVALID_ONE_TIME_TOKEN")
    assert told(await confirm(nobody, token)) == (400, "INVALID_ONE_TIME_TOKEN")


async def test_a_token_with_one_letter_changed_opens_nothing(
    api: Api, ada: Person, mailbox: Mailbox
) -> None:
    nobody = await api.client()
    await nobody.post(RESET, json={"email": ADA})
    token = await mailbox.token("recovery", ADA)
    for place in (-1, -30, -43):
        other = "A" if token[place] != "A" else "B"
        forged = token[:place] + other + (token[place + 1 :] if place != -1 else "")
        assert told(await reset(nobody, forged)) == (400, "INVALID_ONE_TIME_TOKEN")
    assert (await reset(nobody, token)).status_code == 204


async def test_tokens_of_every_other_kind_open_nothing(
    api: Api, ada: Person, mailbox: Mailbox
) -> None:
    """Threat B5."""
    nobody = await api.client()
    await nobody.post(RESET, json={"email": ADA})
    reset_token = await mailbox.token("recovery", ADA)
    await ada.http.post("/v1/users/me/email-verification")
    verify_token = await mailbox.token("verification", ADA)
    for other in (ada.tokens["access_token"], ada.tokens["refresh_token"], verify_token):
        assert told(await reset(nobody, other)) == (400, "INVALID_ONE_TIME_TOKEN")
    for other in (ada.tokens["access_token"], ada.tokens["refresh_token"], reset_token):
        assert told(await confirm(nobody, other)) == (400, "INVALID_ONE_TIME_TOKEN")
    for token in (reset_token, verify_token):
        bearer = await api.bearer(token)
        assert told(await bearer.get("/v1/users/me")) == (401, "INVALID_TOKEN")
        form = {"grant_type": "refresh_token", "refresh_token": token}
        answer = await nobody.post("/v1/auth/token", data=form)
        assert told(answer) == (401, "INVALID_REFRESH_TOKEN")


@pytest.mark.parametrize(
    ("frontend", "place"),
    [
        (None, "http://127.0.0.1:8000/docs"),
        ("https://app.example.org/my", "https://app.example.org/my/reset-password"),
    ],
)
async def test_links_never_lead_where_a_request_says(
    start: Start, frontend: str | None, place: str
) -> None:
    """Threat A12, GHSA-3529-5m8x-rpv3."""
    async with start(frontend_url=frontend, trusted_proxies="127.0.0.1") as api:
        await api.join("ada")
        evil = {"Host": "evil.example", "Origin": "https://evil.example"}
        evil |= {f"X-Forwarded-{name}": "evil.example" for name in ("Host", "Server", "Proto")}
        evil |= {"Forwarded": "host=evil.example", "Referer": "https://evil.example/"}
        nobody = await api.client(**evil)
        await nobody.post(RESET, json={"email": ADA})
        text = await Mailbox(api).text("recovery", ADA)
        assert "evil" not in text
        assert f"{place}#token=bot_" in text


async def test_a_lock_is_lifted_by_a_reset_and_made_by_none(start: Start) -> None:
    async with start(rate_limits=True) as api:
        await api.join("ada")
        nobody, mailbox = await api.client(), Mailbox(api)
        for _ in range(10):
            await opens(nobody, ADA, "wrong")
        answer = await nobody.post("/v1/auth/token", data=sign_in_form(ADA))
        assert told(answer) == (429, "RATE_LIMITED")
        for _ in range(8):
            assert (await nobody.post(RESET, json={"email": ADA})).status_code == 202
        new = await mailbox.new()
        assert len(new) == 5
        token = str(new[-1]).partition("#token=")[2].split()[0]
        assert (await reset(nobody, token)).status_code == 204
        assert await opens(nobody, ADA, NEW)


async def test_a_network_asks_and_guesses_only_so_often(start: Start) -> None:
    async with start(rate_limits=True) as api:
        nobody, other = await api.client(), await api.client("198.51.100.7")
        answers = [
            await nobody.post(RESET, json={"email": f"{number}@example.com"})
            for number in range(31)
        ]
        assert [answer.status_code for answer in answers] == [202] * 30 + [429]
        assert [(await confirm(nobody, "x")).status_code for _ in range(31)] == [400] * 30 + [429]
        assert told(await reset(nobody, "x")) == (429, "RATE_LIMITED")
        assert (await other.post(RESET, json={"email": ADA})).status_code == 202


@EVERY_DATABASE
async def test_asking_tells_nothing_of_whether_there_is_an_account_not_even_by_time(
    api: Api,
) -> None:
    await api.join("ada")
    nobody = await api.client()
    taken: dict[str, list[float]] = {"ada@example.com": [], "bob@example.com": []}
    seen = set()
    for round_ in range(-3, 80):
        for email in random.sample(list(taken), 2):  # the mail of one is sent beside the next one
            begun = time.perf_counter()
            answer = await nobody.post(RESET, json={"email": email})
            if round_ >= 0:
                taken[email].append(time.perf_counter() - begun)
            headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
            seen.add((answer.status_code, answer.text, str(sorted(headers.items()))))
    assert len(seen) == 1
    known, unknown = (median(times) for times in taken.values())
    assert 0.75 < known / unknown < 1.33


STRICT = {"require_verified_email": True}


@EVERY_DATABASE
async def test_where_addresses_must_be_proved_sign_up_tells_nothing(start: Start) -> None:
    async with start(**STRICT) as api:
        nobody, mailbox = await api.client(), Mailbox(api)
        account = {"email": ADA, "password": PASSWORD, "display_name": "Ada"}
        first = await nobody.post("/v1/users", json=account)
        assert (first.status_code, first.json()) == (202, {})
        assert "Location" not in first.headers
        assert not await opens(nobody, ADA, PASSWORD)
        token = await mailbox.token("verification", ADA)
        second = await nobody.post("/v1/users", json=account | {"password": NEW})
        assert (second.status_code, second.text) == (first.status_code, first.text)
        assert first.headers.keys() == second.headers.keys()
        assert await mailbox.arrived() == [(ADA, "You have an account already")]
        assert (await confirm(nobody, token)).status_code == 204
        assert (await opens(nobody, ADA, PASSWORD), await opens(nobody, ADA, NEW)) == (True, False)
        weak = await nobody.post("/v1/users", json=account | {"password": "short"})
        assert told(weak) == (422, "WEAK_PASSWORD")


async def test_an_account_that_is_not_proved_is_refused_like_a_wrong_password(start: Start) -> None:
    async with start(**STRICT) as api:
        nobody = await api.client()
        await nobody.post("/v1/users", json={"email": ADA, "password": PASSWORD})
        answers = [
            await nobody.post("/v1/auth/token", data=sign_in_form(*who))
            for who in ((ADA, PASSWORD), (ADA, "wrong"), ("nobody@example.com", PASSWORD))
        ]
        assert told(answers[0]) == (401, "INVALID_CREDENTIALS")
        assert len({answer.text for answer in answers}) == 1


async def test_an_impostor_ends_with_nothing(api: Api, mailbox: Mailbox) -> None:
    """Pre-hijacking: somebody registers the victim's address first, and waits."""
    impostor, victim = await api.join("ada"), await api.client()
    wish = {"new_email": "impostor@example.com", "password": PASSWORD}
    await impostor.http.put("/v1/users/me/email", json=wish)
    theirs = await mailbox.token("new_address", "impostor@example.com")
    await victim.post(RESET, json={"email": ADA})
    assert (await reset(victim, await mailbox.token("recovery", ADA))).status_code == 204
    assert told(await impostor.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
    form = {"grant_type": "refresh_token", "refresh_token": impostor.tokens["refresh_token"]}
    answer = await victim.post("/v1/auth/token", data=form)
    assert told(answer) == (401, "INVALID_REFRESH_TOKEN")
    assert not await opens(victim, ADA, PASSWORD)
    assert told(await confirm(victim, theirs)) == (400, "INVALID_ONE_TIME_TOKEN")
    assert await opens(victim, ADA, NEW)


@EVERY_DATABASE
async def test_of_twenty_who_bring_one_token_at_once_one_comes_through(
    api: Api, mailbox: Mailbox
) -> None:
    ada, nobody = await api.join("ada"), await api.client()
    await nobody.post(RESET, json={"email": ADA})
    await ada.http.post("/v1/users/me/email-verification")
    mails = {str(mail["Subject"]): str(mail) for mail in await mailbox.new()}
    verify, recover = (
        mails[subject].partition("#token=")[2].split()[0]
        for subject in ("Confirm your e-mail address", "Choose a new password")
    )
    answers = await asyncio.gather(*(confirm(nobody, verify) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19
    passwords = [f"{number} rivers of patient stones" for number in range(20)]
    answers = await asyncio.gather(*(reset(nobody, recover, each) for each in passwords))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19
    opened = [await opens(nobody, ADA, each) for each in passwords]
    assert opened == [answer.status_code == 204 for answer in answers]
