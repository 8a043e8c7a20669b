"""Errors over HTTP: one table from families to statuses, one envelope, one place that writes it.

This is the only module that knows both a domain error and a number. `CATALOGUE` is closed: a
code that is not in it never leaves the service.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, routing
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from domain import errors as domain
from domain.errors import (
    BasaltError,
    BatchFailed,
    InsufficientScope,
    InvalidIdentity,
    InvalidValue,
    Unavailable,
    Waitable,
)
from entrypoints.envelope import envelope
from entrypoints.http.exchange import exchange_of
from entrypoints.http.violations import violations

log = logging.getLogger("basalt.http")


class HttpError(BasaltError):
    """A request that never reached a use case."""


class MalformedRequest(HttpError):
    """The body, or a parameter of a form, cannot be parsed."""

    code = "MALFORMED_REQUEST"
    message = "The request cannot be parsed."


class UnsupportedGrantType(HttpError):
    """The token endpoint does not know this grant (RFC 6749 §5.2)."""

    code = "UNSUPPORTED_GRANT_TYPE"
    message = "This grant type is not supported."


class RouteNotFound(HttpError):
    """No route has this path."""

    code = "NOT_FOUND"
    message = "There is nothing at this path."


class MethodNotAllowed(HttpError):
    """The path is there, and this method is not one of its own (RFC 9110 §15.5.6)."""

    code = "METHOD_NOT_ALLOWED"
    message = "This path does not take this method."

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        super().__init__()
        self.allowed = allowed


class PayloadTooLarge(HttpError):
    """The body is larger than BASALT_MAX_BODY_BYTES."""

    code = "PAYLOAD_TOO_LARGE"
    message = "The body is too large."


class UnsupportedMediaType(HttpError):
    """The body is of a type, or in an encoding, that this operation does not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "This operation does not read bodies of this type or encoding."


class ValidationFailed(HttpError):
    """Values of the request break rules; the list says which, and never repeats them."""

    code = "VALIDATION_ERROR"
    message = InvalidValue.message

    def __init__(self, found: Sequence[Mapping[str, str]]) -> None:
        super().__init__()
        self._found = found

    @property
    def details(self) -> Mapping[str, object]:
        """Every rule that is broken, and where."""
        return {"errors": list(self._found)}


class InternalError(HttpError):
    """A bug of ours; the trace is in the log, under the request's id."""

    code = "INTERNAL_ERROR"
    message = "Something went wrong on our side."

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self._request_id = request_id

    @property
    def details(self) -> Mapping[str, object]:
        """The id to quote when asking for help."""
        return {"request_id": self._request_id}


STATUSES: dict[type[BasaltError], int] = {
    domain.Misused: 400,
    MalformedRequest: 400,
    UnsupportedGrantType: 400,
    domain.NotAuthenticated: 401,
    domain.Refused: 403,
    domain.NotFound: 404,
    RouteNotFound: 404,
    MethodNotAllowed: 405,
    domain.Conflict: 409,
    domain.Gone: 410,
    domain.PreconditionFailed: 412,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    domain.Invalid: 422,
    ValidationFailed: 422,
    domain.TooManyAttempts: 429,
    InternalError: 500,
    domain.Unavailable: 503,
}
"""The status of each family; the nearest ancestor in the table decides."""


def status_of(error: type[BasaltError]) -> int:
    """Return the status of an error."""
    return next(STATUSES[family] for family in error.__mro__ if family in STATUSES)


def _coded(family: type[BasaltError]) -> set[type[BasaltError]]:
    own = {family} if "code" in vars(family) else set()
    return own.union(*(_coded(kind) for kind in family.__subclasses__()))


CATALOGUE: dict[str, int] = {error.code: status_of(error) for error in _coded(BasaltError)}
"""Every code that a client can meet, with its status."""


class ErrorContent(BaseModel):
    """What went wrong: a stable code, a sentence, and what a client can act on."""

    code: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)


class ErrorBody(BaseModel):
    """The body of every answer of 400 and above."""

    error: ErrorContent


_SCHEMA = "#/components/schemas/{model}"
_ERROR = _SCHEMA.format(model=ErrorBody.__name__)


def answer(error: BasaltError) -> JSONResponse:
    """Return the one envelope for an error, with the headers that its status asks for."""
    return JSONResponse(envelope(error), status_of(type(error)), headers=_headers(error))


def _headers(error: BasaltError) -> dict[str, str]:
    match error:
        case domain.BadBearer():
            return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        case domain.NotAuthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case InsufficientScope():
            needed = " ".join(error.needed)
            return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'}
        case MethodNotAllowed():
            return {"Allow": ", ".join(error.allowed)}
        case Waitable():
            return {"Retry-After": str(error.retry_after)}
        case _:
            return {}


def documented(*errors: type[BasaltError]) -> dict[int | str, dict[str, Any]]:
    """Return these errors as OpenAPI responses: for each status its codes, each with an example.

    They refer to `error_schemas`; given the model, the framework would build it anew for each.
    """
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in sorted(errors, key=lambda error: (status_of(error), error.code)):
        entry = by_status.setdefault(
            status_of(error),
            {"description": "", "content": {"application/json": {"schema": {"$ref": _ERROR}}}},
        )
        examples = entry["content"]["application/json"].setdefault("examples", {})
        content = {"code": error.code, "message": error.message, "details": error.shown_details}
        examples[error.code] = {"value": {"error": content}}
        entry["description"] = " or ".join(examples)
    return by_status


def error_schemas() -> dict[str, Any]:
    """Return the schemas of an error's body, by their names in an OpenAPI document."""
    body = ErrorBody.model_json_schema(ref_template=_SCHEMA)
    schemas: dict[str, Any] = body.pop("$defs")
    return schemas | {ErrorBody.__name__: body}


def told(error: BasaltError) -> BasaltError:
    """Return an error as clients are told of it: fields of the domain are fields of the body."""
    if not isinstance(error, InvalidValue):
        return error
    field = f"body.{error.field}" if error.field else "body"
    return ValidationFailed([{"field": field, "code": error.reason, "message": error.explanation}])


def register_error_handlers(app: FastAPI) -> None:
    """Answer every error of the application with the envelope."""

    async def rule_broken(request: Request, error: BasaltError) -> JSONResponse:
        if isinstance(error, Unavailable | InvalidIdentity) and error.cause:
            known_by = exchange_of(request).origin.request_id
            event = "unavailable" if isinstance(error, Unavailable) else "identity refused"
            log.warning(event, extra={"cause": error.cause, "request_id": known_by})
        return answer(error)

    async def value_broken(_: Request, error: InvalidValue) -> JSONResponse:
        return answer(told(error))

    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(ValidationFailed(violations(error.errors())))

    async def unrouted(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == STATUSES[MethodNotAllowed]:
            return answer(MethodNotAllowed(allowed_methods(app, request.scope)))
        if error.status_code == STATUSES[RouteNotFound]:
            return answer(RouteNotFound())
        if error.status_code == STATUSES[MalformedRequest]:
            return answer(MalformedRequest())
        raise error  # it is no way to refuse: what can go wrong has a class and a code

    async def batch_failed(_: Request, error: BatchFailed) -> JSONResponse:
        results = [
            {"index": place, "status": status_of(type(failure)), **envelope(told(failure))}
            for place, failure in sorted(error.failures.items())
        ]
        content = envelope(error)
        content["error"]["details"] = {"results": results}
        return JSONResponse(content, status_of(BatchFailed))

    handlers: dict[type[Exception], Any] = {
        BasaltError: rule_broken,
        InvalidValue: value_broken,
        BatchFailed: batch_failed,
        RequestValidationError: invalid,
        HTTPException: unrouted,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    """Return every method that some route takes at this path, HEAD with every GET."""
    allowed: set[str] = set()
    for candidate in routing.iter_route_contexts(app.router.routes):
        pattern = getattr(candidate, "path_regex", None)
        if pattern is not None and pattern.match(scope["path"]):
            allowed |= set(candidate.methods or ())
    if "GET" in allowed:
        allowed.add("HEAD")
    return sorted(allowed)
