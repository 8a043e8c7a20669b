"""Proves that times of failed sign-ins overlap: none tells an account from no account.

A coarse bound that a busy machine keeps; tests/benchmarks/sign_in_timing.py measures exactly.
"""

import itertools
from pathlib import Path

import pytest

from tests.benchmarks.sign_in_timing import auc, sampled, suspend
from tests.black_box.server import Server, environment, sign_up

pytestmark = pytest.mark.black_box

SAMPLES = 60
TRIES = 2
EMAILS = {
    "wrong password": "known@example.com",
    "unknown address": "nobody@example.com",
    "suspended": "suspended@example.com",
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_unknown_wrong_and_suspended_cannot_be_told_apart_by_the_clock(
    tmp_path: Path, database: str
) -> None:
    hashing = {"BASALT_ARGON2_MEMORY_KIB": "4096", "BASALT_ARGON2_TIME": "2"}
    environ = environment(tmp_path, BASALT_DATABASE_URL=database, **hashing)
    server = Server(tmp_path, environ)
    areas: list[float] = []
    try:
        for name in ("known", "suspended"):
            sign_up(server, f"{name}@example.com")
        suspend(tmp_path, environ, server, "suspended@example.com")
        with server.client() as nobody:
            for _ in range(TRIES):
                found = sampled(nobody, EMAILS, samples=SAMPLES, expected=401)
                areas = [auc(*pair) for pair in itertools.combinations(found.values(), 2)]
                if all(0.25 < area < 0.75 for area in areas):
                    return
    finally:
        server.kill()
    pytest.fail(f"the times tell them apart: {areas}")
