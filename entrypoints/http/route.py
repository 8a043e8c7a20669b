"""A route that reads its body by our rules before anything else looks at the request."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response, params
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from domain.errors import InvalidValue
from entrypoints.http.bodies import Held
from entrypoints.http.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from entrypoints.http.plan import Plan
from entrypoints.http.request import StrictRequest
from entrypoints.http.whole import query_parameters

_JSON = b"application/json"
_MERGE_PATCH = b"application/merge-patch+json"
_FORM = b"application/x-www-form-urlencoded"
_FORM_FIELDS_MAX = 100
_NOT_THIS: tuple[Match, Scope] = (Match.NONE, {})
_KEYS_MAX = 1024  # far above any shape's, and a patch that replaces all attributes has 512
_END = r"\Z"
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


Handler: TypeAlias = Callable[[StrictRequest], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """Refuses, in this order: too much (413), other types (415), what cannot be parsed (400).

    Too much is also what does not fit beside the bodies that are held already (503).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        otherwise = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            handle = self._planned
            if handle is None:
                await otherwise(scope, receive, send)
            else:
                answer = await handle(StrictRequest(scope, receive))
                await answer(scope, receive, send)

        self.app = app

    @cached_property
    def _planned(self) -> Handler | None:
        """What answers by plan; made with the first request, when nobody adds to the route."""
        if type(self).get_route_handler is not StrictRoute.get_route_handler:
            return None
        plan = Plan.of(self)
        return plan and self._reading(plan)

    @cached_property
    def query_parameters(self) -> Mapping[str, bool]:
        """The query parameters that it knows by name, and whether each takes a list."""
        return query_parameters(self.dependant)

    @cached_property
    def _shape(self) -> tuple[str, int]:
        """How its paths begin, and how deep they are."""
        return self.path.partition("{")[0], self.path.count("/")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is for this route; most are told by the shape of their path."""
        (start, depth), path = self._shape, scope["path"]
        may_be = path.startswith(start) and path.count("/") == depth
        is_below = "fastapi" in scope or scope.get("root_path")  # another router, or a proxy's path
        return super().matches(scope) if may_be or is_below else _NOT_THIS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's own handler: for what has no plan, or is included elsewhere."""
        read = self._reading(super().get_route_handler())

        async def handle(request: Request) -> Response:
            return await read(StrictRequest(request.scope, request.receive))

        return handle

    def _reading(self, handle: Handler) -> Handler:
        """Let a request's body be read and parsed before it is handled."""
        parse, accepted = _accepting(self)

        async def read(request: StrictRequest) -> Response:
            if not _has_body(request):
                return await handle(request)
            with request.app.state.application.bodies.held() as held:
                request.content = await _read(request, held)
                if request.content or "content-encoding" in request.headers:
                    _check_type(request, accepted)
                if request.content and parse:
                    request.parsed = parse(request.content)
                return await handle(request)

        return read


def strict_router(prefix: str, *, tag: str) -> APIRouter:
    """Return a router for one family of URLs, whose operations are named like their functions."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=StrictRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def keep_apart(routes: Iterable[BaseRoute]) -> None:
    """Let each path be one route's alone, to the last character.

    `/v1/users/me` is nobody's `/v1/users/{id}`: a method that it does not take is 405 there. And
    a line feed at its end makes it another path, which `$` in the framework's patterns overlooks.
    """
    found = [route for route in routes if isinstance(route, Route)]
    paths = {route.path for route in found if "{" not in route.path}
    for route in found:
        if route.path_regex.pattern.endswith(_END):
            continue  # an earlier application of this process has the same routes
        others = [re.escape(path) for path in paths - {route.path} if route.path_regex.match(path)]
        exact = route.path_regex.pattern.removesuffix("$") + _END
        apart = rf"(?!(?:{'|'.join(sorted(others))}){_END})" if others else ""
        route.path_regex = re.compile(apart + exact)


def _accepting(route: APIRoute) -> tuple[Callable[[bytes], Any] | None, frozenset[bytes]]:
    if route.body_field is None:
        return None, frozenset({_JSON, _FORM})  # nobody looks at it
    if isinstance(route.body_field.field_info, params.Form):
        return parse_form, frozenset({_FORM})
    if route.methods == {"PATCH"}:
        return parse_json, frozenset({_JSON, _MERGE_PATCH})
    return parse_json, frozenset({_JSON})


def _has_body(request: Request) -> bool:
    length, is_streamed = b"0", False
    for name, value in request.scope["headers"]:
        if name == b"content-encoding":
            return True
        if name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            is_streamed = True
    return is_streamed or length != b"0"


def _check_type(request: Request, accepted: frozenset[bytes]) -> None:
    found = [value for name, value in request.scope["headers"] if name == b"content-type"]
    media_type = found[0].partition(b";")[0].strip().lower() if len(found) == 1 else b""
    if media_type not in accepted or "content-encoding" in request.headers:
        raise UnsupportedMediaType


async def _read(request: Request, held: Held) -> bytes:
    settings = request.app.state.application.settings
    body = bytearray()
    try:
        async with asyncio.timeout(settings.receive_timeout):
            async for chunk in request.stream():
                if len(body) + len(chunk) > settings.max_body_bytes:
                    raise PayloadTooLarge
                held.add(len(chunk))
                body += chunk
    except (TimeoutError, ClientDisconnect):
        raise MalformedRequest from None  # what arrived in time is not a request
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """Return what JSON says (RFC 8259), each key of an object once, each number a number."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise MalformedRequest from None
    except ValueError:  # Python's own limit on the digits of a whole number
        raise InvalidValue("", "finite_number", "A number is out of range.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _KEYS_MAX:
        raise InvalidValue("", "too_many_keys", f"An object may have at most {_KEYS_MAX} keys.")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedRequest
    return found


def _no_number(_: str) -> float:
    raise MalformedRequest


def parse_form(body: bytes) -> FormData:
    """Return a form's fields; empty ones are left out, repeated ones refused (RFC 6749 §3.2)."""
    if _BAD_ESCAPE.search(body):
        raise MalformedRequest
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            encoding="utf-8",
            errors="strict",
            max_num_fields=_FORM_FIELDS_MAX,
        )
    except ValueError:
        raise MalformedRequest from None
    if len(dict(fields)) != len(fields):
        raise MalformedRequest
    return FormData(dict(fields))
