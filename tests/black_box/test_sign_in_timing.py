"""Proves that the time a failed sign-in takes does not tell whether the address has an account."""

import time
from statistics import median

import httpx
import pytest

from tests.black_box.server import Start, sign_up

pytestmark = pytest.mark.black_box

ROUNDS = 30
FAILURES = {
    "wrong password": ("ada@example.com", "the wrong password"),
    "unknown address": ("grace@example.com", "the wrong password"),
    "no address": ("nobody at all", "the wrong password"),
    "endless password": ("ada@example.com", "x" * 5000),
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_failure_to_sign_in_takes_as_long(start: Start, database: str) -> None:
    strong = {"ARGON2_MEMORY_KIB": "19456", "ARGON2_TIME": "2"}
    server = start(DATABASE_URL=database, **strong)
    sign_up(server)
    taken: dict[str, list[float]] = {name: [] for name in FAILURES}
    with server.client() as nobody:
        for round_ in range(-2, ROUNDS):
            for name, (email, password) in FAILURES.items():
                seconds = attempt(nobody, email, password)
                if round_ >= 0:  # the first ones warm up
                    taken[name].append(seconds)
    usual = median(taken.pop("wrong password"))
    assert usual > 0.005  # a hash was made
    for name, samples in taken.items():
        assert 0.75 < median(samples) / usual < 1.33, name


def attempt(client: httpx.Client, email: str, password: str) -> float:
    form = {"grant_type": "password", "username": email, "password": password}
    begun = time.perf_counter()
    answer = client.post("/v1/auth/token", data=form)
    seconds = time.perf_counter() - begun
    assert answer.json()["error"]["code"] == "INVALID_CREDENTIALS"
    return seconds
