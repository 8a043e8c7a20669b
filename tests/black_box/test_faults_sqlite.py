"""Proves what becomes of the service when its SQLite file is locked, full or not to be changed."""

import fcntl
import os
import resource
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.black_box.faults import Person, causes
from tests.black_box.server import BASALT, CHEAP, PATIENCE, Server, Start, environment

pytestmark = pytest.mark.black_box

FULL = 64 * 1024
"""Bytes beyond which no file of the service may grow, where the disk is to be full."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("faults")
    server = Server(folder, environment(folder, **CHEAP))
    yield server
    server.kill()


@pytest.fixture
def file(server: Server) -> Path:
    return server.log.parent / "data" / "basalt.db"


@pytest.fixture
def ada(server: Server, file: Path) -> Iterator[Person]:
    """Somebody new for each test; afterwards all is well, and the file is whole."""
    ada = Person(server, f"{uuid.uuid4().hex}@example.com")
    yield ada
    ada.is_well()
    assert is_whole(file)


def is_whole(file: Path) -> bool:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@contextmanager
def begun(file: Path) -> Iterator[None]:
    """Be another program, in the middle of a change that it does not finish."""
    with closing(sqlite3.connect(file, isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def queued(file: Path) -> Iterator[None]:
    """Be another process of ours, which is at the writers' lock and stays there."""
    with file.with_name("basalt.db.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


Held = Callable[[Path], AbstractContextManager[None]]


@pytest.mark.parametrize("held", [begun, queued])
def test_whoever_must_write_waits_for_a_stranger_and_is_refused_in_time(
    ada: Person, file: Path, held: Held
) -> None:
    with held(file):
        ada.is_refused(*ada.writes, *[ada.writes[0]] * 10)
        ada.is_served(*ada.reads)
    ada.is_served(*ada.writes)


@pytest.mark.parametrize("held", [begun, queued])
def test_a_stranger_who_is_soon_done_is_waited_for(ada: Person, file: Path, held: Held) -> None:
    over = threading.Event()

    def hold() -> None:
        with held(file):
            begun_at.set()
            over.wait(PATIENCE)

    begun_at, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    assert begun_at.wait(PATIENCE)
    threading.Timer(1, over.set).start()
    asked = time.monotonic()
    ada.is_served(ada.writes[0])
    assert time.monotonic() - asked > 0.5
    holder.join()


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Let no file of the service grow, as on a disk that is full."""
    process = psutil.Process(server.process.pid)
    before = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (FULL, before[1]))
    try:
        yield
    finally:
        process.rlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_fails_whoever_must_write_and_harms_nothing(
    start: Start, tmp_path: Path
) -> None:
    """The service is a new one: its log is short, and its write-ahead log is at its first lap."""
    file = tmp_path / "data" / "basalt.db"
    ada = Person(start(), "ada@example.com")
    with ada.client() as client:
        wicks = {"title": "Wicks", "description": "x" * 5000}
        made = client.post("/v1/items", json=wicks)
        while file.with_name("basalt.db-wal").stat().st_size < 2 * FULL:
            made = client.post("/v1/items", json=wicks)
        with full_disk(ada.server):
            ada.is_refused(*ada.writes)
            ada.is_served(*ada.reads)
            ada.is_refused(*ada.writes)
        assert client.get(made.headers["Location"]).json() == made.json()
    ada.is_well()
    assert is_whole(file)
    assert causes(ada.server) & {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}


def without_privileges() -> list[str]:
    """Return how to start a program for which permissions of files count: root writes anywhere."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def test_a_file_that_must_not_be_changed_is_refused_at_the_start_in_a_line(tmp_path: Path) -> None:
    environ = environment(tmp_path, **CHEAP)
    Server(tmp_path, environ).stop()
    folder = tmp_path / "data"
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    try:
        finished = subprocess.run(
            [*without_privileges(), BASALT, "serve", "--port", "0"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    finally:
        folder.chmod(0o700)
    assert (finished.returncode, finished.stdout) == (1, "")
    (line,) = finished.stderr.splitlines()
    assert line.startswith("basalt: The database at sqlite:")
    assert "does not answer (SQLITE_READONLY" in line
