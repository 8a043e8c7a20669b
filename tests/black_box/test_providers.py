"""A real identity provider beside a real service: in all weathers, and gone."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.black_box.server import NO_TLS, PASSWORD, Start, sign_in, sign_up, tokens_of
from tests.provider import CLIENT_ID, CLIENT_SECRET, ProviderProcess, returned

pytestmark = pytest.mark.black_box

BACK = "https://app.example.com/back"
IDENTITIES = "/v1/users/me/identities"
ADA = {"sub": "1234", "email": "ada@example.com", "email_verified": True}
BOB = {"sub": "5678", "email": "bob@example.com", "email_verified": True}
MALLORY = {"sub": "666", "email": "mallory@example.com", "email_verified": True}
TIME_LIMIT = 5.0
"""Seconds after which a provider is given up."""


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    process = ProviderProcess()
    process.start()
    yield process
    process.stop()


def settings_for(provider: ProviderProcess) -> dict[str, str]:
    return {
        "REDIRECT_URIS": BACK,
        "PROVIDERS__PLAYED__ISSUER": provider.issuer,
        "PROVIDERS__PLAYED__CLIENT_ID": CLIENT_ID,
        "PROVIDERS__PLAYED__CLIENT_SECRET": CLIENT_SECRET,
        "PROVIDERS__PLAYED__TRUST_EMAIL": "on",
        "PROVIDERS__HUB__KIND": "github",
        "PROVIDERS__HUB__ISSUER": provider.issuer.replace("127.0.0.1", "localhost"),
        "PROVIDERS__HUB__CLIENT_ID": CLIENT_ID,
        "PROVIDERS__HUB__CLIENT_SECRET": CLIENT_SECRET,
    }


def back(client: httpx.Client, person: dict[str, Any], name: str = "played") -> dict[str, str]:
    """Begin a flow, go to the provider and come back; return what is to be sent then."""
    answer = client.post(f"/v1/auth/providers/{name}/flows", json={"redirect_uri": BACK})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    flow = answer.json()
    with httpx.Client(verify=NO_TLS) as browser:
        return {"flow": flow["flow"]} | returned(browser, flow["authorization_url"], person)


def come(client: httpx.Client, person: dict[str, Any], name: str = "played") -> httpx.Response:
    return client.post(f"/v1/auth/providers/{name}/token", json=back(client, person, name))


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_one_takes_ones_address_back_links_and_unlinks_while_keys_rotate(
    start: Start, database: str, provider: ProviderProcess
) -> None:
    server = start(DATABASE_URL=database, LOG_LEVEL="debug", **settings_for(provider))
    impostor = sign_up(server, "ada@example.com")
    with server.client() as nobody:
        with server.client(impostor.access) as theirs:
            assert theirs.post(IDENTITIES, json=back(nobody, MALLORY)).is_success
            first = tokens_of(come(nobody, ADA))
            assert told(theirs.get("/v1/users/me")) == (401, "TOKEN_REVOKED")
        form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
        answer = nobody.post("/v1/auth/token", data=form)
        assert told(answer) == (401, "INVALID_CREDENTIALS")
        provider.behave(rotate=True)
        again = tokens_of(come(nobody, ADA))
        with server.client(again.access) as ada:
            me = ada.get("/v1/users/me").json()
            assert (me["email"], me["email_verified"]) == ("ada@example.com", True)
            with server.client(first.access) as same:
                assert same.get("/v1/users/me").json() == me
            (identity,) = ada.get(IDENTITIES).json()["data"]
            path = f"{IDENTITIES}/{identity['id']}"
            assert told(ada.delete(path)) == (409, "LAST_SIGN_IN_METHOD")
            other = ada.post(IDENTITIES, json=back(nobody, BOB))
            assert other.status_code == httpx.codes.CREATED
            assert ada.delete(path).status_code == httpx.codes.NO_CONTENT
        with server.client(tokens_of(come(nobody, BOB)).access) as ada:
            assert ada.get("/v1/users/me").json() == me
        sent = back(nobody, BOB)
        assert nobody.post("/v1/auth/providers/played/token", json=sent).is_success
        answer = nobody.post("/v1/auth/providers/played/token", json=sent)
        assert told(answer) == (400, "INVALID_FLOW")
    log = server.log.read_text()
    for secret in (sent["flow"], sent["code"], sent["state"], CLIENT_SECRET, first.access):
        assert secret not in log


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_provider_that_is_slow_broken_or_gone_is_nobody_elses_trouble(
    start: Start, database: str, provider: ProviderProcess
) -> None:
    server = start(DATABASE_URL=database, **settings_for(provider))
    sign_up(server)
    unavailable = (503, "PROVIDER_UNAVAILABLE")
    slow = {"/api/v3/user": "slow"}
    provider.behave(mischief=slow)
    with server.client() as nobody, server.client() as patient, ThreadPoolExecutor(1) as beside:
        began = time.monotonic()
        waiting = beside.submit(come, patient, BOB | {"sub": 583231}, "hub")
        for kind in ("broken", "huge", "nonsense", "elsewhere"):
            provider.behave(mischief=slow | {"/token": kind})
            assert told(come(nobody, BOB)) == unavailable
        provider.behave(mischief=slow)
        sign_in(nobody)
        assert come(nobody, BOB).is_success
        assert time.monotonic() - began < TIME_LIMIT
        assert not waiting.done()
        assert told(waiting.result()) == unavailable
        assert time.monotonic() - began < TIME_LIMIT + 1
        guessed = back(nobody, BOB) | {"code": "guessed"}
        refused = nobody.post("/v1/auth/providers/played/token", json=guessed)
        assert told(refused) == (401, "INVALID_IDENTITY")
        assert "invalid_grant" not in refused.text
        sent = back(nobody, BOB)
        provider.stop()
        assert told(nobody.post("/v1/auth/providers/played/token", json=sent)) == unavailable
        sign_in(nobody)
        provider.start()
        assert come(nobody, BOB).is_success
    causes = {event["cause"] for event in server.events() if event.get("cause")}
    assert causes >= {"provider hub: too slow", "provider played: refused: invalid_grant"}
    assert all(cause.startswith("provider ") for cause in causes)
    assert not [event for event in server.events() if event["level"] in {"error", "critical"}]
