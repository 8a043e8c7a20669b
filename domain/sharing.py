"""Sharing: what an owner grants another user on one item."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.access import UserId
from domain.item import Access, ItemId


class GrantRole(StrEnum):
    """What a grantee may do."""

    VIEWER = "viewer"
    EDITOR = "editor"

    @property
    def access(self) -> Access:
        """What a grantee with this role is to the item."""
        return Access(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One user's access to one item of another."""

    item_id: ItemId
    user_id: UserId
    role: GrantRole
    created_at: datetime

    def changed_to(self, role: GrantRole) -> Self:
        """Return the grant with another role; the same grant if it is the same role."""
        return self if role is self.role else replace(self, role=role)
