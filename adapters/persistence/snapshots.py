"""A SQLite database as one file: taken while others read and write, and put back whole."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.persistence.database import Database
from adapters.persistence.driver import Driver
from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from application.ports.moving import Snapshot, Snapshots
from domain.errors import StoreUnfit


class SqliteSnapshots(Snapshots):
    """Copies page by page, through SQLite's own backup (sqlite.org/backup.html)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, file: str) -> int:
        self._check_kind("back up PostgreSQL with its own pg_dump, or archive its log")
        return self._saved(Path(file))

    def _saved(self, file: Path) -> int:
        there = f"{file} is there already: name another file, or move it away."
        if not self._database.file.exists():
            raise StoreUnfit(f"There is no database at {self._database.file}: nothing to back up.")
        try:
            if file.exists():
                raise StoreUnfit(there)
            if not file.parent.is_dir():
                raise StoreUnfit(f"There is no folder {file.parent}.")
            with tempfile.TemporaryDirectory(dir=file.parent, prefix=".basalt-") as folder:
                draft = Path(folder) / file.name
                with self._database.connect() as connection:
                    _copy(Driver(connection).raw, draft)
                _check(draft)
                _on_disk(draft)
                _named(draft, file)
                _on_disk(file.parent)
                return file.stat().st_size
        except FileExistsError as failure:
            raise StoreUnfit(there) from failure
        except (OSError, sqlite3.Error) as failure:
            raise StoreUnfit(f"{file} cannot be written: {_cause(failure)}.") from failure

    @contextmanager
    def loaded(self, file: str) -> Iterator["SqliteSnapshot"]:
        self._check_kind("restore PostgreSQL with its own pg_restore")
        if not Path(file).is_file():
            raise StoreUnfit(f"There is no file {file}.")
        place = self._database.file.parent
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".restore-") as folder:
            draft = Path(folder) / "basalt.db"
            try:
                with closing(_opened(Path(file))) as source:
                    _copy(source, draft)
                _check(draft)
            except sqlite3.Error as failure:
                if failure.sqlite_errorname in _NOT_WHOLE:
                    raise StoreUnfit(f"{file} is not a whole database of SQLite.") from failure
                raise StoreUnfit(
                    f"{file} cannot be copied into {place}: {_cause(failure)}."
                ) from failure
            snapshot = SqliteSnapshot(draft, self._database)
            try:
                yield snapshot
            finally:
                snapshot.close()

    def _check_kind(self, advice: str) -> None:
        if not self._database.is_sqlite:
            raise StoreUnfit(f"This is for SQLite: {advice}.")


class SqliteSnapshot(Snapshot):
    """A copy in a folder beside the database."""

    def __init__(self, file: Path, database: Database) -> None:
        self._file = file
        self._database = database
        self._own = Database(f"sqlite:///{file}", pool_size=1)
        self._store = SqlStore(self._own)
        self.schema = SqlSchema(self._own)
        self.unit_of_work = self._store.unit_of_work
        self.reading = self._store.reading

    def take_over(self) -> None:
        self.close()
        with closing(_opened(self._file)) as source:
            self._database.replace_by(source)

    def close(self) -> None:
        """Close the copy's connections."""
        self._own.close()


_NOT_WHOLE = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR_SHORT_READ"})


def _cause(failure: OSError | sqlite3.Error) -> str:
    return failure.strerror or "" if isinstance(failure, OSError) else str(failure)


def _named(draft: Path, file: Path) -> None:
    """Give a file its name. Raises FileExistsError if another has it by now."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        draft.rename(file)


def _opened(file: Path) -> sqlite3.Connection:
    """Open a file for reading, with what its write-ahead log holds, if there is one."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)


def _copy(source: sqlite3.Connection, file: Path) -> None:
    """Copy everything that is committed into a new file that is complete without a log."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(file)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def _check(file: Path) -> None:
    """Raise Unavailable unless every page, index and reference is right."""
    with closing(_opened(file)) as copy:
        whole = copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not whole or copy.execute("PRAGMA foreign_key_check").fetchall():
            raise StoreUnfit("The database is damaged: restore a backup that is not.")


def _on_disk(path: Path) -> None:
    """Return once a file, or the names in a folder, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
