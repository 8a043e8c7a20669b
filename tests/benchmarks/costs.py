"""What it costs to run Basalt: memory, the time to the first answer, and what workers bring."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil

from tests.benchmarks.contenders import seeded
from tests.benchmarks.load import Load, to_each
from tests.black_box.server import Server, environment, sign_up
from tests.postgresql import PostgresServer

STARTS, TURNS = 5, 7
WORKERS = (1, 2, 4)


def measured(folder: Path, say: Callable[[str], None]) -> Mapping[str, object]:
    """Return seconds to the first answer, MiB of an idle worker, and requests a second."""
    folder.mkdir()
    starts, fresh, used = [], [], []
    for number in range(STARTS):
        place = folder / f"start-{number}"
        place.mkdir()
        began = time.monotonic()
        server = Server(place, environment(place, BASALT_RATE_LIMITS="on"))
        starts.append(time.monotonic() - began)
        worker = psutil.Process(server.process.pid)
        fresh.append(worker.memory_info().rss / 2**20)
        sign_up(server)
        used.append(worker.memory_info().rss / 2**20)
        server.stop()
    say(f"first answer after {median(starts):.2f} s, {median(fresh):.0f} MiB")
    return {
        "first_answer_seconds": median(starts),
        "idle_worker_mib": median(fresh),
        "idle_worker_after_hashing_mib": median(used),
        "cores": len(os.sched_getaffinity(0)),
        "workers": _workers(folder, say),
    }


def _workers(folder: Path, say: Callable[[str], None]) -> Mapping[str, Sequence[float]]:
    """Return what so many workers get on PostgreSQL in each turn, when nobody has a core alone."""
    got: dict[str, list[float]] = {str(workers): [] for workers in WORKERS}
    loads: dict[str, Load] = {}
    with PostgresServer.start(durable=True) as database, ExitStack() as up:
        for workers in got:
            place = folder / f"workers-{workers}"
            place.mkdir()
            own = environment(
                place, BASALT_RATE_LIMITS="on", BASALT_DATABASE_URL=database.create_database()
            )
            server = Server(place, own, "--workers", workers)
            up.callback(server.stop)
            token = sign_up(server).access
            each = [f"/v1/items/{id}" for id in seeded(server, token, 500)]
            loads[workers] = Load(server.url, {"Authorization": f"Bearer {token}"}, to_each(each))
        for number in range(TURNS + 1):  # the first one is for warming up
            for workers, load in loads.items():
                figure = load.turn(connections=16, seconds=2)
                if number:
                    got[workers].append(figure.per_second)
    for workers, turns in got.items():
        say(f"{workers} workers on PostgreSQL: {median(turns):,.0f}/s")
    return got
