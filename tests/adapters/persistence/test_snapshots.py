"""A backup is one whole file, or none; what is put back is all of it, or nothing."""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from adapters.persistence.database import Database
from adapters.persistence.snapshots import SqliteSnapshots
from adapters.persistence.unit_of_work import SqlStore
from domain.access import UserId
from domain.errors import StoreUnfit
from tests.adapters.persistence.conftest import opened
from tests.domain.examples import ANNA, a_user, uuid
from tests.postgresql import PostgresServer


@pytest.fixture
def live(tmp_path: Path, migrated_file: Path) -> Path:
    """The file of a database with Anna in it."""
    file = tmp_path / "live" / "basalt.db"
    file.parent.mkdir()
    shutil.copy(migrated_file, file)
    with opened(f"sqlite:///{file}") as database:
        add(database, 1)
    return file


def add(database: Database, number: int) -> None:
    with SqlStore(database).unit_of_work() as work:
        id = ANNA if number == 1 else UserId(uuid(number))
        work.users.add(a_user(id=id, email=f"{number}@example.com"))
        work.commit()


def addresses(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM users ORDER BY email")]


def test_a_backup_holds_what_is_committed_in_one_file_of_ones_own(
    live: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    with opened(f"sqlite:///{live}") as database:
        add(database, 2)
        size = SqliteSnapshots(database).save(str(copy))
    assert size == copy.stat().st_size
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert addresses(copy) == ["1@example.com", "2@example.com"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.db", "live"]


def test_a_backup_is_taken_while_others_write(live: Path, tmp_path: Path) -> None:
    with opened(f"sqlite:///{live}") as database:
        enough = threading.Event()

        def write() -> None:
            for number in range(10, 60):
                add(database, number)
                enough.set()

        writer = threading.Thread(target=write)
        writer.start()
        assert enough.wait(10)
        for number in range(5):
            SqliteSnapshots(database).save(str(tmp_path / f"backup-{number}"))
        writer.join()
    counts = [len(addresses(tmp_path / f"backup-{number}")) for number in range(5)]
    assert counts == sorted(counts)
    assert 2 <= counts[0] <= counts[-1] <= 51


def test_what_is_there_is_not_overwritten(live: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("dear")
    with (
        opened(f"sqlite:///{live}") as database,
        pytest.raises(StoreUnfit, match="is there already"),
    ):
        SqliteSnapshots(database).save(str(there))
    assert there.read_text() == "dear"


def test_a_damaged_database_is_not_backed_up(live: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(live)) as vandal:
        vandal.execute("INSERT INTO feeds VALUES ('00000000000000000000000000000bad', 1, 0)")
        vandal.commit()
    with opened(f"sqlite:///{live}") as database, pytest.raises(StoreUnfit, match="damaged"):
        SqliteSnapshots(database).save(str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


def test_what_is_put_back_is_seen_by_whoever_has_the_database_open(
    live: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    with opened(f"sqlite:///{live}") as database:
        SqliteSnapshots(database).save(str(copy))
        add(database, 2)
        with (
            opened(f"sqlite:///{live}") as other,
            SqliteSnapshots(other).loaded(str(copy)) as snapshot,
        ):
            snapshot.take_over()
        with SqlStore(database).reading() as see:
            assert see.users.get(ANNA) is not None
            assert see.users.get(UserId(uuid(2))) is None
        add(database, 3)  # and it can be written to
    assert addresses(live) == ["1@example.com", "3@example.com"]
    assert sorted(each.name for each in live.parent.iterdir()) == ["basalt.db", "basalt.db.lock"]


def test_without_taking_over_nothing_changes(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    with opened(f"sqlite:///{live}") as database:
        SqliteSnapshots(database).save(str(copy))
        add(database, 2)
        with (
            SqliteSnapshots(database).loaded(str(copy)) as snapshot,
            snapshot.unit_of_work() as work,
        ):
            work.users.remove(ANNA)
            work.commit()
    assert addresses(live) == ["1@example.com", "2@example.com"]
    assert addresses(copy) == ["1@example.com"]


@pytest.mark.parametrize("size", [0, 100, 5000, 50_000])
def test_a_file_that_was_cut_off_is_refused(live: Path, tmp_path: Path, size: int) -> None:
    copy = tmp_path / "backup.db"
    with opened(f"sqlite:///{live}") as database:
        SqliteSnapshots(database).save(str(copy))
        cut = tmp_path / "cut.db"
        cut.write_bytes(copy.read_bytes()[:size] if size else b"no database, but some text" * 99)
        with pytest.raises(StoreUnfit), SqliteSnapshots(database).loaded(str(cut)):
            pytest.fail("it is not whole")
    assert addresses(live) == ["1@example.com"]


def test_other_databases_have_tools_of_their_own(
    postgresql: PostgresServer, tmp_path: Path
) -> None:
    url = postgresql.create_database()
    with opened(url) as database:
        with pytest.raises(StoreUnfit, match="pg_dump"):
            SqliteSnapshots(database).save(str(tmp_path / "backup"))
        with (
            pytest.raises(StoreUnfit, match="pg_restore"),
            SqliteSnapshots(database).loaded(str(tmp_path / "backup")),
        ):
            pytest.fail("this is for SQLite")
    postgresql.drop_database(url)
