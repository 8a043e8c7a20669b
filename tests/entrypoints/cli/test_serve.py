"""Proves what is refused before anything is served; serving itself is tests/black_box's."""

import pytest

from tests.entrypoints.cli.conftest import Run, refused

OUTDATED = "adapters.persistence.schema.NEWEST"


def test_several_workers_need_postgresql(run: Run) -> None:
    (line,) = refused(run("serve", "--workers", "2"), code=2)
    assert "BASALT_DATABASE_URL=postgresql://" in line
    assert "--workers" in line


@pytest.mark.parametrize("kind", ["postgresql"])
def test_an_outdated_postgresql_is_refused_with_the_remedy(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OUTDATED, "9999")
    (line,) = refused(run("serve", DATABASE_URL=database), code=1)
    assert "basalt migrate" in line


@pytest.mark.parametrize("kind", ["postgresql"])
def test_other_commands_refuse_an_outdated_postgresql_too(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OUTDATED, "9999")
    words = ("users", "create", "ada@example.com", "--password-stdin")
    finished = run(*words, said="an orchard of quiet lamps", DATABASE_URL=database)
    (line,) = refused(finished, code=1)
    assert "basalt migrate" in line


def test_another_secret_than_the_keys_were_sealed_with_is_refused(run: Run, database: str) -> None:
    secret = "Zm4Qw8Rt2Yp6Ls0Dk3Hf7Gj1Xc5Vb9N!"
    (line,) = refused(run("serve", DATABASE_URL=database, SECRET_KEY=secret), code=1)
    assert "BASALT_SECRET_KEY" in line
    assert secret not in line
