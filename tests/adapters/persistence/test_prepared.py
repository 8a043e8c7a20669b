"""Prepared statements: text and values as the driver takes them, rows as they were meant."""

from datetime import UTC, datetime
from json import JSONDecodeError
from uuid import UUID

import pytest
from sqlalchemy import bindparam, create_engine, insert, literal, select

from adapters.persistence.prepared import Prepared
from adapters.persistence.tables import ItemRow, SessionRow, UserRow, table

USERS = table(UserRow)
SESSIONS = table(SessionRow)
ITEMS = table(ItemRow)
SQLITE = create_engine("sqlite://").dialect
POSTGRESQL = create_engine("postgresql+psycopg://").dialect
ID = UUID(int=7)


def test_values_are_converted_once_however_often_they_are_named() -> None:
    twice = select(SESSIONS.c.id).where(
        SESSIONS.c.user_id == bindparam("user", type_=USERS.c.id.type),
        SESSIONS.c.id != bindparam("user", type_=USERS.c.id.type),
    )
    written = Prepared(twice).on(SQLITE, {"user": ID})
    assert written.values({"user": ID}) == [ID.hex, ID.hex]


def test_what_the_statement_says_itself_is_among_the_values() -> None:
    fixed = select(literal("said").label("word")).where(USERS.c.id == bindparam("id"))
    written = Prepared(fixed).on(SQLITE, {"id": ID})
    assert written.values({"id": ID}) == ["said", ID.hex]


def test_rows_have_names_and_types() -> None:
    columns = select(USERS.c.id, USERS.c.email, USERS.c.created_at)
    found = [(ID.hex, "ada@example.com", "2026-01-02 03:04:05.000000")]
    (row,) = Prepared(columns).on(SQLITE, {}).rows(found)
    assert (row.id, row.email) == (ID, "ada@example.com")
    assert row.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_postgresql_takes_values_by_name_and_converts_ids_itself() -> None:
    written = Prepared(select(USERS.c.id).where(USERS.c.id == bindparam("id"))).on(
        POSTGRESQL, {"id": ID}
    )
    assert "%(id)s" in written.text
    assert written.values({"id": ID}) == {"id": ID}


def test_a_function_writes_it_in_each_databases_own_words() -> None:
    upsert = Prepared(lambda dialect: dialect.insert(USERS).on_conflict_do_nothing())
    assert "ON CONFLICT DO NOTHING" in upsert.on(SQLITE, {"id": ID}).text
    assert "%(id)s" in upsert.on(POSTGRESQL, {"id": ID}).text


def test_other_columns_are_another_text() -> None:
    statement = Prepared(insert(USERS))
    short, long = statement.on(SQLITE, {"id": ID}), statement.on(SQLITE, {"id": ID, "email": ""})
    assert short.text != long.text
    assert statement.on(SQLITE, {"id": UUID(int=8)}) is short


def test_a_statement_whose_text_depends_on_its_values_is_refused() -> None:
    listed = select(USERS.c.id).where(USERS.c.id.in_(bindparam("ids", expanding=True)))
    with pytest.raises(TypeError, match="cannot be prepared"):
        Prepared(listed).on(SQLITE, {"ids": [ID]})


def test_a_parameter_that_is_forgotten_is_not_taken_for_null() -> None:
    named = Prepared(select(USERS.c.id).where(USERS.c.id == bindparam("id")))
    with pytest.raises(TypeError, match="needs id"):
        named.on(SQLITE, {})


@pytest.mark.parametrize("written", ["", " {}", "nul", '{"a":}'])
def test_json_that_is_none_ends_no_column(written: str) -> None:
    attributes = Prepared(select(ITEMS.c.attributes)).on(SQLITE, {})
    with pytest.raises(JSONDecodeError):
        attributes.rows([("{}",), (written,), ("{}",)])
