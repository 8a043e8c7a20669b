"""Proves which passwords open an account, and that only the very same one does later."""

import httpx
import pytest

from tests.entrypoints.http.api import (
    JSON,
    PASSWORD,
    sign_in_form,
    told,
)


def sign_up(password: str, email: str = "ada@example.com") -> dict[str, str]:
    return {"email": email, "password": password}


@pytest.mark.parametrize(
    "password",
    ["fifteen of them", "z" + "aé" * 127 + "!", "\u017fpaces, ümlauts and 🔒", "Å" * 5 + PASSWORD],
)
async def test_any_long_text_is_a_password_and_nothing_else_opens_the_account(
    nobody: httpx.AsyncClient, password: str
) -> None:
    assert (await nobody.post("/v1/users", json=sign_up(password))).status_code == 201

    async def opens(tried: str) -> bool:
        form = sign_in_form("ada@example.com", tried)
        return (await nobody.post("/v1/auth/token", data=form)).status_code == 200

    assert await opens(password)
    for other in (password[:-1], password + "x", password.swapcase(), " " + password):
        assert not await opens(other)


async def test_a_password_opens_the_account_in_any_normal_form(nobody: httpx.AsyncClient) -> None:
    composed, apart = "caf\u00e9 au lait, twice", "cafe\u0301 au lait, twice"
    assert (await nobody.post("/v1/users", json=sign_up(apart))).status_code == 201
    for password in (composed, apart):
        form = sign_in_form("ada@example.com", password)
        assert (await nobody.post("/v1/auth/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "too_short"),
        ("fourteen chars", "too_short"),
        ("e\u0301" * 14, "too_short"),
        ("ab " * 85 + "xy", "too_long"),
        ("adalovelace@example.com", "same_as_email"),
        ("AdaLovelace@Example.com", "same_as_email"),
        ("passwordpassword", "common"),
        ("password1234567", "common"),
        ("123456789012345", "common"),
        ("qwertyqwertyqwerty", "common"),
    ],
)
async def test_a_weak_password_is_refused_with_the_reason(
    nobody: httpx.AsyncClient, password: str, reason: str
) -> None:
    answer = await nobody.post("/v1/users", json=sign_up(password, "adalovelace@example.com"))
    assert told(answer) == (422, "WEAK_PASSWORD")
    assert answer.json()["error"]["details"] == {"reason": reason}


@pytest.mark.parametrize("ending", [r"\u0000", r"\ud800"])
async def test_a_password_that_is_no_text_is_refused(
    nobody: httpx.AsyncClient, ending: str
) -> None:
    body = f'{{"email": "ada@example.com", "password": "{PASSWORD}{ending}"}}'
    answer = await nobody.post("/v1/users", content=body, headers=JSON)
    assert answer.status_code == 422
