"""GitHub is asked who its token is for; a number is who somebody is, never a name."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.errors import InvalidIdentity, ProviderUnavailable
from tests.adapters.identity.visits import ISSUER, Stage

ADA = {"sub": 583231, "email": "ada@example.com", "email_verified": True}


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_user_is_the_number_with_the_primary_address(stage: Stage) -> None:
    proven = await stage.come_back(stage.github(), ADA)
    assert (proven.issuer, proven.subject, proven.provider) == (ISSUER, "583231", "hub")
    assert (proven.email, proven.email_verified, proven.name) == ("ada@example.com", True, "ada")


async def test_an_address_that_github_has_not_proved_is_not_proved(stage: Stage) -> None:
    proven = await stage.come_back(stage.github(), ADA | {"email_verified": False})
    assert (proven.email, proven.email_verified) == ("ada@example.com", False)


async def test_github_com_has_its_api_elsewhere(stage: Stage) -> None:
    url = urlsplit(await stage.github("https://github.com").authorization_url(stage.visit))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://github.com/login/oauth/authorize"
    assert parse_qs(url.query)["code_challenge_method"] == ["S256"]
    assert "nonce" not in parse_qs(url.query)


async def test_addresses_that_the_user_does_not_show_are_none(stage: Stage) -> None:
    stage.played.mischief = {"/api/v3/user/emails": "broken"}
    assert (await stage.come_back(stage.github(), ADA)).email is None


@pytest.mark.parametrize("number", [None, "583231", True, 0, -1, 1.5, []])
async def test_who_has_no_number_is_nobody(stage: Stage, number: Any) -> None:
    with pytest.raises(ProviderUnavailable):
        await stage.come_back(stage.github(), ADA | {"sub": number})


@pytest.mark.parametrize("changes", [{"code": "guessed"}, {"iss": "https://evil.example"}])
async def test_a_wrong_code_or_another_provider_proves_nothing(
    stage: Stage, changes: dict[str, str]
) -> None:
    with pytest.raises(InvalidIdentity):
        await stage.come_back(stage.github(), ADA, **changes)


async def test_an_answer_may_name_the_issuer_as_github_does(stage: Stage) -> None:
    await stage.come_back(stage.github(), ADA, iss=f"{ISSUER}/login/oauth")


@pytest.mark.parametrize("kind", ["broken", "huge", "nonsense", "deep", "elsewhere"])
@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/api/v3/user"])
async def test_whatever_is_broken_there_is_its_own_failure(
    stage: Stage, path: str, kind: str
) -> None:
    stage.played.mischief = {path: kind}
    with pytest.raises(ProviderUnavailable):
        await stage.come_back(stage.github(), ADA)
