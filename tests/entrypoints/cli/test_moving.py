"""Proves that the store is backed up, restored and copied from a terminal and from a script."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Run, refused
from tests.postgresql import PostgresServer

SECRET = {"SECRET_KEY": "one secret for both sides, long enough"}
OTHER = {"SECRET_KEY": "another secret, which opens nothing of it"}
PASSWORD = "an orchard of quiet lamps\n"


@pytest.fixture
def ada(run: Run) -> None:
    """A SQLite database with Ada in it."""
    made = run("users", "create", "ada@example.com", "--password-stdin", said=PASSWORD, **SECRET)
    assert made.exit_code == 0, made.output


@pytest.fixture
def elsewhere(postgresql: PostgresServer) -> Iterator[str]:
    """The address of an empty database."""
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


def addresses(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM users ORDER BY email")]


def test_a_backup_says_what_else_is_needed(run: Run, ada: None, tmp_path: Path) -> None:
    finished = run("backup", str(tmp_path / "one.db"), **SECRET)
    assert finished.exit_code == 0
    assert "everything that was committed" in finished.stdout
    assert "BASALT_SECRET_KEY" in finished.stdout
    assert addresses(tmp_path / "one.db") == ["ada@example.com"]


def test_programs_are_told_the_file_and_its_size(run: Run, ada: None, tmp_path: Path) -> None:
    file = tmp_path / "one.db"
    finished = run("backup", "--json", str(file), **SECRET)
    assert json.loads(finished.stdout) == {"file": str(file), "bytes": file.stat().st_size}


def test_a_second_backup_does_not_replace_the_first(run: Run, ada: None, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "one.db"), **SECRET).exit_code == 0
    (line,) = refused(run("backup", str(tmp_path / "one.db"), **SECRET), code=1)
    assert "is there already" in line


def test_what_is_restored_is_what_was_backed_up(run: Run, ada: None, tmp_path: Path) -> None:
    file, live = tmp_path / "one.db", tmp_path / "data" / "basalt.db"
    run("backup", str(file), **SECRET)
    run("users", "create", "bob@example.com", "--password-stdin", said=PASSWORD, **SECRET)
    assert addresses(live) == ["ada@example.com", "bob@example.com"]
    finished = run("restore", "--yes", "--json", str(file), **SECRET)
    assert json.loads(finished.stdout) == {"file": str(file), "sessions_ended": 0}
    assert addresses(live) == ["ada@example.com"]
    verified = run("audit", "verify", "--json", **SECRET)
    assert (verified.exit_code, json.loads(verified.stdout)["damage"]) == (0, None)


def test_links_in_mails_and_flows_of_before_a_backup_do_not_work_after_it_is_restored(
    run: Run, ada: None, tmp_path: Path
) -> None:
    """One that was used since would be good again."""
    database, file = tmp_path / "data" / "basalt.db", tmp_path / "one.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO one_time_tokens (id, user_id, topic, address, seed, expires_at) "
            "SELECT id, id, 'recovery', email, x'00', created_at FROM users"
        )
        connection.execute(
            "INSERT INTO flows (digest, provider, redirect_uri, expires_at) "
            "SELECT x'00', 'google', 'https://app.example.com/', created_at FROM users"
        )
    assert run("backup", str(file), **SECRET).exit_code == 0
    assert run("restore", "--yes", str(file), **SECRET).exit_code == 0
    with closing(sqlite3.connect(database)) as connection:
        for table in ("one_time_tokens", "flows"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608


def test_codes_of_before_a_backup_do_not_work_after_it_is_restored(
    run: Run, ada: None, tmp_path: Path
) -> None:
    """Those that were used since would be good again, and so would sign-ins that wait for one."""
    database, file = tmp_path / "data" / "basalt.db", tmp_path / "one.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO second_factors (user_id, sealed, confirmed_at, spent_step) "
            "SELECT id, x'00', created_at, 1 FROM users"
        )
        connection.execute("INSERT INTO recovery_codes (user_id, digest) SELECT id, id FROM users")
        connection.execute(
            "INSERT INTO challenges (digest, user_id, scope, account_at, guesses, begun_at) "
            "SELECT id, id, '', created_at, 0, created_at FROM users"
        )
    assert run("backup", str(file), **SECRET).exit_code == 0
    assert run("restore", "--yes", str(file), **SECRET).exit_code == 0
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM recovery_codes").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM challenges").fetchone() == (0,)
        (ahead,) = connection.execute(
            "SELECT spent_step - strftime('%s', 'now') / 30 FROM second_factors"
        ).fetchone()
    assert ahead in {0, 1}  # no app shows a later code yet


def test_restoring_needs_no_database(run: Run, ada: None, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "one.db"), **SECRET)
    for file in (tmp_path / "data").iterdir():
        file.unlink()
    assert run("restore", "--yes", str(tmp_path / "one.db"), **SECRET).exit_code == 0
    assert addresses(tmp_path / "data" / "basalt.db") == ["ada@example.com"]


def test_restoring_is_asked_for_twice(run: Run, ada: None, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "one.db"), **SECRET)
    finished = run("restore", str(tmp_path / "one.db"), **SECRET)
    assert finished.exit_code == 2
    assert "--yes" in finished.stderr


def test_a_backup_without_its_secret_changes_nothing(run: Run, ada: None, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "one.db"), **SECRET)
    live = tmp_path / "data" / "basalt.db"
    before = live.read_bytes()
    (line,) = refused(run("restore", "--yes", str(tmp_path / "one.db"), **OTHER), code=1)
    assert "another secret" in line
    assert live.read_bytes() == before


def test_another_instances_backup_does_not_replace_ours(
    run: Run, ada: None, tmp_path: Path
) -> None:
    theirs = SECRET | {"DATA_DIR": str(tmp_path / "theirs")}
    run("users", "create", "eve@example.com", "--password-stdin", said=PASSWORD, **theirs)
    run("backup", str(tmp_path / "theirs.db"), **theirs)
    (line,) = refused(run("restore", "--yes", str(tmp_path / "theirs.db"), **SECRET), code=1)
    assert "another instance" in line
    assert addresses(tmp_path / "data" / "basalt.db") == ["ada@example.com"]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\0" * 5000])
def test_what_is_no_backup_is_refused(run: Run, ada: None, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.db").write_bytes(content)
    assert refused(run("restore", "--yes", str(tmp_path / "odd.db"), **SECRET), code=1)
    assert addresses(tmp_path / "data" / "basalt.db") == ["ada@example.com"]


def test_a_file_that_is_not_there_is_named(run: Run, ada: None, tmp_path: Path) -> None:
    for yes in (["--yes"], []):
        (line,) = refused(run("restore", *yes, str(tmp_path / "none.db"), **SECRET), code=1)
        assert "none.db" in line
    (line,) = refused(run("backup", str(tmp_path / "no" / "one.db"), **SECRET), code=1)
    assert "no folder" in line


def test_a_copy_lists_every_table_with_its_checksum(run: Run, ada: None, elsewhere: str) -> None:
    finished = run("copy", "--to", elsewhere, "--json", **SECRET)
    assert finished.exit_code == 0, finished.output
    rows = {each["table"]: each["rows"] for each in json.loads(finished.stdout)["data"]}
    assert (rows["users"], rows["signing_keys"], rows["items"]) == (1, 1, 0)
    assert all(len(each["sha256"]) == 64 for each in json.loads(finished.stdout)["data"])
    again = run("copy", "--to", elsewhere, **SECRET)
    assert again.exit_code == 0
    assert "Both sides are the same." in again.stdout
    there = {"DATABASE_URL": elsewhere, **SECRET}
    verified = run("audit", "verify", "--json", **there)
    assert (verified.exit_code, json.loads(verified.stdout)["damage"]) == (0, None)


def test_what_was_copied_and_then_used_is_not_copied_over(
    run: Run, ada: None, elsewhere: str
) -> None:
    assert run("copy", "--to", elsewhere, **SECRET).exit_code == 0
    there = {"DATABASE_URL": elsewhere, **SECRET}
    run("users", "create", "bob@example.com", "--password-stdin", said=PASSWORD, **there)
    finished = run("copy", "--to", elsewhere, "--json", **SECRET)
    assert finished.exit_code == 1
    assert "worked on already" in json.loads(finished.stderr)["error"]["message"]
    taken = run("users", "create", "bob@example.com", "--password-stdin", said=PASSWORD, **there)
    assert "exists" in taken.stderr


def test_where_no_database_is_nothing_is_backed_up_or_copied(
    run: Run, tmp_path: Path, elsewhere: str
) -> None:
    (line,) = refused(run("backup", str(tmp_path / "one.db"), **SECRET), code=1)
    assert "nothing to back up" in line
    (line,) = refused(run("copy", "--to", elsewhere, **SECRET), code=1)
    assert "nothing to copy" in line
    assert not (tmp_path / "one.db").exists()
    assert not (tmp_path / "data" / "basalt.db").exists()


def test_a_damaged_database_is_to_be_moved_away_before_one_is_restored(
    run: Run, ada: None, tmp_path: Path
) -> None:
    run("backup", str(tmp_path / "one.db"), **SECRET)
    live = tmp_path / "data" / "basalt.db"
    live.write_bytes(b"no database any more" * 1000)
    (line,) = refused(run("restore", "--yes", str(tmp_path / "one.db"), **SECRET), code=1)
    assert "move its file away" in line
    for file in live.parent.glob("basalt.db*"):
        file.unlink()
    assert run("restore", "--yes", str(tmp_path / "one.db"), **SECRET).exit_code == 0


def test_the_database_is_its_owners_alone_also_in_a_folder_that_is_everybodys(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    own = SECRET | {"DATA_DIR": str(folder)}
    run("users", "create", "ada@example.com", "--password-stdin", said=PASSWORD, **own)
    assert {file.name: file.stat().st_mode & 0o077 for file in folder.iterdir()} == dict.fromkeys(
        ("basalt.db", "basalt.db.lock"), 0
    )


@pytest.mark.parametrize(
    ("address", "word"), [("mysql://x/y", "address"), ("sqlite:///other.db", "postgresql")]
)
def test_a_copy_goes_to_postgresql_only(run: Run, ada: None, address: str, word: str) -> None:
    (line,) = refused(run("copy", "--to", address, **SECRET), code=1)
    assert word in line


def test_a_copy_to_another_sqlite_file_makes_neither_it_nor_its_folder(
    run: Run, ada: None, tmp_path: Path
) -> None:
    refused(run("copy", "--to", f"sqlite:///{tmp_path / 'new' / 'other.db'}", **SECRET), code=1)
    assert not (tmp_path / "new").exists()
