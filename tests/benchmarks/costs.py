"""What it costs to run Basalt: memory, the time to the first answer, and what workers bring."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import psutil

from tests.benchmarks.contenders import seeded
from tests.benchmarks.load import Load, to_each
from tests.black_box.server import Server, environment, sign_up
from tests.postgresql import PostgresServer

STARTS = 5
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


def _workers(folder: Path, say: Callable[[str], None]) -> Mapping[str, Mapping[str, float]]:
    """Return what so many workers get on PostgreSQL, when nobody is bound to a core."""
    got: dict[str, Mapping[str, float]] = {}
    with PostgresServer.start(durable=True) as database:
        for workers in WORKERS:
            place = folder / f"workers-{workers}"
            place.mkdir()
            own = environment(
                place, BASALT_RATE_LIMITS="on", BASALT_DATABASE_URL=database.create_database()
            )
            server = Server(place, own, "--workers", str(workers))
            try:
                token = sign_up(server).access
                each = [f"/v1/items/{id}" for id in seeded(server, token, 500)]
                bearer = {"Authorization": f"Bearer {token}"}
                load = Load(server.url, bearer, to_each(each))
                load.turn(connections=16, seconds=1)
                figures = [load.turn(connections=16, seconds=2) for _ in range(3)]
            finally:
                server.stop()
            got[str(workers)] = {"get": median(figure.per_second for figure in figures)}
            say(f"{workers} workers on PostgreSQL: {got[str(workers)]['get']:,.0f}/s")
    return got
