"""Proves how a second factor is set up, what signing in takes then, and how it is given up."""

import asyncio
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from domain.access import Role
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    PASSWORD,
    Api,
    Person,
    Start,
    refresh_form,
    sign_in_form,
    told,
    violations,
)
from tests.entrypoints.http.authenticator import (
    FACTOR,
    all_at_once,
    begun,
    challenge,
    finish,
    protect,
    sign_in,
)
from tests.entrypoints.http.mailbox import TOPICS, Mailbox

CODES = f"{FACTOR}/recovery-codes"
REAUTHENTICATE = "/v1/auth/reauthenticate"
CROWD = 20


# ------------------------------------------------------------------------------------- setting up
@EVERY_DATABASE
async def test_from_setting_it_up_to_giving_it_up(api: Api, ada: Person) -> None:
    assert (await ada.http.get(FACTOR)).json() == {
        "enabled": False,
        "confirmed_at": None,
        "recovery_codes_left": 0,
    }
    app, codes = await protect(api, ada)
    assert len(set(codes)) == 10
    status = (await ada.http.get(FACTOR)).json()
    assert status["enabled"] is True
    assert status["confirmed_at"].endswith("Z")
    assert status["recovery_codes_left"] == 10
    ada = await sign_in(api, ada, app.code())
    renewed = (await ada.http.post(CODES)).json()["recovery_codes"]
    assert not set(renewed) & set(codes)
    ada = await sign_in(api, ada, renewed[0])
    assert (await ada.http.get(FACTOR)).json()["recovery_codes_left"] == 9
    assert (await ada.http.delete(FACTOR)).status_code == 204
    assert (await api.sign_in(ada.email)).tokens


async def test_an_app_is_told_its_secret_in_three_ways(api: Api, ada: Person) -> None:
    answer = await ada.http.post(FACTOR)
    setup = answer.json()
    assert setup.keys() == {"secret", "provisioning_uri", "qr_code"}
    uri = urlsplit(setup["provisioning_uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert "ada%40example.com" in uri.path
    assert parse_qs(uri.query)["secret"] == [setup["secret"]]
    assert setup["qr_code"].startswith("data:image/svg+xml")
    assert len(setup["secret"]) == 32


async def test_it_is_refused_what_its_state_does_not_allow(api: Api, ada: Person) -> None:
    nothing = (404, "SECOND_FACTOR_NOT_FOUND")
    assert told(await ada.http.put(FACTOR, json={"code": "123456"})) == nothing
    assert told(await ada.http.delete(FACTOR)) == nothing
    assert told(await ada.http.post(CODES)) == nothing
    app = await begun(api, ada)
    assert told(await ada.http.put(FACTOR, json={"code": app.code(5)})) == (403, "WRONG_CODE")
    assert told(await ada.http.post(CODES)) == nothing
    assert (await ada.http.put(FACTOR, json={"code": app.code()})).status_code == 200
    in_force = (409, "SECOND_FACTOR_IN_FORCE")
    assert told(await ada.http.post(FACTOR)) == in_force
    assert told(await ada.http.put(FACTOR, json={"code": app.code(1)})) == in_force


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("body.code", "missing")),
        ({"code": None}, ("body.code", "string_type")),
        ({"code": 123456}, ("body.code", "string_type")),
        ({"code": "1", "x": 1}, ("body", "extra_forbidden")),
    ],
)
async def test_a_confirmation_has_a_code(
    ada: Person, body: dict[str, object], wrong: tuple[str, str]
) -> None:
    assert violations(await ada.http.put(FACTOR, json=body)) == {wrong}


async def test_all_of_it_takes_a_fresh_proof_by_a_code_once_there_is_one(start: Start) -> None:
    async with start(access_token_ttl=5000) as api:
        ada = await api.join("ada")
        api.clock.forward(1000)
        stale = (403, "REAUTHENTICATION_REQUIRED")
        assert told(await ada.http.post(FACTOR)) == stale
        await ada.http.post(REAUTHENTICATE, json={"password": PASSWORD})
        app, codes = await protect(api, ada)
        api.clock.forward(1000)
        for call in (ada.http.delete(FACTOR), ada.http.post(CODES)):
            assert told(await call) == stale
        answer = await ada.http.post(REAUTHENTICATE, json={"password": PASSWORD})
        assert violations(answer) == {("body.code", "missing")}
        for wrong in ("000000", "", "nonsense", app.code(9)):
            answer = await ada.http.post(REAUTHENTICATE, json={"code": wrong})
            assert told(answer) == (403, "WRONG_CODE")
        answer = await ada.http.post(REAUTHENTICATE, json={"code": codes[0]})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await ada.http.delete(FACTOR)).status_code == 204


async def test_it_is_all_announced_by_mail_and_in_ones_activity(api: Api, ada: Person) -> None:
    mailbox = Mailbox(api)
    await mailbox.new()
    _, codes = await protect(api, ada)
    await ada.http.post(CODES)
    codes = (await ada.http.post(CODES)).json()["recovery_codes"]
    ada = await sign_in(api, ada, codes[0])
    await finish(api, await challenge(api, ada.email), "000000")
    await ada.http.delete(FACTOR)
    topics = [
        "second_factor_added", "recovery_codes_made", "recovery_codes_made", "recovery_code_used",
        "second_factor_removed",
    ]  # fmt: skip
    assert await mailbox.arrived() == [(ada.email, TOPICS[topic]) for topic in topics]
    entries = (await ada.http.get("/v1/users/me/activity")).json()["data"]
    assert [f"{entry['action']} {entry['result']}" for entry in reversed(entries)][-9:] == [
        "second_factor.confirmed success",
        "second_factor.recovery_codes_made success",
        "second_factor.recovery_codes_made success",
        "session.challenged success",
        "second_factor.recovery_code_used success",
        "session.started success",
        "session.challenged success",
        "session.started failure",
        "second_factor.removed success",
    ]


# ------------------------------------------------------------------------------------- signing in
async def test_a_challenge_is_an_error_of_a_right_password_only(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    await protect(api, ada)
    before = len((await ada.http.get("/v1/auth/sessions")).json()["data"])
    assert (await challenge(api, ada.email)).startswith("bsc_")
    assert len((await ada.http.get("/v1/auth/sessions")).json()["data"]) == before
    for form in (
        sign_in_form(ada.email, "wrong"),
        sign_in_form("nobody@example.com"),
    ):
        answer = await nobody.post("/v1/auth/token", data=form)
        assert told(answer) == (401, "INVALID_CREDENTIALS")


async def test_what_is_answered_is_as_after_any_sign_in(
    api: Api, nobody: httpx.AsyncClient, ada: Person
) -> None:
    app, _ = await protect(api, ada)
    text = await challenge(api, ada.email, scope="items:read account:read")
    answer = await finish(api, text, app.code())
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert tokens["scope"] == "account:read items:read"
    form = refresh_form(tokens["refresh_token"])
    assert (await nobody.post("/v1/auth/token", data=form)).status_code == 200
    person = await api.bearer(tokens["access_token"])
    assert (await person.get("/v1/users/me")).json()["email"] == ada.email


async def test_used_foreign_and_made_up_challenges_are_alike_and_so_are_such_codes(
    api: Api, ada: Person, bob: Person
) -> None:
    app, codes = await protect(api, ada)
    theirs, _ = await protect(api, bob)
    used = await challenge(api, ada.email)
    assert (await finish(api, used, app.code())).status_code == 200
    waiting = await challenge(api, ada.email)
    challenges = [
        await finish(api, used, app.code(1)),
        await finish(api, "bsc_" + "A" * 43, app.code(1)),
        await finish(api, "nonsense", "nonsense"),
    ]
    others = [
        await finish(api, waiting, app.code()),
        await finish(api, waiting, theirs.code()),
        await finish(api, await challenge(api, bob.email), codes[0]),
    ]
    for answers in (challenges, others):
        assert {told(answer) for answer in answers} == {(401, "INVALID_CREDENTIALS")}
        assert len({answer.text for answer in answers}) == 1
    api.clock.forward(300)
    assert told(await finish(api, waiting, app.code())) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize("missing", ["challenge", "code"])
async def test_the_second_step_needs_both(nobody: httpx.AsyncClient, missing: str) -> None:
    form = {"grant_type": "second_factor", "challenge": "bsc_x", "code": "123456"}
    answer = await nobody.post("/v1/auth/token", data=form | {missing: ""})
    assert violations(answer) == {(f"body.{missing}", "missing")}


@EVERY_DATABASE
@pytest.mark.parametrize("kind_of_code", ["app", "recovery"])
@pytest.mark.parametrize("is_one_challenge", [True, False], ids=["one", "many"])
async def test_of_twenty_who_bring_one_code_at_once_one_comes_in(
    api: Api, ada: Person, kind_of_code: str, is_one_challenge: bool
) -> None:
    app, codes = await protect(api, ada)
    code = app.code() if kind_of_code == "app" else codes[0]
    texts = [await challenge(api, ada.email) for _ in range(1 if is_one_challenge else CROWD)]
    answers = await all_at_once(api, texts * (CROWD // len(texts)), code)
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes[200] == 1, outcomes
    assert outcomes[401] == CROWD - 1, outcomes


@EVERY_DATABASE
async def test_of_all_codes_for_one_challenge_one_is_used(api: Api, ada: Person) -> None:
    _, codes = await protect(api, ada)
    text = await challenge(api, ada.email)
    answers = await asyncio.gather(*(finish(api, text, code) for code in codes))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 9}
    assert (await ada.http.get(FACTOR)).json()["recovery_codes_left"] == 9


async def test_guesses_lock_the_second_step_and_not_the_first(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada = await api.join("ada")
        app, codes = await protect(api, ada)
        answers = []
        for _ in range(3):
            text = await challenge(api, ada.email)
            answers += [told(await finish(api, text, "000000")) for _ in range(4)]
        wrong, locked = (401, "INVALID_CREDENTIALS"), (429, "RATE_LIMITED")
        assert answers == [wrong] * 10 + [locked] * 2
        assert told(await finish(api, await challenge(api, ada.email), codes[0])) == locked
        answer = await ada.http.post(REAUTHENTICATE, json={"code": app.code()})
        assert answer.status_code == 204  # whoever is signed in is not locked out
        api.clock.forward(60)
        assert (await sign_in(api, ada, codes[0])).tokens


# --------------------------------------------------------------------------------- administrators
@EVERY_DATABASE
async def test_an_administrator_lets_in_whoever_lost_everything(
    api: Api, ada: Person, admin: Person
) -> None:
    await protect(api, ada)
    mailbox = Mailbox(api)
    await mailbox.new()
    path = f"/v1/users/{await ada.id()}/second-factor"
    assert (await admin.http.delete(path)).status_code == 204
    assert await mailbox.arrived() == [(ada.email, TOPICS["second_factor_removed"])]
    assert (await api.sign_in(ada.email)).tokens
    assert told(await admin.http.delete(path)) == (404, "SECOND_FACTOR_NOT_FOUND")
    nobodys = await admin.http.delete(f"/v1/users/{NOWHERE}/second-factor")
    assert told(nobodys) == (404, "USER_NOT_FOUND")
    trail = (await admin.http.get("/v1/audit?action=user.second_factor_removed")).json()["data"]
    assert [entry["target_id"] for entry in trail] == [await ada.id()]


async def test_an_administrators_own_takes_a_code_by_that_door_too(start: Start) -> None:
    async with start() as api:
        admin = await api.join("admin", Role.ADMIN)
        other = await api.sign_in(admin.email)
        app, _ = await protect(api, admin)
        path = f"/v1/users/{await admin.id()}/second-factor"
        assert told(await other.http.delete(path)) == (403, "REAUTHENTICATION_REQUIRED")
        answer = await other.http.post(REAUTHENTICATE, json={"code": app.code()})
        assert answer.status_code == 204
        assert (await other.http.delete(path)).status_code == 204


async def test_nothing_secret_of_it_is_ever_shown_again(
    api: Api, ada: Person, admin: Person
) -> None:
    app, codes = await protect(api, ada)
    id = await ada.id()
    seen = [
        (await ada.http.get(FACTOR)).text,
        (await ada.http.get("/v1/users/me")).text,
        (await ada.http.get("/v1/users/me/activity")).text,
        (await admin.http.get(f"/v1/users/{id}")).text,
        (await admin.http.get("/v1/audit")).text,
    ]
    for secret in (app.secret, *codes):
        assert not [text for text in seen if secret in text]


# ---------------------------------------------------------------------------------------- guessing
async def test_a_code_of_ones_own_gives_no_more_guesses_at_the_password(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada = await api.join("ada")
        wrong = {"password": "the wrong password"}
        for _ in range(9):
            assert told(await ada.http.post(REAUTHENTICATE, json=wrong)) == (403, "WRONG_PASSWORD")
        app, _ = await protect(api, ada)
        proof = await ada.http.post(REAUTHENTICATE, json={"code": app.code()})
        assert proof.status_code == 204
        assert (await ada.http.delete(FACTOR)).status_code == 204
        assert told(await ada.http.post(REAUTHENTICATE, json=wrong)) == (403, "WRONG_PASSWORD")
        right = {"password": PASSWORD}
        assert told(await ada.http.post(REAUTHENTICATE, json=right)) == (429, "RATE_LIMITED")
