"""Proves that the audit trail can be verified from a terminal and from a script."""

import json

import pytest
from typer.testing import Result

from tests.entrypoints.cli.conftest import Run
from tests.entrypoints.cli.tampering import rewrite
from tests.entrypoints.conftest import SettingsOf

PASSWORD = "an orchard of quiet lamps"
SECRET = "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A"
WRITTEN = 3


@pytest.fixture
def audit(run: Run, database: str) -> "Audit":
    audit = Audit(run, database)
    for number in range(WRITTEN):
        words = ("users", "create", f"{number}@example.com", "--password-stdin")
        finished = run(*words, said=PASSWORD, DATABASE_URL=database, SECRET_KEY=SECRET)
        assert finished.exit_code == 0
    return audit


class Audit:
    """`basalt audit verify` on one database."""

    def __init__(self, run: Run, database: str) -> None:
        self.run, self.database = run, database

    def verify(self, *words: str) -> Result:
        own = {"DATABASE_URL": self.database, "SECRET_KEY": SECRET}
        return self.run("audit", "verify", *words, **own)

    def head(self) -> str:
        head: str = json.loads(self.verify("--json").stdout)["head"]
        return head


EVERY_DATABASE = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@EVERY_DATABASE
def test_a_trail_that_is_whole_is_said_to_be(audit: Audit) -> None:
    finished = audit.verify()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert finished.stdout.startswith(f"{WRITTEN} entries are as they were written")
    assert f"{WRITTEN}:" in finished.stdout


def test_programs_are_told_the_same(audit: Audit) -> None:
    finished = audit.verify("--json")
    found = json.loads(finished.stdout)
    head = found.pop("head")
    assert found == {"entries": WRITTEN, "erased": 0, "damage": None, "damaged": None}
    number, _, mac = head.partition(":")
    assert (number, len(bytes.fromhex(mac))) == (str(WRITTEN), 32)


@EVERY_DATABASE
def test_a_changed_entry_is_named_and_the_command_fails(
    audit: Audit, settings_of: SettingsOf
) -> None:
    rewrite(settings_of(), "UPDATE audit_entries SET result = 'failure' WHERE number = 2")
    finished = audit.verify()
    assert finished.exit_code == 1
    assert "Entry 2: " in finished.stdout + finished.stderr
    finished = audit.verify("--json")
    assert finished.exit_code == 1
    found = json.loads(finished.stdout)
    assert (found["entries"], found["damaged"]) == (1, 2)
    assert found["damage"]


@EVERY_DATABASE
def test_a_tail_that_was_cut_off_is_found_with_the_noted_head_only(
    audit: Audit, settings_of: SettingsOf
) -> None:
    head = audit.head()
    assert audit.verify("--head", head).exit_code == 0
    rewrite(settings_of(), "DELETE FROM audit_personal WHERE number = 3")
    assert json.loads(audit.verify("--json").stdout)["erased"] == 1
    rewrite(settings_of(), "DELETE FROM audit_entries WHERE number = 3")
    assert audit.verify().exit_code == 0
    finished = audit.verify("--head", head, "--json")
    assert finished.exit_code == 1
    assert json.loads(finished.stdout)["damaged"] == 3


@pytest.mark.parametrize("head", ["", "x", "3", "3:xyz", ":", "-1:00", "1:"])
def test_a_head_that_is_none_is_refused(audit: Audit, head: str) -> None:
    finished = audit.verify(f"--head={head}")
    assert finished.exit_code == 2
    assert "Traceback" not in finished.output
