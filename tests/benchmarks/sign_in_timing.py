"""Measures whether the time of a failed sign-in tells anything: AUC (Mann-Whitney) of each pair.

    .venv/bin/python -m tests.benchmarks.sign_in_timing [--samples 300]

0.5 is no difference at all; the issue asks for 0.4 to 0.6. Every kind of attempt takes its turn,
so that a machine that is busy elsewhere slows all of them down alike.
"""

import argparse
import itertools
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import httpx

from tests.black_box.server import BASALT, PASSWORD, Server, environment, sign_in, sign_up

WRONG = "the wrong password"


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return how probably one of `ones` is larger than one of `others` (Mann-Whitney U / nm)."""
    larger = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return larger / (len(ones) * len(others))


def attempt(client: httpx.Client, email: str, expected: int) -> float:
    """Return the seconds that a failed sign-in takes."""
    form = {"grant_type": "password", "username": email, "password": WRONG}
    begun = time.perf_counter()
    answer = client.post("/v1/auth/token", data=form)
    seconds = time.perf_counter() - begun
    assert answer.status_code == expected, answer.text
    return seconds


def sampled(
    client: httpx.Client, emails: dict[str, str], *, samples: int, expected: int
) -> dict[str, list[float]]:
    """Return so many samples of each kind, taken in turns whose order changes every time."""
    found: dict[str, list[float]] = {kind: [] for kind in emails}
    orders = itertools.cycle(itertools.permutations(emails))
    for number in range(-5, samples):
        for kind in next(orders):
            seconds = attempt(client, emails[kind], expected)
            if number >= 0:  # the first ones warm up
                found[kind].append(seconds)
    return found


def suspend(folder: Path, environ: dict[str, str], server: Server, email: str) -> None:
    """Suspend an account, as an administrator does."""
    words = ("users", "create", "admin@example.com", "--role", "admin", "--password-stdin")
    subprocess.run(
        [BASALT, *words], input=PASSWORD, text=True, cwd=folder, env=environ, check=True,
        capture_output=True,
    )  # fmt: skip
    with server.client() as nobody:
        token = sign_in(nobody, "admin@example.com").access
    with server.client(token) as admin:
        (user,) = admin.get("/v1/users", params={"q": email}).json()["data"]
        answer = admin.patch(f"/v1/users/{user['id']}", json={"status": "suspended"})
        assert answer.status_code == httpx.codes.OK


def told(found: dict[str, list[float]]) -> None:
    """Print the medians, and the AUC of each pair."""
    for kind, taken in found.items():
        print(f"  {kind:<18} median {median(taken) * 1000:7.2f} ms")
    for one, other in itertools.combinations(found, 2):
        print(f"  AUC {one} / {other}: {auc(found[one], found[other]):.3f}")


def measure(samples: int, *, limits: str) -> None:
    """Measure with or without throttles, on a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environ = environment(folder, BASALT_RATE_LIMITS="off")
        server = Server(folder, environ)
        try:
            sign_up(server, "known@example.com")
            sign_up(server, "suspended@example.com")
            suspend(folder, environ, server, "suspended@example.com")
            with server.client() as nobody:
                emails = {
                    "wrong password": "known@example.com",
                    "unknown address": "nobody@example.com",
                    "suspended": "suspended@example.com",
                }
                if limits == "off":
                    told(sampled(nobody, emails, samples=samples, expected=401))
                    return
            server.stop()
            server = Server(folder, environ | {"BASALT_RATE_LIMITS": "on"})
            with server.client() as nobody:
                for email in emails.values():
                    for failures in range(100):  # until the lock outlasts the measurement
                        try:
                            attempt(nobody, email, 401)
                        except AssertionError:
                            assert failures == 10  # the contract's ten
                            break
                told(sampled(nobody, emails, samples=samples, expected=429))
        finally:
            server.kill()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    samples = parser.parse_args().samples
    print(f"failed sign-ins, {samples} of each:")
    measure(samples, limits="off")
    print(f"throttled sign-ins, {samples} of each:")
    measure(samples, limits="on")


if __name__ == "__main__":
    main()
