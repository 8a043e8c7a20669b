"""Items as rows of their table, one way and the other."""

from typing import Any

from adapters.persistence.tables import ItemRow, table
from domain.item import Item

ITEM_COLUMNS = tuple(column for column in table(ItemRow).c if column.name != "title_key")
"""What of its table says an item; by the rest it is only put in order."""


def item_of(row: Any) -> Item:
    """Return the item that a row says."""
    return Item(
        id=row.id,
        owner_id=row.owner_id,
        title=row.title,
        description=row.description,
        tags=tuple(row.tags),
        attributes=row.attributes,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def values_of(item: Item) -> dict[str, object]:
    """Return the row that says an item."""
    return {
        "id": item.id,
        "owner_id": item.owner_id,
        "title": item.title,
        "description": item.description,
        "tags": list(item.tags),
        "attributes": item.attributes,
        "version": item.version,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "title_key": item.title_key,
    }


def terms_of(item: Item) -> set[str]:
    """Return what the item is found by: its words, and its tags with a hash in front."""
    return {*item.words, *(tag_term(tag) for tag in item.tags)}


def tag_term(tag: str) -> str:
    """Return the term of a tag; no word begins with a hash."""
    return f"#{tag}"
