"""A budget for the hot paths, in shares of a bare FastAPI route that is measured in the same run.

Fails when a path gets more than 20 % less than its share in budget.json; `--write` keeps the
shares of this run as the new budget. Run it with `make bench-check`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.benchmarks import contenders
from tests.benchmarks.report import BARE, SQLITE
from tests.benchmarks.turns import say, take_turns

BUDGET = Path(__file__).with_name("budget.json")
LOSS = 0.20
PATHS = ("get", "create", "patch", "list", "refresh")


def shares(*, rounds: int, seconds: float) -> Mapping[str, float]:
    """Return what each path gets of a bare route's requests a second."""
    with tempfile.TemporaryDirectory(prefix="basalt-check-") as folder:
        place = Path(folder)
        with (
            contenders.bare_fastapi(place / "bare") as bare,
            contenders.basalt(place / "basalt", name=SQLITE, note="", count=2000) as basalt,
        ):
            up = [
                # The bare route has its turn beside each path's, whatever the path.
                contenders.Contender(BARE, "", dict.fromkeys(PATHS, bare.loads["get"])),
                contenders.Contender(SQLITE, "", {path: basalt.loads[path] for path in PATHS}),
            ]
            rows = list(take_turns(up, rounds=rounds, seconds=seconds, connections=[16]))
    got = {(row.contender, row.operation): row.per_second for row in rows}
    return {
        path: median(
            own / least for own, least in zip(got[SQLITE, path], got[BARE, path], strict=True)
        )
        for path in PATHS
    }


def main() -> None:
    """Measure, compare, and exit with 1 where a path has lost too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="turns of each (default 6)")
    parser.add_argument("--seconds", type=float, default=2, help="how long a turn is (default 2)")
    parser.add_argument("--write", action="store_true", help="keep these shares as the budget")
    asked = parser.parse_args()
    found = shares(rounds=asked.rounds, seconds=asked.seconds)
    if asked.write:
        kept = {path: round(share, 3) for path, share in found.items()}
        BUDGET.write_text(json.dumps(kept, indent=2) + "\n")
    budget: Mapping[str, float] = json.loads(BUDGET.read_text())
    lost = [path for path in PATHS if found[path] < budget[path] * (1 - LOSS)]
    for path in PATHS:
        verdict = "TOO SLOW" if path in lost else "ok"
        say(f"{path:8} {found[path]:6.1%} of a bare route, budget {budget[path]:6.1%}  {verdict}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
