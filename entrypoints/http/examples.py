"""Examples in the OpenAPI document: one small world, the same in every operation."""

from typing import Any

from pydantic import ConfigDict

USER_ID = "019ab1f2-7c3e-7d10-8a55-3f0c1d2e4b6a"
ITEM_ID = "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5d"
SESSION_ID = "019ab1f2-9d00-7a31-9c2e-0b1a2c3d4e5f"
KEY_ID = "019ab1f4-2b11-7e02-8d4f-5c6b7a890123"
IDENTITY_ID = "019ab1f5-3c22-7f13-9e60-6d7c8b9a0134"
MOMENT = "2026-11-23T09:30:00.000000Z"
CURSOR = "fq9Vh2W0mO3rZb1cXl8TAAGasfME"

ITEM: dict[str, Any] = {
    "id": ITEM_ID,
    "owner_id": USER_ID,
    "title": "Lamp oil",
    "description": "For the long nights.",
    "tags": ["winter"],
    "attributes": {"colour": "amber"},
    "access": "owner",
    "version": 1,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}


def example(**fields: Any) -> ConfigDict:
    """Return what shows an example of an answer in the document."""
    return ConfigDict(from_attributes=True, json_schema_extra={"example": fields})
