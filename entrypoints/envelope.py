"""The one shape of an error, whichever door it leaves by."""

from typing import Any

from domain.errors import BasaltError


def envelope(error: BasaltError) -> dict[str, Any]:
    """Return an error as clients see it."""
    content = {"code": error.code, "message": error.message, "details": dict(error.details)}
    return {"error": content}
