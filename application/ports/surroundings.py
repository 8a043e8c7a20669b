"""The little things that a use case needs of the world around it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

Clock = Callable[[], datetime]
"""Returns the time in UTC, to the microsecond."""


Ids = Callable[[], UUID]
"""Returns a new id: ordered by time, with at least 62 bits that nobody can guess."""


Randomness = Callable[[int], bytes]
"""Returns that many bytes that nobody can guess."""
