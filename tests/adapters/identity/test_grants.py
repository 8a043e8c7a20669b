"""What comes of a code: whose fault a refusal is decides what is said, and odd answers are none."""

from typing import Any

import pytest

from domain.errors import InvalidIdentity, ProviderUnavailable
from tests.adapters.identity.visits import Stage
from tests.provider import Answer


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def refused(stage: Stage, status: int, error: Any) -> str | None:
    """Return why a provider does not take a code: "401", if the code is to blame, and the cause."""
    stage.instead = {"/token": Answer(status, {"error": error})}
    try:
        await stage.come_back(stage.oidc())
    except InvalidIdentity as refusal:
        return f"401 {refusal.cause}"
    except ProviderUnavailable as failure:
        return failure.cause
    raise AssertionError("taken")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("error", ["invalid_grant", "bad_verification_code"])
async def test_a_refused_code_proves_nothing(stage: Stage, status: int, error: str) -> None:
    assert await refused(stage, status, error) == f"401 provider played: refused: {error}"


@pytest.mark.parametrize(
    "error",
    ["invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type"],
)
async def test_what_the_operator_or_we_did_wrong_is_told_to_the_operator(
    stage: Stage, error: str
) -> None:
    assert await refused(stage, 400, error) == f"provider played: refused: {error}"


@pytest.mark.parametrize("error", [{}, ["invalid_grant"], {"a": 1}, 5, None, "a\nline"])
async def test_an_error_that_is_no_word_of_ours_is_not_repeated(stage: Stage, error: Any) -> None:
    assert await refused(stage, 400, error) == "provider played: no tokens, status 400"


async def test_who_is_broken_decides_nothing(stage: Stage) -> None:
    assert await refused(stage, 503, "invalid_grant") == "provider played: no tokens, status 503"
