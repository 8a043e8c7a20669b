"""The time of day."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time in UTC, to the microsecond."""
    return datetime.now(UTC)
