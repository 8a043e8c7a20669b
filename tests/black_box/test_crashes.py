"""Proves that whatever was acknowledged is there after a crash, whole: a short `make crash`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.black_box.crashes import Crashes, Store, store_of

pytestmark = pytest.mark.black_box

ROUNDS = 3
SEED = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request.param, tmp_path) as store:
        yield store


@pytest.fixture
def crashes(store: Store, tmp_path: Path) -> Iterator[Crashes]:
    crashes = Crashes(tmp_path, store, SEED)
    yield crashes
    crashes.close()


def test_nothing_acknowledged_is_lost_or_half_done_however_often_all_is_killed(
    crashes: Crashes,
) -> None:
    for _ in range(ROUNDS):
        crashes.round()
    crashes.check_trail()
    assert crashes.figures.acknowledged > 10 * ROUNDS


FORGED = {
    "an item": "DELETE FROM items WHERE rowid = (SELECT min(rowid) FROM items)",
    "a word": "DELETE FROM item_terms",
    "a refresh": "UPDATE sessions SET counter = counter + 2",
}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED)
def test_the_loss_of_anything_is_seen(crashes: Crashes, tmp_path: Path, forgery: str) -> None:
    crashes.crash()
    with closing(sqlite3.connect(tmp_path / "data" / "basalt.db", isolation_level=None)) as file:
        file.execute("PRAGMA foreign_keys = ON")
        assert file.execute(forgery).rowcount > 0
    crashes.restart()
    with pytest.raises(AssertionError):
        crashes.check()
