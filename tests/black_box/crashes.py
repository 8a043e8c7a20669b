"""Kills the service, and its database, at random moments, and looks for what was lost.

    .venv/bin/python -m tests.black_box.crashes [--rounds 200] [--database postgresql] [--seed 1]

In each round writers are at work when everything is killed with SIGKILL; then it is started
again, and what is stored is compared with what was acknowledged.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from tests.black_box.crash_writers import Friend, Writer
from tests.black_box.server import BASALT, CHEAP, PATIENCE, Server, environment
from tests.postgresql import PostgresServer, connect

WRITERS = 4
LONGEST_WORK = 0.5
"""Seconds of work before the end, at most."""

READY_WITHIN = 5.0
"""Seconds that a restart may take."""

TWICE = 0.1
"""How often the service is killed again while it starts."""

TRAIL_EVERY = 10
"""Rounds between two proofs of the audit trail."""

SERVICE, DATABASE, BOTH = "service", "database", "both"


class Store(Protocol):
    """The database under the service."""

    url: str
    victims: tuple[str, ...]
    """What may be killed."""

    def kill(self) -> None:
        """End the database as if the machine had failed."""

    def begin(self) -> None:
        """Start it again."""

    def check(self) -> None:
        """Look whether it is whole. Raises AssertionError."""


class SqliteStore:
    """A file."""

    victims: tuple[str, ...] = (SERVICE,)

    def __init__(self, folder: Path) -> None:
        self._path = folder / "data" / "basalt.db"
        self.url = f"sqlite:///{self._path}"

    def kill(self) -> None:
        """Do nothing: it is in the service's own process."""

    def begin(self) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Have SQLite go through the whole file and all references."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


class PostgresStore:
    """A database of a server that waits for the disk, as one in production does."""

    victims: tuple[str, ...] = (SERVICE, SERVICE, DATABASE, BOTH)

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.create_database()

    def kill(self) -> None:
        """Kill all of the server's processes."""
        self._server.halt(signal.SIGKILL)

    def begin(self) -> None:
        """Start the server, which repairs itself."""
        self._server.launch()

    def check(self) -> None:
        """Follow every foreign key: PostgreSQL does so when it writes, and not after a crash."""
        with closing(connect(self.url)) as connection:
            for table, query in connection.execute(_ORPHANS).fetchall():
                found = connection.execute(query).fetchone()
                assert found == (0,), f"{table} refers to what is not there"


_ORPHANS = """
SELECT conrelid::regclass::text, format(
    'SELECT count(*) FROM %s AS child WHERE child.%I IS NOT NULL AND NOT EXISTS ('
    'SELECT FROM %s AS parent WHERE parent.%I = child.%I)',
    conrelid::regclass, own.attname, confrelid::regclass, other.attname, own.attname)
FROM pg_constraint
JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = conkey[1]
JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = confkey[1]
WHERE contype = 'f' AND array_length(conkey, 1) = 1
"""


@dataclass
class Figures:
    """What came of it."""

    rounds: int = 0
    acknowledged: int = 0
    restarts: list[float] = field(default_factory=list)
    """Seconds until the service was ready again, each time that it was killed."""

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.acknowledged} acknowledged writes, 0 lost; "
            f"ready again after {median(self.restarts):.2f} s (median), "
            f"{max(self.restarts):.2f} s (longest)"
        )


class Crashes:
    """A service, its writers, and one crash after another."""

    def __init__(self, folder: Path, store: Store, seed: int) -> None:
        self.figures = Figures()
        self._folder = folder
        self._store = store
        self._chance = random.Random(seed)
        own = {"BASALT_DATABASE_URL": store.url, "BASALT_REFRESH_GRACE": "60"}
        self._environ = environment(folder, **CHEAP | own)
        self._server = self._started()
        try:
            self._friend = Friend(self._server)
            self._writers = [
                Writer(number, self._server, self._friend, seed) for number in range(WRITERS)
            ]
        except BaseException:
            self.close()
            raise

    def round(self) -> str:
        """Work, crash, start again, check; return what happened. Raises AssertionError."""
        victim = self._chance.choice(self._store.victims)
        self.crash(victim)
        took = self.restart(victim)
        self.check()
        self.figures.rounds += 1
        if victim != DATABASE:
            self.figures.restarts.append(took)
        assert took < READY_WITHIN, f"it took {took:.1f} s to be ready"
        return f"killed: {victim}; ready after {took:.2f} s"

    def crash(self, victim: str = SERVICE) -> None:
        """Let the writers work, and kill everything at some moment."""
        before = self._acknowledged()
        for writer in self._writers:
            writer.begin(self._server)
        deadline = time.monotonic() + PATIENCE
        while self._acknowledged() == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self._chance.uniform(0, LONGEST_WORK))
        if victim != SERVICE:
            self._store.kill()
        if victim != DATABASE:
            self._server.kill()
        for writer in self._writers:
            writer.end()
        self.figures.acknowledged += self._acknowledged() - before

    def restart(self, victim: str = SERVICE) -> float:
        """Start what was killed; return after how many seconds the service was ready."""
        if victim != SERVICE:
            self._store.begin()
        if victim != DATABASE and self._chance.random() < TWICE:
            self._die_starting()
        begun = time.monotonic()
        if victim == DATABASE:
            self._server.await_ready()
        else:
            self._server = self._started()
        return time.monotonic() - begun

    def check(self) -> None:
        """Look whether all that was acknowledged is there, and all is whole."""
        shared = self._friend.check(self._server)
        for writer in self._writers:
            writer.check(self._server, shared)
        self._store.check()

    def check_trail(self) -> None:
        """Have the whole audit trail verified: what was damaged there stays so."""
        verified = subprocess.run(
            [BASALT, "audit", "verify"],
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr

    def close(self) -> None:
        """End the service."""
        self._server.kill()

    def _acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self._writers)

    def _started(self) -> Server:
        return Server(self._folder, self._environ)

    def _die_starting(self) -> None:
        with subprocess.Popen(
            [BASALT, "serve", "--port", "0"],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as starting:
            time.sleep(self._chance.uniform(0.2, 1.2))
            os.killpg(starting.pid, signal.SIGKILL)


@contextmanager
def store_of(kind: str, folder: Path) -> Iterator[Store]:
    """Hand out an empty database of that kind, which may be killed."""
    if kind == "sqlite":
        yield SqliteStore(folder)
        return
    with PostgresServer.start(durable=True) as server:
        yield PostgresStore(server)


def main() -> None:
    """Do the rounds, saying how far they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"{asked.database}: {asked.rounds} rounds, --seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name, store_of(asked.database, Path(name)) as store:
        crashes = Crashes(Path(name), store, asked.seed)
        try:
            for number in range(1, asked.rounds + 1):
                told = crashes.round()
                if number % TRAIL_EVERY == 0 or number == asked.rounds:
                    crashes.check_trail()
                kept = crashes.figures.acknowledged
                print(f"{number}/{asked.rounds} {told}; {kept} writes kept", flush=True)
        finally:
            crashes.close()
    print(f"{asked.database}: {crashes.figures}")


if __name__ == "__main__":
    main()
