"""One kind of request, sent as fast as it is answered by `wrk`, and what came of it."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

SERVER_CORE, LOAD_CORE = 0, 1

_TELL = """
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one turn of a load got."""

    per_second: float
    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request. Its script is Lua, as wrk takes it, and may come anew each turn."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    script: str = ""

    def turn(self, *, connections: int, seconds: float) -> Figure:
        """Send it for so long. Raises SystemExit unless every request was answered well."""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(self.script + _TELL)
            script.flush()
            words = [wrk(), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s"]
            words += ["-s", script.name]
            for name, value in self.headers.items():
                words += ["-H", f"{name}: {value}"]
            with pinned_to(LOAD_CORE):
                asked = [*words, self.url]
                said = subprocess.run(asked, capture_output=True, text=True, check=False)
        told = [line for line in said.stdout.splitlines() if line.startswith("RESULT ")]
        if not told:
            raise SystemExit(f"wrk said nothing of {self.url}:\n{said.stdout}{said.stderr}")
        requests, micros, median, p99, failed = map(float, told[0].split()[1:])
        if failed or not requests:
            raise SystemExit(f"{self.url}: {failed:.0f} of {requests:.0f} not answered well")
        return Figure(requests / micros * 1e6, median / 1000, p99 / 1000)


def to_each(
    paths: Sequence[str], *, method: str = "GET", body: str = "", headers: Mapping[str, str] = {}
) -> str:
    """Return a script that asks for each path in turn; %d in a body counts the requests."""
    named = "".join(f"wrk.headers[{lua(name)}] = {lua(value)}\n" for name, value in headers.items())
    return f"""
wrk.method = {lua(method)}
{named}
local paths = {{{", ".join(map(lua, paths))}}}
local body = {lua(body) if body else "nil"}
local sent = 0
function request()
  sent = sent + 1
  local now = body and string.format(body, sent)
  return wrk.format(nil, paths[sent % #paths + 1], nil, now)
end
"""


def lua(text: str) -> str:
    """Return a text as Lua writes it: as JSON does, within ASCII."""
    return json.dumps(text)


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Let what is started meanwhile, and it alone, run on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wrk() -> str:
    """Return the load generator. Raises SystemExit if the machine has none."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("there is no wrk on the PATH (Debian and Ubuntu: apt install wrk)")
    return found
