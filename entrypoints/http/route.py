"""A route that reads its body by our rules before anything else looks at the request."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response, params
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from domain.errors import InvalidValue
from entrypoints.http.bodies import Held
from entrypoints.http.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from entrypoints.http.whole import query_parameters, read_whole

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_JSON = b"application/json"
_MERGE_PATCH = b"application/merge-patch+json"
_FORM = b"application/x-www-form-urlencoded"
_FORM_FIELDS_MAX = 100
_NOT_THIS: tuple[Match, Scope] = (Match.NONE, {})
_KEYS_MAX = 1024  # far above any shape's, and a patch that replaces all attributes has 512
_END = r"\Z"
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class StrictRequest(Request):
    """A request whose body was read and parsed already."""

    content: bytes = b""
    parsed: Any = None

    async def body(self) -> bytes:
        """Return the body as it came."""
        return self.content

    async def json(self) -> Any:
        """Return what the body says."""
        return self.parsed

    async def form(self, **_: Any) -> FormData:  # type: ignore[override]  # limits are kept already
        """Return the fields of the body."""
        form: FormData = self.parsed or FormData()
        return form


class StrictRoute(APIRoute):
    """Refuses, in this order: too much (413), other types (415), what cannot be parsed (400).

    Too much is also what does not fit beside the bodies that are held already (503).
    """

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
        return super().matches(scope) if may_be or scope.get("root_path") else _NOT_THIS

    def get_route_handler(self) -> Handler:
        """Return the handler, its body read first, its queries and forms as wholes."""
        declared = self.dependant
        self.dependant = read_whole(declared)
        handle = super().get_route_handler()
        self.dependant = declared  # which is what is documented
        parse, accepted = _reading(self)

        async def strict(request: Request) -> Response:
            if not _has_body(request):
                return await handle(request)
            strictly = StrictRequest(request.scope, request.receive)
            with request.app.state.application.bodies.held() as held:
                strictly.content = await _read(request, held)
                if strictly.content or "content-encoding" in request.headers:
                    _check_type(request, accepted)
                if strictly.content and parse:
                    strictly.parsed = parse(strictly.content)
                return await handle(strictly)

        return strict


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


def _reading(route: APIRoute) -> tuple[Callable[[bytes], Any] | None, frozenset[bytes]]:
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
