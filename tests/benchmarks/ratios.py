"""Measures what this service costs on top of the framework it stands on, in one run.

Reads and writes of an item against `basalt serve` as it comes (SQLite, JSON access log to a
file), and a bare FastAPI route with one asynchronous dependency under uvicorn. The three take
turns, so that a machine that is busy elsewhere slows all of them down alike; only the ratios
mean anything.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from statistics import median

import httpx

from tests.black_box.server import PATIENCE, Server, environment, sign_up

TARGETS = {"get": 0.28, "post": 0.15}
"""What is hoped for, as shares of the bare route."""

CONNECTIONS = 16
SERVER_CORE, LOAD_CORE = 0, 1

BARE = """
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel

off = {"tracing": False, "metrics": False, "logs": False}
app = FastAPI(telemetry=off)


class Item(BaseModel):
    id: str
    title: str


async def caller() -> str:
    return "somebody"


@app.get("/")
async def read(caller: Annotated[str, Depends(caller)]) -> Item:
    return Item(id=caller, title="Lamp oil")
"""

POST = """
wrk.method = "POST"
wrk.body = '{"title": "Lamp oil", "tags": ["winter"]}'
wrk.headers["Content-Type"] = "application/json"
"""

HELP = """Needs `wrk` on the PATH (Debian and Ubuntu: apt-get update && apt-get install -y wrk) and
two processor cores: one for the server, one for the load."""


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request, sent as fast as it is answered."""

    name: str
    url: str
    options: tuple[str, ...] = ()

    def per_second(self, seconds: int) -> float:
        """Return how many requests a second were answered, all of them well."""
        words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *self.options, self.url]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = re.search(r"Requests/sec:\s+([\d.]+)", said)
        if found is None or "Non-2xx" in said or "Socket errors" in said:
            raise SystemExit(f"{self.name}: not every request was answered well:\n{said}")
        return float(found[1])


def say(text: str) -> None:
    """Show how far it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def bare(folder: Path) -> Iterator[str]:
    """Serve the bare route and return its address."""
    (folder / "bare.py").write_text(BARE)
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), "--no-access-log"]
    with (folder / "bare-log").open("wb") as log, pinned_to(SERVER_CORE):
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                httpx.get(url).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def basalt(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Serve Basalt; return the addresses of an item and of all, and the header that opens them."""
    with pinned_to(SERVER_CORE):
        server = Server(folder, environment(folder))
    try:
        token = sign_up(server).access
        with server.client(token) as ada:
            made = ada.post("/v1/items", json={"title": "Lamp oil", "tags": ["winter"]})
        item = server.url + made.headers["Location"]
        yield item, f"{server.url}/v1/items", f"Authorization: Bearer {token}"
    finally:
        server.stop()


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Let what is started meanwhile, and it alone, run on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(loads: list[Load], *, rounds: int, seconds: int) -> dict[str, list[float]]:
    """Return what each load got in each of the rounds, in which they take turns."""
    got: dict[str, list[float]] = {load.name: [] for load in loads}
    for load in loads:  # once for nothing: to warm up
        load.per_second(1)
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}:")
        for load in loads:
            figure = load.per_second(seconds)
            got[load.name].append(figure)
            say(f"  {load.name} {figure:,.0f}/s")
        say("\n")
    return got


def main() -> None:
    """Measure, and print the figures and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=HELP)
    parser.add_argument("--rounds", type=int, default=10, help="how often each takes its turn")
    parser.add_argument("--seconds", type=int, default=2, help="how long a turn is")
    chosen = parser.parse_args()
    if shutil.which("wrk") is None or len(os.sched_getaffinity(0)) <= 1:
        parser.error(HELP)
    with tempfile.TemporaryDirectory(prefix="basalt-ratios-") as place:
        folder = Path(place)
        script = folder / "post.lua"
        script.write_text(POST)
        with bare(folder) as bare_url, basalt(folder) as (item, items, header):
            loads = [
                Load("bare", bare_url),
                Load("get", item, ("-H", header)),
                Load("post", items, ("-H", header, "-s", str(script))),
            ]
            with pinned_to(LOAD_CORE):
                figures = measure(loads, rounds=chosen.rounds, seconds=chosen.seconds)
    say(f"medians of {chosen.rounds} rounds, ratios taken within each round\n")
    say(f"bare FastAPI route    {median(figures['bare']):8,.0f}/s\n")
    for name, target in TARGETS.items():
        ratios = [own / bare for own, bare in zip(figures[name], figures["bare"], strict=True)]
        shown = f"{median(ratios):6.1%} of bare ({min(ratios):.1%} to {max(ratios):.1%})"
        title = f"{name.upper()} of an item".ljust(20)
        say(f"{title}  {median(figures[name]):8,.0f}/s  {shown}, target {target:.0%}\n")


if __name__ == "__main__":
    main()
