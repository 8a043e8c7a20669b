"""Proves how one signs in by an identity provider, and what becomes of those who should not."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from domain.access import Role
from domain.identity import FLOW_LIFETIME
from tests.entrypoints.http.api import (
    EVERY_DATABASE,
    NOWHERE,
    PASSWORD,
    Api,
    Start,
    refresh_form,
    sign_in_form,
    told,
    violations,
)
from tests.entrypoints.http.authenticator import finish, protect
from tests.entrypoints.http.mailbox import Mailbox
from tests.entrypoints.http.provided import (
    ADA,
    BACK,
    IDENTITIES,
    MALLORY,
    PATH,
    Provided,
    named,
    provided,
)
from tests.provider import PlayedProvider, at_hand

HUB = "/v1/auth/providers/hub"
OCTO = {"sub": 583231, "email": "ada@example.com", "email_verified": True}
INVALID_FLOW = (400, "INVALID_FLOW")
INVALID_IDENTITY = (401, "INVALID_IDENTITY")
UNAVAILABLE = (503, "PROVIDER_UNAVAILABLE")


@pytest.fixture
def played() -> Iterator[PlayedProvider]:
    with at_hand() as provider:
        yield provider


@pytest.fixture
async def house(start: Start, played: PlayedProvider) -> AsyncIterator[Provided]:
    async with provided(start, played) as found:
        yield found


async def me(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/v1/users/me")).json()
    return found


# ------------------------------------------------------------------------------------ beginning
async def test_providers_are_listed_and_nothing_of_their_secrets(house: Provided) -> None:
    answer = await house.nobody.get("/v1/auth/providers")
    hub = house.played.issuer.replace("127.0.0.1", "localhost")
    assert answer.json() == {
        "data": [{"name": "hub", "issuer": hub}, {"name": "played", "issuer": house.played.issuer}],
        "next_cursor": None,
    }


async def test_without_providers_there_are_none(api: Api, nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/v1/auth/providers")).json()["data"] == []
    for path, body in (
        ("flows", {"redirect_uri": BACK}),
        ("token", {"flow": "x", "code": "x", "state": "x"}),
    ):
        answer = await nobody.post(f"/v1/auth/providers/google/{path}", json=body)
        assert told(answer) == (404, "NOT_FOUND")


async def test_a_flow_says_where_to_go_and_tells_a_secret(house: Provided) -> None:
    flow = await house.begun()
    assert flow.keys() == {"authorization_url", "flow"}
    assert flow["authorization_url"].startswith(f"{house.played.issuer}/authorize?")
    assert flow["flow"].startswith("bfl_")
    assert flow["flow"] not in flow["authorization_url"]


@pytest.mark.parametrize(
    "place",
    [f"{BACK}/", f"{BACK}?x", f"{BACK}#", "//app.example.com/back", "\\\\evil.example", "",
     "https://app.example.com@evil.example/back", "https://app.example.com%0d%0aX/back",
     "https://app.example.com/../back", "https://APP.example.com/back"],
)  # fmt: skip
async def test_a_browser_returns_to_exactly_what_is_allowed(house: Provided, place: str) -> None:
    answer = await house.nobody.post(f"{PATH}/flows", json={"redirect_uri": place})
    assert violations(answer) == {("body.redirect_uri", "redirect_uri_unknown")}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("flows", {}),
        ("flows", {"redirect_uri": None}),
        ("flows", {"redirect_uri": BACK, "scope": "admin"}),
        ("token", {"flow": "x", "state": "x"}),
        ("token", {"flow": "x", "code": "", "state": "x"}),
        ("token", {"flow": "x", "code": "x" * 4097, "state": "x"}),
        ("token", {"flow": 5, "code": "x", "state": "x"}),
        ("token", {"flow": "x", "code": "x", "state": "x", "iss": 1}),
        ("token", {"flow": "x", "code": "x", "state": "x", "id_token": "x"}),
    ],
)
async def test_a_body_of_another_shape_is_invalid(
    house: Provided, path: str, body: dict[str, Any]
) -> None:
    answer = await house.nobody.post(f"{PATH}/{path}", json=body)
    assert told(answer) == (422, "VALIDATION_ERROR")


# -------------------------------------------------------------------------------------- signing in
@EVERY_DATABASE
async def test_whoever_comes_by_a_provider_gets_an_account_and_comes_again(
    house: Provided,
) -> None:
    answer = await house.come(ADA | {"name": "Ada"})
    assert answer.json().keys() == {
        "access_token", "token_type", "expires_in", "refresh_token", "scope",
    }  # fmt: skip
    ada = await house.api.bearer(answer.json()["access_token"])
    found = await me(ada)
    assert (found["email"], found["email_verified"]) == ("ada@example.com", True)
    assert (found["display_name"], found["role"]) == ("Ada", "member")
    form = refresh_form(answer.json()["refresh_token"])
    assert (await house.nobody.post("/v1/auth/token", data=form)).status_code == 200
    again = await house.arrive()
    assert (await me(again.http))["id"] == found["id"]
    (identity,) = (await ada.get(IDENTITIES)).json()["data"]
    assert identity["last_used_at"] > identity["created_at"]
    assert list(named([identity])) == [("played", "1234")]
    assert (await ada.get("/v1/users/me/export")).json()["identities"] == [identity]


async def test_github_signs_in_too(house: Provided) -> None:
    ada = await house.arrive(OCTO, HUB)
    (identity,) = (await ada.http.get(IDENTITIES)).json()["data"]
    assert list(named([identity])) == [("hub", "583231")]
    assert not (await me(ada.http))["email_verified"]  # it is not trusted with addresses


async def test_a_flow_works_once_and_only_with_its_state_at_its_provider(
    house: Provided,
) -> None:
    sent, other = await house.back(), await house.back()
    for wrong in (
        {"state": other["state"]},
        {"state": ""},
        {"flow": other["flow"]},
        {"flow": "bfl_" + "x" * 43},
        {"flow": ""},
    ):
        answer = await house.nobody.post(f"{PATH}/token", json=sent | wrong)
        assert told(answer) == INVALID_FLOW
    assert told(await house.nobody.post(f"{HUB}/token", json=sent)) == INVALID_FLOW
    assert (await house.nobody.post(f"{PATH}/token", json=sent)).status_code == 200
    assert told(await house.nobody.post(f"{PATH}/token", json=sent)) == INVALID_FLOW


async def test_a_flow_is_over_after_ten_minutes(house: Provided) -> None:
    sent = await house.back()
    house.api.clock.forward(FLOW_LIFETIME.total_seconds())
    assert told(await house.nobody.post(f"{PATH}/token", json=sent)) == INVALID_FLOW


@EVERY_DATABASE
async def test_of_twenty_who_bring_one_flow_at_once_one_comes_through(house: Provided) -> None:
    sent = await house.back()
    answers = await asyncio.gather(
        *(house.nobody.post(f"{PATH}/token", json=sent) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert {told(answer) for answer in answers if answer.is_error} == {INVALID_FLOW}
    assert house.played.asked.count("/token") == 1


@EVERY_DATABASE
async def test_one_person_who_comes_ten_times_at_once_is_one(house: Provided) -> None:
    sent = [await house.back() for _ in range(10)]
    answers = await asyncio.gather(
        *(house.nobody.post(f"{PATH}/token", json=each) for each in sent)
    )
    assert {answer.status_code for answer in answers} == {200}
    people = [await house.api.bearer(answer.json()["access_token"]) for answer in answers]
    assert len({(await me(each))["id"] for each in people}) == 1


@pytest.mark.parametrize(
    "wrong", [{"code": "guessed"}, {"code": "\u00fc &="}, {"iss": "https://evil.example"}]
)
async def test_what_proves_nothing_is_refused_and_noted(
    house: Provided, wrong: dict[str, str]
) -> None:
    answer = await house.nobody.post(f"{PATH}/token", json=await house.back() | wrong)
    assert told(answer) == INVALID_IDENTITY
    admin = await house.api.join("admin", Role.ADMIN)
    noted = (await admin.http.get("/v1/audit?action=identity.used")).json()["data"]
    assert [(each["result"], each["target_id"]) for each in noted] == [("failure", "played")]


async def test_what_proves_nothing_is_not_linked_and_noted_with_who_tried(house: Provided) -> None:
    ada = await house.api.join("ada")
    answer = await ada.http.post(IDENTITIES, json=await house.back() | {"code": "guessed"})
    assert told(answer) == INVALID_IDENTITY
    admin = await house.api.join("admin", Role.ADMIN)
    (noted,) = (await admin.http.get("/v1/audit?action=identity.linked")).json()["data"]
    assert (noted["result"], noted["actor_id"]) == ("failure", await ada.id())


async def test_an_answer_without_its_issuer_is_refused_where_it_is_always_given(
    house: Provided,
) -> None:
    sent = await house.back()
    del sent["iss"]
    assert told(await house.nobody.post(f"{PATH}/token", json=sent)) == INVALID_IDENTITY
    unread = {**await house.back(), "iss": None}  # as browsers read what is not there
    assert told(await house.nobody.post(f"{PATH}/token", json=unread)) == INVALID_IDENTITY


async def test_without_an_address_one_is_told_what_to_do(house: Provided) -> None:
    answer = await house.come(ADA | {"email": None})
    assert told(answer) == INVALID_IDENTITY
    assert "address" in answer.json()["error"]["message"]


# ----------------------------------------------------------------------- addresses with an account
@pytest.mark.parametrize(("person", "path"), [(ADA | {"email_verified": False}, PATH), (OCTO, HUB)])
async def test_an_account_is_not_joined_without_a_trusted_word(
    house: Provided, person: dict[str, Any], path: str
) -> None:
    await house.api.join("ada")
    assert told(await house.come(person, path)) == (409, "EMAIL_TAKEN")
    await house.api.sign_in("ada@example.com")


@EVERY_DATABASE
async def test_an_impostor_who_was_first_ends_with_nothing(house: Provided) -> None:
    """Pre-hijacking: somebody registers the victim's address first, and waits."""
    impostor = await house.api.join("ada")
    key = {"name": "nightly", "scopes": ["items:read"]}
    text = (await impostor.http.post("/v1/users/me/keys", json=key)).json()["key"]
    assert (await house.link(impostor, MALLORY)).status_code == 201

    ada = await house.arrive()

    assert told(await impostor.http.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
    form = refresh_form(impostor.tokens["refresh_token"])
    answer = await house.nobody.post("/v1/auth/token", data=form)
    assert told(answer) == (401, "INVALID_REFRESH_TOKEN")
    program = await house.api.bearer(text)
    assert told(await program.get("/v1/items")) == (401, "TOKEN_REVOKED")
    answer = await house.nobody.post("/v1/auth/token", data=sign_in_form(ada.email))
    assert told(answer) == (401, "INVALID_CREDENTIALS")
    assert told(await house.come(MALLORY | {"email": None})) == INVALID_IDENTITY
    found = (await ada.http.get(IDENTITIES)).json()["data"]
    assert list(named(found)) == [("played", "1234")]


async def test_a_second_factor_is_asked_for_whatever_the_first_one_was(house: Provided) -> None:
    ada = await house.arrive()
    app, _ = await protect(house.api, ada)
    answer = await house.come()
    assert told(answer) == (401, "SECOND_FACTOR_REQUIRED")
    finished = await finish(house.api, answer.json()["error"]["details"]["challenge"], app.code())
    assert finished.status_code == 200
    again = await house.api.bearer(finished.json()["access_token"])
    assert (await me(again))["id"] == await ada.id()


async def test_a_suspended_account_is_opened_to_nobody(house: Provided) -> None:
    ada = await house.arrive()
    admin = await house.api.join("admin", Role.ADMIN)
    await admin.http.patch(f"/v1/users/{await ada.id()}", json={"status": "suspended"})
    answer = await house.come()
    assert told(answer) == INVALID_IDENTITY
    assert "suspend" not in answer.text


async def test_where_addresses_have_to_be_proved_one_is_told_so_and_no_more(
    start: Start, played: PlayedProvider
) -> None:
    async with provided(start, played, require_verified_email="on") as house:
        await house.api.join("bob")
        taken = await house.come(OCTO | {"sub": 2, "email": "bob@example.com"}, HUB)
        free = await house.come(OCTO, HUB)
        assert told(taken) == told(free) == INVALID_IDENTITY
        assert taken.text == free.text
        mails = await Mailbox(house.api).arrived()
        assert {to for to, _ in mails} >= {"ada@example.com", "bob@example.com"}


# -------------------------------------------------------------------------- trouble at the provider
async def test_a_slow_provider_is_given_up_and_nobody_else_is_kept_waiting(
    house: Provided, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.identity.exchanges.PATIENCE", 0.3)
    await house.api.join("bob")
    sent = await house.back()
    house.played.mischief = {"/token": "slow"}
    slow = asyncio.create_task(house.nobody.post(f"{PATH}/token", json=sent))
    began = time.perf_counter()
    await house.api.sign_in("bob@example.com")
    assert (await house.come(OCTO, HUB)).status_code == 200
    assert time.perf_counter() - began < 0.3
    answer = await slow
    assert told(answer) == UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("kind", ["broken", "huge", "nonsense", "deep", "elsewhere"])
async def test_a_broken_provider_is_unavailable_and_nothing_of_it_is_told(
    house: Provided, kind: str
) -> None:
    sent = await house.back()
    house.played.mischief = {"/token": kind}
    answer = await house.nobody.post(f"{PATH}/token", json=sent)
    assert told(answer) == UNAVAILABLE
    assert "internals" not in answer.text


async def test_a_provider_that_lies_about_its_issuer_is_unavailable(house: Provided) -> None:
    house.played.metadata = {"issuer": "https://evil.example"}
    answer = await house.nobody.post(f"{PATH}/flows", json={"redirect_uri": BACK})
    assert told(answer) == UNAVAILABLE


async def test_in_production_this_very_machine_is_not_asked(
    start: Start, played: PlayedProvider
) -> None:
    own = {"client_id": "x", "issuer": played.issuer.replace("http:", "https:")}
    settings: dict[str, Any] = {
        "env": "production",
        "base_url": "https://api.example.org",
        "argon2_memory_kib": 19456,
        "argon2_time": 2,
        "providers": {"played": own},
    }
    async with provided(start, played, **settings) as house:
        answer = await house.nobody.post(f"{PATH}/flows", json={"redirect_uri": BACK})
        assert told(answer) == UNAVAILABLE
    assert played.asked == []


async def test_visits_are_counted_by_address(start: Start, played: PlayedProvider) -> None:
    async with provided(start, played, rate_limits=True) as house:
        for _ in range(100):
            await house.begun()
        answer = await house.nobody.post(f"{PATH}/flows", json={"redirect_uri": BACK})
        assert told(answer) == (429, "RATE_LIMITED")


# ------------------------------------------------------------------------- linking and unlinking
async def test_an_identity_is_linked_listed_and_unlinked(house: Provided) -> None:
    bob = await house.api.join("bob")
    answer = await house.link(bob)
    assert answer.status_code == 201
    identity = answer.json()
    assert identity.keys() == {
        "id", "provider", "issuer", "subject", "created_at", "last_used_at",
    }  # fmt: skip
    assert identity["last_used_at"] is None
    assert (await me((await house.arrive()).http))["email"] == "bob@example.com"
    assert (await bob.http.delete(f"{IDENTITIES}/{identity['id']}")).status_code == 204
    assert (await bob.http.get(IDENTITIES)).json() == {"data": [], "next_cursor": None}
    answer = await bob.http.delete(f"{IDENTITIES}/{identity['id']}")
    assert told(answer) == (404, "IDENTITY_NOT_FOUND")
    arrived = [subject for to, subject in await Mailbox(house.api).arrived() if to == bob.email]
    assert arrived[-2:] == [
        "A way to sign in to your account was added",
        "A way to sign in to your account was taken away",
    ]


async def test_somebody_elses_identity_is_neither_linked_nor_unlinked(house: Provided) -> None:
    ada, bob = await house.arrive(), await house.api.join("bob")
    assert told(await house.link(bob)) == (403, "FORBIDDEN")
    (identity,) = (await ada.http.get(IDENTITIES)).json()["data"]
    for id in (identity["id"], NOWHERE):
        answer = await bob.http.delete(f"{IDENTITIES}/{id}")
        assert told(answer) == (404, "IDENTITY_NOT_FOUND")


async def test_the_last_way_to_sign_in_stays(house: Provided) -> None:
    ada = await house.arrive()
    (identity,) = (await ada.http.get(IDENTITIES)).json()["data"]
    path = f"{IDENTITIES}/{identity['id']}"
    assert told(await ada.http.delete(path)) == (409, "LAST_SIGN_IN_METHOD")
    answer = await ada.http.put("/v1/users/me/password", json={"new_password": PASSWORD})
    assert answer.status_code == 204
    assert (await ada.http.delete(path)).status_code == 204
    await house.api.sign_in(ada.email)


async def test_linking_and_unlinking_need_a_fresh_proof_and_use_no_flow_up_without(
    house: Provided,
) -> None:
    bob = await house.api.join("bob")
    id = (await house.link(bob)).json()["id"]
    house.api.clock.forward(16 * 60)
    tokens = (
        await house.nobody.post("/v1/auth/token", data=refresh_form(bob.tokens["refresh_token"]))
    ).json()
    http = await house.api.bearer(tokens["access_token"])
    sent = await house.back(MALLORY)
    wanted = (403, "REAUTHENTICATION_REQUIRED")
    assert told(await http.post(IDENTITIES, json=sent)) == wanted
    assert told(await http.delete(f"{IDENTITIES}/{id}")) == wanted
    await http.post("/v1/auth/reauthenticate", json={"password": PASSWORD})
    assert (await http.delete(f"{IDENTITIES}/{id}")).status_code == 204
    assert (await http.post(IDENTITIES, json=sent)).status_code == 201


async def test_an_account_that_came_by_a_provider_leaves_with_all_that_is_its_own(
    house: Provided,
) -> None:
    ada = await house.arrive()
    first = await ada.id()
    assert (await ada.http.post("/v1/users/me/deletion", json={})).status_code == 204
    assert await (await house.arrive()).id() != first


async def test_no_secret_of_a_flow_or_of_a_provider_is_stored_or_logged(
    house: Provided, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await house.begun()
    sent = await house.back()
    stored = files_of(house.api)
    assert (await house.nobody.post(f"{PATH}/token", json=sent)).status_code == 200
    stored += files_of(house.api)
    await house.nobody.post(f"{PATH}/token", json=sent)
    said = "\n".join(
        str(record.__dict__) for record in caplog.records if record.name.startswith("basalt")
    )
    assert "/v1/auth/providers/{name}/token" in said
    for secret in (sent["flow"], sent["code"], sent["state"], *house.played.tokens):
        assert secret not in said
        assert secret.encode() not in stored
    assert b"ada@example.com" in stored
    assert house.played.tokens


def files_of(api: Api) -> bytes:
    """Return what is in the database's files."""
    folder = api.container.settings().data_dir
    return b"".join(file.read_bytes() for file in sorted(folder.glob("basalt.db*")))
