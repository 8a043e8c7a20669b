"""Migrations and models say the same, and every step can be gone back and forth with data."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from adapters.persistence import schema
from adapters.persistence.database import Database
from adapters.persistence.schema import NEWEST, SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from application.ports.accounts import UserFilter
from application.ports.store import SchemaState
from domain.access import SessionId
from tests.adapters.persistence.test_audit_trail import entry
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    ITEM,
    LATER,
    NOW,
    SESSION,
    a_challenge,
    a_flow,
    a_key,
    a_letter,
    a_second_factor,
    a_session,
    a_token,
    a_user,
    an_identity,
    an_item,
    uuid,
)

MIGRATIONS = Path(schema.__file__).parent / "migrations"


@pytest.fixture
def full(database: Database) -> Store:
    """A store with something of everything."""
    store = SqlStore(database)
    fill(store)
    return store


def fill(store: Store) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user())
        work.sessions.add(a_session())
        work.items.add(an_item())
        work.keys.add(a_key())
        work.vault.put("a name", b"sealed")
        work.tallies.hold("a key", now=NOW)
        work.outbox.add(a_letter(user_id=ANNA))
        work.one_time_tokens.add(a_token())
        work.second_factors.put(a_second_factor(confirmed_at=NOW, spent_step=2**40))
        work.second_factors.put_codes(ANNA, [bytes([number]) * 32 for number in (255, 0, 128)])
        work.challenges.add(a_challenge())
        work.identities.add(an_identity())
        work.flows.add(a_flow())
        work.audit.append(entry(work.audit.lock_head().number + 1))
        work.commit()


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def go(database: Database, revision: str, *, down: bool = False) -> None:
    """Go to a revision."""
    config = configuration()
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)
        connection.commit()


def revisions() -> list[str]:
    """Return every step, the last one first."""
    scripts = ScriptDirectory.from_config(configuration()).walk_revisions()
    return [script.revision for script in scripts]


def tables(database: Database) -> set[str]:
    with database.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_the_steps_stand_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert scripts.get_heads() == [NEWEST]
    assert len(revisions()) == len(list((MIGRATIONS / "versions").glob("[0-9]*.py")))


def test_migrations_make_exactly_what_the_models_say(database: Database) -> None:
    # Alembic cannot tell that SQLite's empty default is the empty one that it made itself.
    defaults = not database.is_sqlite
    with database.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": defaults}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_constraints_have_the_names_that_errors_are_told_by(database: Database) -> None:
    with database.connect() as connection:
        found = inspect(connection)
        assert [each["name"] for each in found.get_unique_constraints("users")] == [
            "uq_users_email"
        ]
        for table, name in (
            ("sessions", "fk_sessions_user_id_users"),
            ("items", "fk_items_owner_id_users"),
        ):
            keys = {
                each["name"]: each["options"].get("ondelete")
                for each in found.get_foreign_keys(table)
            }
            assert keys == {name: "CASCADE"}


def test_every_step_can_be_taken_back_and_again_with_data_present(
    database: Database, full: Store
) -> None:
    for revision in revisions()[:-1]:
        go(database, f"{revision}-1" if revision != NEWEST else "-1", down=True)
        assert SqlSchema(database).state() is SchemaState.OUTDATED
        go(database, revision)
        go(database, "-1", down=True)
    go(database, "head")
    assert SqlSchema(database).state() is SchemaState.CURRENT
    with full.reading() as see:
        assert see.users.get(ANNA) == a_user()
        assert see.items.get(ITEM) == an_item()
        assert see.sessions.standing(SESSION)
        assert list(see.keys.all()) == [a_key()]
        assert list(see.users.matching(UserFilter(words="ANNA@"), after=None, limit=9)) == [
            a_user()
        ]


def test_whoever_was_signed_in_before_proofs_had_a_time_gave_theirs_then(
    database: Database, full: Store
) -> None:
    later = a_session(id=SessionId(uuid(12)), created_at=LATER, last_used_at=LATER, proved_at=NOW)
    with full.unit_of_work() as work:
        work.sessions.add(later)
        work.commit()
    go(database, "0004", down=True)
    go(database, "head")
    with full.reading() as see:
        found = {each.id: each.proved_at for each in see.sessions.of_user(ANNA)}
    assert found == {SESSION: NOW, later.id: LATER}


def test_all_steps_can_be_taken_back_and_again(database: Database, full: Store) -> None:
    go(database, "base", down=True)
    assert tables(database) == {"alembic_version"}
    assert SqlSchema(database).state() is SchemaState.EMPTY
    SqlSchema(database).migrate()
    assert SqlSchema(database).state() is SchemaState.CURRENT
    with full.reading() as see:
        assert see.users.get(ANNA) is None
    fill(full)
    with full.reading() as see:
        assert see.users.get(ANNA) == a_user()


def test_a_step_that_fails_leaves_nothing_behind(
    database: Database, full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    monkeypatch.setattr("alembic.op.drop_table", _fail)
    with pytest.raises(ZeroDivisionError):
        go(database, "base", down=True)
    with database.connect() as connection:
        after = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert after == before
    with full.reading() as see:
        assert see.users.get(ANNA) == a_user()


def _fail(*_: object) -> None:
    raise ZeroDivisionError
