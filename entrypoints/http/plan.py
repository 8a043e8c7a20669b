"""How a route answers a request, worked out once, with its first one.

The framework walks through all that a route depends on for every request, inside of two stacks for
what has to be closed after it: a third of the time that reading an item took. A plan awaits the
same dependencies in the same order, and lets the same fields and models check what was sent. A
route that asks for more than a plan knows is left to the framework.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

from fastapi import Response, params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import EndpointContext, RequestValidationError
from fastapi.routing import APIRoute, serialize_response
from fastapi.security import SecurityScopes
from fastapi.utils import is_body_allowed_for_status_code

from entrypoints.http.request import StrictRequest
from entrypoints.http.whole import Whole, has_one_name, is_model, is_whole, takes_many

_Need: TypeAlias = Callable[[StrictRequest], Awaitable[Any]]
_Check: TypeAlias = Callable[[StrictRequest], tuple[Any, Sequence[Any]]]
"""Returns a value of a request, and what is wrong with it."""

_OK, _NO_CONTENT = 200, 204

_ENDPOINTS_ASK_FOR = frozenset(
    {
        "body_params",
        "call",
        "dependencies",
        "path",
        "path_params",
        "query_params",
        "request_param_name",
        "response_param_name",
        "scope",
    }
)
_DEPENDENCIES_ASK_FOR = frozenset(
    {
        "call",
        "name",
        "own_oauth_scopes",
        "parent_oauth_scopes",  # none, for its parent is the endpoint
        "path",
        "request_param_name",
        "security_scopes_param_name",
        "use_cache",
    }
)
_USUAL_ANSWER: Mapping[str, Any] = {
    "response_model_include": None,
    "response_model_exclude": None,
    "response_model_by_alias": True,
    "response_model_exclude_unset": False,
    "response_model_exclude_defaults": False,
    "response_model_exclude_none": False,
    "dependency_overrides_provider": None,
    "max_body_size": None,
}


class Plan:
    """What a route does for each request: dependencies, checks, its endpoint, the answer."""

    def __init__(self, route: APIRoute) -> None:
        asked = route.dependant
        self._needs = [(needed.name, _need(needed)) for needed in asked.dependencies]
        declared = (*asked.path_params, *asked.query_params, *asked.body_params)
        self._checks = [(field.name, _check(field)) for field in declared]
        self._request_name = asked.request_param_name
        self._response_name = asked.response_param_name
        self._endpoint: Any = asked.call
        self._content = route.response_field
        otherwise: Any = route.response_class  # the framework's default, as `_is_known` has seen
        self._otherwise: type[Response] = otherwise.value
        self._status = route.status_code or _OK
        self._known_as = _context(route)

    @classmethod
    def of(cls, route: APIRoute) -> "Plan | None":
        """Return the plan of a route, or None if it asks for something that no plan knows."""
        return cls(route) if _is_known(route) else None

    async def __call__(self, request: StrictRequest) -> Response:
        """Answer a request. Raises RequestValidationError, and whatever is raised on the way."""
        values: dict[str, Any] = {}
        for name, need in self._needs:
            found = await need(request)
            if name is not None:
                values[name] = found
        wrong: list[Any] = []
        for name, check in self._checks:
            values[name], errors = check(request)
            wrong += errors
        if wrong:
            raise RequestValidationError(wrong, body=request.parsed, endpoint_ctx=self._known_as)
        if self._request_name is not None:
            values[self._request_name] = request
        told = None
        if self._response_name is not None:
            told = values[self._response_name] = _unsaid()
        result = await self._endpoint(**values)
        return result if isinstance(result, Response) else await self._answer(result, told)

    async def _answer(self, result: Any, told: Response | None) -> Response:
        """Return the answer with a result, and with what the endpoint said of it besides."""
        status = (told and told.status_code) or self._status
        content = await serialize_response(
            field=self._content,
            response_content=result,
            endpoint_ctx=self._known_as,
            dump_json=True,
        )
        if self._content is None:
            answer = self._otherwise(content, status)
        else:
            answer = Response(content, status, media_type="application/json")
        if not is_body_allowed_for_status_code(status):
            answer.body = b""
        if told is not None:
            answer.raw_headers += told.raw_headers
        return answer


def _context(route: APIRoute) -> EndpointContext:
    """Return how a log tells which endpoint it was."""
    methods = "|".join(sorted(route.methods or ()))
    context = EndpointContext(function=route.name, path=f"{methods} {route.path}")
    code = getattr(route.endpoint, "__code__", None)
    if code is not None:
        context["file"], context["line"] = code.co_filename, code.co_firstlineno
    return context


def _unsaid() -> Response:
    """Return what an endpoint may set a status and headers on: it has none yet."""
    response = Response()
    response.raw_headers.clear()
    response.status_code = None  # type: ignore[assignment]  # as the framework leaves it
    return response


def _need(dependency: Dependant) -> _Need:
    call: Any = dependency.call
    asked, needing = dependency.request_param_name, dependency.security_scopes_param_name
    scopes = list(dict.fromkeys(dependency.own_oauth_scopes or ()))

    def need(request: StrictRequest) -> Awaitable[Any]:
        named: dict[str, Any] = {}
        if asked is not None:
            named[asked] = request
        if needing is not None:
            named[needing] = SecurityScopes(scopes.copy())
        found: Awaitable[Any] = call(**named)
        return found

    return need


def _check(field: Any) -> _Check:
    if is_whole(field.field_info):
        return Whole(field)
    if isinstance(field.field_info, params.Path):
        place = ("path", field.alias)
        return lambda request: field.validate(request.path_params[field.alias], loc=place)
    missing = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
    return lambda request: (
        field.validate(request.parsed, loc=("body",))
        if request.content
        else (None, [missing.copy()])
    )


def _is_known(route: APIRoute) -> bool:
    asked = route.dependant
    calls = [needed.call for needed in asked.dependencies]
    bodies = [one.field_info for one in asked.body_params]
    return (
        _asks_only_for(_ENDPOINTS_ASK_FOR, asked)
        and all(_asks_only_for(_DEPENDENCIES_ASK_FOR, needed) for needed in asked.dependencies)
        and all(map(_is_awaitable, (asked.call, *calls)))
        and len(set(calls)) == len(calls)  # or one of them is called once for two arguments
        and all(_is_of_the_path(one, route) for one in asked.path_params)
        and all(is_whole(one.field_info) for one in asked.query_params)
        and len(bodies) <= 1
        and all(is_whole(one) or _is_json(one) for one in bodies)
        and all(getattr(route, name) == usual for name, usual in _USUAL_ANSWER.items())
        and isinstance(route.response_class, DefaultPlaceholder)
        and (route.response_field is not None or route.status_code == _NO_CONTENT)
    )


def _asks_only_for(known: frozenset[str], asked: Dependant) -> bool:
    """Whether this is all that is asked for, also by what a later framework may know."""
    nothing = Dependant()
    return all(
        field.name in known or getattr(asked, field.name) == getattr(nothing, field.name)
        for field in fields(Dependant)
    )


def _is_awaitable(call: Any) -> bool:
    called = None if isinstance(call, type) else getattr(call, "__call__", None)  # noqa: B004
    return iscoroutinefunction(call) or iscoroutinefunction(called)


def _is_of_the_path(field: Any, route: APIRoute) -> bool:
    """Whether a parameter is one part of the path, known by one name."""
    found = field.field_info
    return (
        field.alias in route.param_convertors
        and has_one_name(found)
        and not is_model(found)
        and not takes_many(found.annotation)
    )


def _is_json(field: Any) -> bool:
    return type(field) is params.Body and field.is_required() and not field.embed
