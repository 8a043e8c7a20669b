"""Proves that signing keys are listed, rotated and retired from a terminal and from a script."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import Result

from entrypoints.container import Container
from tests.entrypoints.cli.conftest import Run, refused
from tests.entrypoints.conftest import CHEAP, SettingsOf
from tests.entrypoints.tokens import published

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
KID = r"[A-Za-z0-9_-]{43}"
NOBODYS = "x" * 43
COMMANDS = [("keys", "list"), ("keys", "rotate"), ("keys", "retire", NOBODYS)]
EVERY_DATABASE = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


class Keys:
    """`basalt keys` on one database."""

    def __init__(self, run: Run, database: str) -> None:
        self.run, self.database = run, database

    def __call__(self, *words: str) -> Result:
        """Run a command, whatever comes of it."""
        own = {"DATABASE_URL": self.database, "SECRET_KEY": str(CHEAP["secret_key"])}
        return self.run("keys", *words, **own)

    def told(self, command: str, *words: str) -> dict[str, Any]:
        """Run a command that succeeds; return what programs are told."""
        finished = self(command, "--json", *words)
        assert (finished.exit_code, finished.stderr) == (0, ""), finished.output
        found: dict[str, Any] = json.loads(finished.stdout)
        return found

    def states(self) -> dict[str, str]:
        """Return what each key does, oldest first."""
        return {key["id"]: key["state"] for key in self.told("list")["data"]}


@pytest.fixture
def keys(run: Run, database: str) -> Keys:
    return Keys(run, database)


@pytest.fixture
def house(settings_of: SettingsOf) -> Iterator[Container]:
    """Open the same database beside the commands."""
    container = Container(settings=settings_of())
    yield container
    container.database().close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hurried key sign without the wait until every worker has seen it."""
    monkeypatch.setattr("application.keys.FOLLOWED_WITHIN", timedelta(0))


def moment(text: str) -> datetime:
    assert re.fullmatch(MOMENT, text)
    return datetime.fromisoformat(text)


@EVERY_DATABASE
def test_each_key_is_a_line_that_says_what_it_does(keys: Keys, at_once: None) -> None:
    before = keys("list")
    assert (before.exit_code, before.stderr) == (0, "")
    assert re.fullmatch(rf"{KID}  signing    since {MOMENT}\n", before.stdout)
    second, third = keys.told("rotate", "--now"), keys.told("rotate")
    oldest, signing, newest = keys("list").stdout.splitlines()
    assert oldest == before.stdout.rstrip().replace("signing  ", "verifying")
    assert signing == f"{second['id']}  signing    since {second['signs_from']}"
    assert newest == f"{third['id']}  next       since {third['signs_from']}"


@EVERY_DATABASE
def test_programs_are_told_of_every_key_as_of_any_list(keys: Keys) -> None:
    new = keys.told("rotate")
    found = keys.told("list")
    assert found.keys() == {"data", "next_cursor"}
    assert found["next_cursor"] is None
    for key in found["data"]:
        assert key.keys() == {"id", "state", "created_at", "signs_from"}
        assert moment(key["created_at"]) <= moment(key["signs_from"])
    assert [key["state"] for key in found["data"]] == ["signing", "next"]
    assert new == {name: found["data"][1][name] for name in ("id", "signs_from")}


def test_a_house_that_is_new_has_one_key_and_it_signs(run: Run) -> None:
    first, second = (json.loads(run("keys", "list", "--json").stdout)["data"] for _ in range(2))
    assert [key["state"] for key in first] == ["signing"]
    assert first == second


@EVERY_DATABASE
def test_a_rotation_publishes_the_key_now_and_signs_in_five_minutes(
    keys: Keys, house: Container
) -> None:
    (old,) = keys.states()
    finished = keys("rotate")
    assert (finished.exit_code, finished.stderr) == (0, "")
    said = re.fullmatch(rf"({KID}) signs from ({MOMENT}) on\.\n", finished.stdout)
    assert said
    assert keys.states() == {old: "signing", said[1]: "next"}
    assert published(house) == {old, said[1]}
    left = (moment(said[2]) - house.clock()()).total_seconds()
    assert 300 - 60 < left <= 300


def test_a_hurried_rotation_returns_when_the_new_key_signs(keys: Keys) -> None:
    (old,) = keys.states()
    new = keys.told("rotate", "--now")["id"]
    assert keys.states() == {old: "verifying", new: "signing"}
    made = keys.told("list")["data"][1]
    assert moment(made["signs_from"]) - moment(made["created_at"]) <= timedelta(seconds=5)


@EVERY_DATABASE
def test_a_key_that_does_not_sign_is_retired(keys: Keys, house: Container, at_once: None) -> None:
    (old,) = keys.states()
    signing, coming = keys.told("rotate", "--now")["id"], keys.told("rotate")["id"]
    finished = keys("retire", old)
    assert (finished.exit_code, finished.stdout) == (0, f"{old} is retired.\n")
    assert keys.told("retire", coming) == {"id": coming, "retired": True}
    assert keys.states() == {signing: "signing"}
    assert published(house) == {signing}


@EVERY_DATABASE
@pytest.mark.parametrize("others", [0, 1])
def test_the_key_that_signs_is_never_retired(keys: Keys, others: int) -> None:
    (signing,) = keys.states()
    for _ in range(others):
        keys.told("rotate")
    before = keys.states()
    (line,) = refused(keys("retire", signing), code=1)
    assert line == "basalt: This key signs now. Rotate the keys first, then retire it."
    assert envelope_of(keys("retire", "--json", signing)) == ("FORBIDDEN", {})
    assert keys.states() == before


@EVERY_DATABASE
@pytest.mark.parametrize("kid", [NOBODYS, "", " ", "é\u2028", "'; DROP TABLE signing_keys", "\x00"])
def test_a_key_that_nobody_has_is_not_retired(keys: Keys, kid: str) -> None:
    before = keys.states()
    assert refused(keys("retire", kid), code=1) == ["basalt: No such key."]
    assert envelope_of(keys("retire", "--json", kid)) == ("KEY_NOT_FOUND", {})
    assert keys.states() == before


def envelope_of(finished: Result) -> tuple[str, dict[str, str]]:
    """Return the code and the details of an error that programs are told."""
    assert (finished.exit_code, finished.stdout) == (1, "")
    ((name, error),) = json.loads(finished.stderr).items()
    assert (name, error.keys()) == ("error", {"code", "message", "details"})
    return error["code"], error["details"]


@pytest.mark.parametrize(
    "words", [[], ["retire"], ["retire", "a", "b"], ["rotate", "a"], ["list", "a"], ["nonsense"]]
)
def test_usage_errors_change_nothing(keys: Keys, words: list[str]) -> None:
    before = keys.states()
    assert keys(*words).exit_code == 2
    assert keys.states() == before


@pytest.mark.parametrize("words", COMMANDS)
def test_programs_are_told_that_the_database_is_not_there(run: Run, words: tuple[str, ...]) -> None:
    finished = run(*words, "--json", DATABASE_URL="postgresql://127.0.0.1:1/basalt")
    assert envelope_of(finished) == ("SERVICE_UNAVAILABLE", {})


@EVERY_DATABASE
@pytest.mark.parametrize("words", COMMANDS)
def test_keys_that_another_secret_sealed_are_left_alone(
    run: Run, keys: Keys, words: tuple[str, ...]
) -> None:
    before, secret = keys.states(), "Zm4Qw8Rt2Yp6Ls0Dk3Hf7Gj1Xc5Vb9N!"
    (line,) = refused(run(*words, DATABASE_URL=keys.database, SECRET_KEY=secret), code=1)
    assert "BASALT_SECRET_KEY" in line
    assert secret not in line
    assert keys.states() == before


def test_what_was_done_to_keys_stands_in_the_trail(keys: Keys, house: Container) -> None:
    coming = keys.told("rotate")["id"]
    keys("retire", coming)
    assert refused(keys("retire", coming), code=1) == ["basalt: No such key."]
    with house.reading()() as see:
        done = [(one.action, one.target_id) for one in see.audit.following(0, limit=10)]
    assert done == [("key.created", coming), ("key.retired", coming)]
