"""Proves that waiting mail is listed, sent and tried again from a terminal and from a script."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from domain.access import Origin
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.entrypoints.cli.conftest import Run, refused

ADA = "ada@example.com"
KEYS = {"id", "topic", "to", "state", "attempts", "due_at", "cause", "created_at"}


@pytest.fixture
def house(tmp_path: Path, run: Run) -> Container:
    """The service on the folder in which commands run, with a recovery asked for in it."""
    assert run("migrate").exit_code == 0
    house = Container(settings=Settings(data_dir=tmp_path / "data"))
    house.prepare_keys()()
    house.request_recovery()(ADA, Origin())
    house.database().close()
    return house


def listed(run: Run) -> list[dict[str, Any]]:
    finished = run("outbox", "list", "--json")
    assert (finished.exit_code, finished.stderr) == (0, "")
    shape = json.loads(finished.stdout)
    assert shape.keys() == {"data", "next_cursor"}
    found: list[dict[str, Any]] = shape["data"]
    return found


def test_waiting_mail_is_listed(run: Run, house: Container) -> None:
    (mail,) = listed(run)
    assert mail.keys() == KEYS
    assert (mail["to"], mail["topic"], mail["state"]) == (ADA, "recovery", "waiting")
    assert mail["due_at"].endswith("Z")
    line = run("outbox", "list").stdout
    assert ADA in line
    assert mail["id"] in line


def test_an_empty_outbox_says_so(run: Run) -> None:
    assert run("outbox", "list").stdout == "Nothing is waiting.\n"
    assert listed(run) == []


def test_mail_that_was_given_up_is_made_due_all_of_it_or_some(run: Run, house: Container) -> None:
    (mail,) = listed(run)
    with house.unit_of_work()() as work:
        letter = work.outbox.lock_due(now=house.clock()())
        work.outbox.save(letter.failed("no such mailbox", now=house.clock()(), for_good=True))
        work.commit()
    house.database().close()
    (given_up,) = listed(run)
    assert (given_up["state"], given_up["due_at"]) == ("given_up", None)
    assert given_up["cause"] == "no such mailbox"
    other = "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5d"
    for named in ([other], [mail["id"], other]):
        (line,) = refused(run("outbox", "retry", *named), code=1)
        assert line.startswith("basalt: No such mail waits")
        assert "basalt outbox list" in line
    assert listed(run) == [given_up]
    assert json.loads(run("outbox", "retry", mail["id"], "--json").stdout) == {"due": 1}
    assert listed(run)[0]["state"] == "waiting"
    assert run("outbox", "retry").stdout == "1 mail is due now.\n"


def test_a_bad_id_is_refused(run: Run) -> None:
    assert run("outbox", "retry", "nonsense").exit_code == 2


def test_work_sends_what_is_due_and_ends_when_it_is_asked_to(
    run: Run, house: Container, tmp_path: Path
) -> None:
    house.register()(ADA, "an orchard of quiet lamps")
    house.database().close()
    folder = tmp_path / "data" / "mail"

    def end_when_done() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not list(folder.glob("*.eml")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    watcher = threading.Thread(target=end_when_done)
    watcher.start()
    finished = run("work")
    watcher.join()
    for each, handler in handlers.items():
        signal.signal(each, handler)
    assert finished.exit_code == 0
    assert len(list(folder.glob("*.eml"))) == 1
    assert listed(run) == []


def test_production_asks_for_a_mail_server_where_addresses_must_be_proved(run: Run) -> None:
    own = {
        "ENV": "production",
        "SECRET_KEY": "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A",
        "BASE_URL": "https://api.example.com",
        "REQUIRE_VERIFIED_EMAIL": "on",
        "ARGON2_MEMORY_KIB": "19456",
        "ARGON2_TIME": "2",
    }
    (line,) = refused(run("outbox", "list", **own), code=2)
    assert line.startswith("basalt: BASALT_SMTP_URL is required where")
    assert run("outbox", "list", **own, SMTP_URL="smtps://mail.example.com").exit_code == 0
