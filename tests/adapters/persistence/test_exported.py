"""Every table of users' things is in their export, or it is said here why it is not."""

from collections.abc import Mapping

from sqlalchemy import Table
from sqlmodel import SQLModel

from application.exporting import Part

EXPORTED: Mapping[str, Part] = {
    "challenges": Part.WAITING_SIGN_INS,
    "grants": Part.GRANTS_GIVEN,
    "identities": Part.IDENTITIES,
    "items": Part.ITEMS,
    "machine_keys": Part.KEYS,
    "one_time_tokens": Part.LINKS,
    "outbox": Part.MAILS,
    "sessions": Part.SESSIONS,
}
NOT_EXPORTED: Mapping[str, str] = {
    "changes": "made from the items and grants",
    "feeds": "how many changes there were",
    "item_terms": "made from the items, for searches",
    "recovery_codes": "secrets; how many are left stands beside the account",
    "replays": "answers that were given already, kept for a day",
    "second_factors": "a secret; that there is one stands beside the account",
}
OF_ANOTHER_TABLE = {Part.GRANTS_RECEIVED, Part.ACTIVITY}
"""Grants once more, seen from the other side, and the audit trail, which outlives its user."""


def hangs_on_users(table: Table) -> bool:
    """Whether it refers to users, perhaps by way of something that is theirs."""
    referred = {key.column.table for key in table.foreign_keys} - {table}
    return any(other.name == "users" or hangs_on_users(other) for other in referred)


def test_every_table_of_users_things_is_in_their_export_or_said_not_to_be() -> None:
    tables = {each.name for each in SQLModel.metadata.sorted_tables if hangs_on_users(each)}
    assert tables == EXPORTED.keys() | NOT_EXPORTED.keys(), "add a Part, or a reason"
    assert not EXPORTED.keys() & NOT_EXPORTED.keys()


def test_every_part_of_an_export_is_of_some_table() -> None:
    assert set(Part) == {*EXPORTED.values(), *OF_ANOTHER_TABLE}
