"""Places in lists."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sort key and the id of its last entry."""

    key: datetime | str
    id: UUID
