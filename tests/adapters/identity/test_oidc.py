"""Any OpenID provider is found, asked and followed as it changes, and never taken at its word."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from adapters.identity import exchanges, remembered
from adapters.identity.network import Reach
from application.ports.identities import Reply
from domain.errors import InvalidIdentity, ProviderUnavailable
from tests.adapters.identity.visits import ADA, BACK, ISSUER, Stage
from tests.provider import signed

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_browser_is_sent_with_all_that_ties_the_answer_to_the_flow(
    stage: Stage,
) -> None:
    stage.played.metadata = {"authorization_endpoint": f"{ISSUER}/authorize?tenant=1"}
    url = urlsplit(await stage.oidc().authorization_url(stage.visit))
    sent = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert url.geturl().startswith(f"{ISSUER}/authorize?tenant=1&")
    assert sent == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "basalt",
        "redirect_uri": BACK,
        "scope": "openid email",
        "state": "a state",
        "nonce": "a nonce",
        "code_challenge": sent["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert "v" * 43 not in url.geturl()


async def test_a_provider_is_asked_once_what_it_is_and_again_after_an_hour(stage: Stage) -> None:
    provider = stage.oidc()
    await asyncio.gather(*(provider.authorization_url(stage.visit) for _ in range(5)))
    assert stage.played.asked == [DISCOVERY]
    stage.ticks.now += 3600
    await provider.authorization_url(stage.visit)
    assert stage.played.asked == [DISCOVERY] * 2


@pytest.mark.parametrize(
    "claimed", ["https://evil.example", f"{ISSUER}/", ISSUER.upper(), None, [ISSUER]]
)
async def test_a_provider_that_lies_about_its_issuer_is_not_asked(
    stage: Stage, claimed: Any
) -> None:
    stage.played.metadata = {"issuer": claimed}
    with pytest.raises(ProviderUnavailable):
        await stage.oidc().authorization_url(stage.visit)


@pytest.mark.parametrize(
    "place",
    ["http://login.example.net/x", "ftp://login.example.net", "javascript:alert(1)", "/x", "",
     "https://user:pass@login.example.net/", "https://", "https://[x", None, 5],
)  # fmt: skip
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_places_that_are_none_are_not_used(stage: Stage, name: str, place: Any) -> None:
    stage.played.metadata = {name: place}
    with pytest.raises(ProviderUnavailable):
        await stage.oidc().authorization_url(stage.visit)


@pytest.mark.parametrize(
    ("methods", "secret", "place"),
    [
        (..., "a secret", "header"),
        (["client_secret_post"], "a secret", "body"),
        (["client_secret_post", "client_secret_basic"], "a secret", "header"),
        ("nonsense", "a secret", "header"),
        (..., None, "nowhere"),
    ],
)
async def test_the_clients_secret_goes_where_the_provider_takes_it(
    stage: Stage, methods: Any, secret: str | None, place: str
) -> None:
    if methods is not ...:
        stage.played.metadata = {"token_endpoint_auth_methods_supported": methods}
    with pytest.raises(ProviderUnavailable):  # the secret is wrong: what counts is where it went
        await stage.come_back(stage.oidc(secret))
    assert ("authorization" in stage.headers[-1]) is (place == "header")


async def test_a_rotated_key_is_followed_at_once_but_not_again_and_again(stage: Stage) -> None:
    provider = stage.oidc()
    await stage.come_back(provider)
    stage.played.rotate()
    await stage.come_back(provider)
    assert stage.played.asked.count("/jwks") == 2
    stage.played.rotate()
    with pytest.raises(InvalidIdentity):
        await stage.come_back(provider)
    assert stage.played.asked.count("/jwks") == 2
    stage.ticks.now += 10
    await stage.come_back(provider)
    assert stage.played.asked.count("/jwks") == 3


def without_name(claims: Any, header: Any, key: ECKey) -> str:
    return signed(claims, {"alg": header["alg"]}, key)


@pytest.mark.parametrize("forge", [signed, without_name], ids=["kid", "no kid"])
async def test_all_who_come_after_a_rotation_wait_for_the_new_keys(
    stage: Stage, forge: Any
) -> None:
    provider = stage.oidc()
    await stage.come_back(provider)
    stage.played.rotate()
    stage.played.forge = forge
    await asyncio.gather(*(stage.come_back(provider) for _ in range(8)))
    assert stage.played.asked.count("/jwks") == 2


async def test_a_new_key_under_an_old_name_is_followed(stage: Stage) -> None:
    provider, old = stage.oidc(), stage.played.key
    await stage.come_back(provider)
    stage.played.key = ECKey.generate_key("P-256", {"kid": str(old.kid)})
    await stage.come_back(provider)
    assert stage.played.asked.count("/jwks") == 2


async def test_where_keys_cannot_be_fetched_nobody_is_refused_for_it(stage: Stage) -> None:
    provider = stage.oidc()
    await stage.come_back(provider)
    stage.played.rotate()
    stage.played.mischief = {"/jwks": "broken"}
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await stage.come_back(provider)
    stage.played.mischief = {}
    await stage.come_back(provider)


async def test_a_token_without_a_name_is_tried_with_many_keys(stage: Stage) -> None:
    others = [ECKey.generate_key("P-256") for _ in range(30)]
    stage.played.extra_keys = [other.as_dict(private=False) for other in others]
    stage.played.forge = without_name
    await stage.come_back(stage.oidc())


async def test_a_removed_key_is_forgotten_after_an_hour(stage: Stage) -> None:
    provider, old = stage.oidc(), stage.played.key
    await stage.come_back(provider)
    stage.played.rotate()
    stage.played.forge = lambda claims, header, _: signed(claims, header | {"kid": old.kid}, old)
    await stage.come_back(provider)
    stage.ticks.now += 3600
    with pytest.raises(InvalidIdentity):
        await stage.come_back(provider)


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
async def test_what_a_provider_said_serves_for_a_day_while_it_says_nothing_new(
    stage: Stage, path: str
) -> None:
    provider = stage.oidc()
    await stage.come_back(provider)
    stage.played.mischief = {path: "broken"}
    stage.ticks.now += 3600
    for _ in range(3):
        await stage.come_back(provider)
    assert stage.played.asked.count(path) == 2
    stage.ticks.now += 10
    await stage.come_back(provider)
    assert stage.played.asked.count(path) == 3
    stage.ticks.now += 86_400 - 3610
    with pytest.raises(ProviderUnavailable):
        await stage.come_back(provider)
    stage.played.mischief = {}
    await stage.come_back(provider)


async def test_a_provider_that_says_nothing_new_keeps_nobody_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "TRIED_FOR", 0.05)
    provider = stage.oidc()
    await stage.come_back(provider)
    stage.ticks.now += 3600
    stage.silent = {DISCOVERY}
    trying = asyncio.create_task(provider.authorization_url(stage.visit))
    await asyncio.sleep(0)
    await provider.authorization_url(stage.visit)
    assert not trying.done()
    await trying


async def test_keys_that_cannot_be_read_are_passed_over(stage: Stage) -> None:
    stage.played.extra_keys = [
        5, None, [], {}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, {"kty": "new"}, {"kty": []},
        {"kty": "EC", "crv": "P-256", "x": 5, "y": None}, {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
    ]  # fmt: skip
    assert (await stage.come_back(stage.oidc())).subject == "1234"


@pytest.mark.parametrize("odd", [{"use": "enc"}, {"alg": "ES384"}])
async def test_a_key_for_something_else_verifies_nothing(stage: Stage, odd: Any) -> None:
    key = ECKey.generate_key("P-256", {"kid": "odd"})
    stage.played.extra_keys = [key.as_dict(private=False) | odd]
    stage.played.forge = lambda claims, header, _: signed(claims, header | {"kid": "odd"}, key)
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc())
    stage.played.extra_keys = [key.as_dict(private=False)]
    assert (await stage.come_back(stage.oidc())).subject == "1234"


async def test_what_the_id_token_does_not_tell_is_asked_for(stage: Stage) -> None:
    stage.played.told_in_token = False
    proven = await stage.come_back(stage.oidc())
    assert (proven.email, proven.email_verified) == ("ada@example.com", True)


OTHER = "other@example.com"


@pytest.mark.parametrize(
    ("token", "userinfo", "known"),
    [
        ({"email": None}, {"email": OTHER, "email_verified": None}, (OTHER, False)),
        ({"email": None}, {"email": OTHER, "email_verified": True}, (OTHER, True)),
        ({"email_verified": None}, {"email": OTHER, "email_verified": True}, (OTHER, True)),
        ({"email_verified": None}, {"email_verified": True, "email": None}, (ADA["email"], False)),
        ({"email_verified": False}, {"email_verified": True}, (ADA["email"], False)),
        ({}, {"email": OTHER, "email_verified": False}, (ADA["email"], True)),
    ],
)
async def test_an_address_and_whether_it_is_proved_are_from_one_place(
    stage: Stage, token: Any, userinfo: Any, known: tuple[str, bool]
) -> None:
    stage.played.forge = lambda claims, header, key: signed(claims | token, header, key)
    stage.played.metadata = {"userinfo": userinfo}
    proven = await stage.come_back(stage.oidc())
    assert (proven.email, proven.email_verified) == known
    assert proven.name == ADA["name"]


async def test_userinfo_of_somebody_else_is_refused(stage: Stage) -> None:
    stage.played.told_in_token = False
    stage.played.metadata = {"userinfo": {"sub": "5678"}}
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc())


@pytest.mark.parametrize("word", ["true", "1", 1.0, None, [True], False])
async def test_an_address_is_verified_only_by_true(stage: Stage, word: Any) -> None:
    proven = await stage.come_back(stage.oidc(), ADA | {"email_verified": word})
    assert proven.email_verified is False


@pytest.mark.parametrize("email", [5, ["ada@example.com"], {}])
async def test_an_address_that_is_no_text_is_none(stage: Stage, email: Any) -> None:
    assert (await stage.come_back(stage.oidc(), ADA | {"email": email})).email is None


@pytest.mark.parametrize("iss", ["https://evil.example", f"{ISSUER}/", ""])
async def test_an_answer_of_another_provider_is_refused_before_its_code_is_sent(
    stage: Stage, iss: str
) -> None:
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc(), iss=iss)
    assert "/token" not in stage.played.asked


async def test_who_always_says_that_it_answers_is_not_believed_without_it(stage: Stage) -> None:
    with pytest.raises(InvalidIdentity):
        await stage.oidc().identify(Reply(code="x", issuer=None), stage.visit)
    stage.played.metadata = {"authorization_response_iss_parameter_supported": False}
    with pytest.raises(InvalidIdentity):
        await stage.oidc().identify(Reply(code="x", issuer=None), stage.visit)
    assert stage.played.asked.count("/token") == 1


async def test_a_wrong_or_used_code_proves_nothing(stage: Stage) -> None:
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.oidc(), code="guessed")


@pytest.mark.parametrize("kind", ["broken", "huge", "nonsense", "deep", "elsewhere"])
@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
async def test_whatever_is_broken_at_the_provider_is_its_own_failure_and_is_not_repeated(
    stage: Stage, path: str, kind: str
) -> None:
    provider = stage.oidc()
    stage.played.told_in_token = False
    stage.played.mischief = {path: kind}
    with pytest.raises(ProviderUnavailable) as caught:
        await stage.come_back(provider)
    assert caught.value.retry_after > 0
    assert str(caught.value.cause).startswith("provider played: ")
    assert "internals" not in str(caught.value.cause)
    stage.played.mischief = {}
    assert (await stage.come_back(provider)).subject == "1234"


async def test_no_more_than_so_many_wait_for_one_provider(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "PATIENCE", 0.05)
    way = stage.way()
    begun, over = 0, asyncio.Event()

    async def wait() -> None:
        nonlocal begun
        async with way.exchange():
            begun += 1
            await over.wait()

    waiting = [asyncio.create_task(wait()) for _ in range(exchanges.AT_ONCE + 1)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert begun == exchanges.AT_ONCE
    assert all(isinstance(each, ProviderUnavailable) for each in outcomes)
    causes = [str(each.cause) for each in outcomes if isinstance(each, ProviderUnavailable)]
    assert causes.count("provider played: too slow") == exchanges.AT_ONCE
    async with way.exchange():
        assert way.failed("x").cause == "provider played: x"


async def test_no_cookie_goes_from_one_visit_to_another() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "who=ada"}, stream=_empty())

    way = exchanges.Exchanges("played", Reach(), transport=httpx.MockTransport(answer))
    for _ in range(2):
        await way.get(f"{ISSUER}/x")
    assert seen == [None, None]


async def test_an_encoding_that_was_not_asked_for_is_not_unpacked() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_empty())

    way = exchanges.Exchanges("played", Reach(), transport=httpx.MockTransport(answer))
    with pytest.raises(ProviderUnavailable):
        await way.get(f"{ISSUER}/x")


def _empty() -> Any:
    return httpx.ByteStream(b"{}")
