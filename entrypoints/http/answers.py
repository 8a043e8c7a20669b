"""Which errors an operation can answer with, in groups that its OpenAPI lists."""

from typing import Any

from domain.errors import (
    BasaltError,
    Forbidden,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InsufficientScope,
    InvalidToken,
    TokenExpired,
    TokenRevoked,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from entrypoints.http.errors import (
    InternalError,
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    documented,
)

Errors = type[BasaltError]

EVERYWHERE: tuple[Errors, ...] = (
    InternalError,
    PayloadTooLarge,
    TooManyAttempts,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
"""A request can be unwelcome, or the service unable, wherever it goes."""

WITH_BODY: tuple[Errors, ...] = (MalformedRequest,)
"""A body may be something else than was said."""

WITH_CALLER: tuple[Errors, ...] = (
    InsufficientScope,
    InvalidToken,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
)
"""A caller has to prove who they are, and may be allowed too little."""


REPEATABLE: tuple[Errors, ...] = (IdempotencyInProgress, IdempotencyKeyReused)
"""An idempotency key may be at work still, or may have come with another request."""


def public(*errors: Errors, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of an operation that anybody may call."""
    return documented(*EVERYWHERE, *(WITH_BODY if body else ()), *errors)


def private(*errors: Errors, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of an operation that needs a caller."""
    return public(*WITH_CALLER, *errors, body=body)


def personal(*errors: Errors, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of an operation that needs the user in person, and no machine."""
    return private(Forbidden, *errors, body=body)
