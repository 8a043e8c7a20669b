"""Proves that a planned route answers as the framework would, and that ours are planned."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import (
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    File,
    Header,
    Path,
    Query,
    Request,
    Response,
    Security,
)
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, Json
from starlette.requests import HTTPConnection

from domain.access import Scope
from domain.errors import ItemNotFound
from entrypoints.http.app import ROUTES
from entrypoints.http.dependencies import Call, Public, signed_in
from entrypoints.http.fields import Id
from entrypoints.http.plan import Plan
from entrypoints.http.route import StrictRoute, strict_router
from tests.entrypoints.http.api import NOWHERE, Api, ByFramework, Person, told, violations

Answer = dict[str, Any]

UNPLANNED = {("GET", "/v1/items/changes/stream"), ("GET", "/v1/users/me/export")}
"""Our routes that are left to the framework. These answer in streams, which cost far more."""

PATIENCE = 10
"""Seconds until a test that waits gives up."""

ID = "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5e"


class Thing(BaseModel):
    """What planted routes are told, and what they answer."""

    name: str
    size: int = Field(default=1, ge=1, alias="how_large")


class Named(BaseModel):
    """A path as a model."""

    name: str


class Sets(BaseModel):
    """A query with a collection that is no list."""

    tag: set[str] | None = None


class BareLists(BaseModel):
    """A query with a list of it is not said what."""

    tag: list = []  # type: ignore[type-arg]  # which is the point


class InJson(BaseModel):
    """A query with JSON in it."""

    tag: Json[list[int]] = Field(default_factory=list)


class MaybeInJson(BaseModel):
    """A query with JSON in it, or nothing."""

    tag: Json[list[int]] | None = None


class OtherNames(BaseModel):
    """A query that is read by another name than is shown."""

    tag: list[str] = Field(default_factory=list, validation_alias="t")


class ManyNames(BaseModel):
    """A query that is read by several names."""

    tag: list[str] = Field(default_factory=list, validation_alias=AliasChoices("t", "tag"))  # type: ignore[pydantic-alias]


class BothNames(BaseModel):
    """A query that is read by its name as well."""

    model_config = ConfigDict(populate_by_name=True)

    tag: str = Field(default="", alias="t")


class Nested(BaseModel):
    """A query with a model in it."""

    named: Named | None = None


class Anything(BaseModel):
    """A query of whatever is sent."""

    model_config = ConfigDict(extra="allow")


UNREAD = (Sets, BareLists, InJson, MaybeInJson, OtherNames, ManyNames, BothNames, Nested, Anything)
"""Models of queries that the framework looks for in another way than as a whole."""


class Asked(BaseModel):
    """What a planted route is asked."""

    limit: int = Field(default=20, ge=1)


async def needed(request: Request, scopes: SecurityScopes) -> str:
    return f"{request.method} {scopes.scope_str}"


async def refusing() -> None:
    raise ItemNotFound


async def everything(  # all that a plan knows, at once
    request: Request,
    response: Response,
    _: Public,
    scopes: Annotated[str, Security(needed, scopes=["a", "b", "a"])],
    id: Id,
    other: UUID,
    asked: Annotated[Asked, Query()],
    thing: Thing,
) -> Answer:
    response.headers["X-Told"] = request.url.path.rpartition("/")[2]
    response.headers.append("Set-Cookie", "a=1")
    response.headers.append("Set-Cookie", "b=2")
    return {"scopes": scopes, "ids": [id, other], "limit": asked.limit, "thing": thing}


async def modelled(thing: Thing, response: Response) -> Thing:
    response.status_code = 202
    return thing


async def its_own(name: str, response: Response) -> PlainTextResponse:
    response.headers["X-Lost"] = "as the framework loses it"
    return PlainTextResponse(name, 203, headers={"X-Own": "1"})


async def perhaps_its_own(name: str) -> Thing | Response:
    return Response(status_code=304) if name == "same" else Thing(name=name, how_large=2)


async def refused(name: str) -> Answer:
    raise ItemNotFound if name == "nowhere" else RuntimeError(name)


async def wrong(name: str) -> Thing:
    return {"nome": name}  # type: ignore[return-value]  # which is what is wrong


async def untyped(name: str, response: Response) -> None:
    response.status_code = 201
    return {"name": name}  # type: ignore[return-value]  # which the framework answers


async def nothing(name: str, response: Response) -> None:
    unsaid: Any = response.status_code
    assert unsaid is None
    if name != "x":
        response.status_code = {"created": 201, "there": 304}[name]


async def bodiless(name: str, response: Response) -> Thing:
    response.status_code = int(name)
    return Thing(name=name)


async def aliased(one: Annotated[UUID, Path(alias="id")], other: Id) -> Answer:
    return {"one": one, "other": other}


async def adding(scopes: SecurityScopes) -> str:
    scopes.scopes.append("x")
    return " ".join(scopes.scopes)


async def added(found: Annotated[str, Security(adding, scopes=["a"])]) -> Answer:
    return {"found": found}


async def items(call: Annotated[Call, signed_in(Scope.USERS_READ)]) -> Answer:
    return {"who": call.caller.user_id}


PLANNED: list[tuple[str, str, Callable[..., Any], dict[str, Any]]] = [
    ("POST", "/all/{id}/{other}", everything, {}),
    ("POST", "/modelled", modelled, {}),
    ("GET", "/perhaps/{name}", perhaps_its_own, {"response_model": Thing}),
    ("GET", "/refused/{name}", refused, {}),
    ("GET", "/wrong/{name}", wrong, {}),
    ("GET", "/items", items, {}),
    ("GET", "/first", items, {"dependencies": [Depends(refusing)]}),
    ("GET", "/nothing/{name}", nothing, {"status_code": 204}),
    ("GET", "/untyped/{name}", untyped, {"status_code": 204}),
    ("GET", "/bodiless/{name}", bodiless, {}),
    ("GET", "/aliased/{id}/{other}", aliased, {}),
    ("GET", "/added", added, {}),
    ("POST", "/before", modelled, {"dependencies": [Depends(refusing)]}),
    ("POST", "/beside", modelled, {"dependencies": [Depends(needed)]}),
]

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"/all/{ID}/{NOWHERE}?limit=3", {"json": {"name": "lamp", "how_large": 2}}),
    ("POST", f"/all/{ID}/{NOWHERE.upper()}", {"json": {"name": "lamp"}}),
    ("POST", "/all/x/y", {"json": {"how_large": 0}}),
    ("POST", "/all/x/y?limit=0", {"json": {"how_large": 0}}),
    ("POST", f"/all/{ID}/{ID}?limits=3", {"json": {"name": "lamp"}}),
    ("POST", f"/all/{ID}/%C3%A9", {"json": {"name": "lamp"}}),
    ("POST", "/modelled", {"json": {"name": "lamp"}}),
    ("POST", "/modelled", {"json": None}),
    ("POST", "/modelled", {"json": [1]}),
    ("POST", "/modelled", {"json": 0}),
    ("POST", "/modelled", {"content": b"null", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/modelled", {}),
    ("POST", "/modelled", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/modelled", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("GET", "/modelled", {}),
    ("GET", "/perhaps/same", {}),
    ("GET", "/perhaps/other", {}),
    ("HEAD", "/perhaps/other", {}),
    ("GET", "/refused/nowhere", {}),
    ("GET", "/refused/broken", {}),
    ("GET", "/wrong/lamp", {}),
    ("GET", "/items", {}),
    ("GET", "/first", {}),
    ("GET", "/nothing/x", {}),
    ("GET", "/nothing/created", {}),
    ("GET", "/nothing/there", {}),
    ("GET", "/untyped/x", {}),
    ("GET", "/bodiless/200", {}),
    ("GET", "/bodiless/204", {}),
    ("GET", "/bodiless/304", {}),
    ("GET", f"/aliased/{ID}/{NOWHERE}", {}),
    ("GET", "/aliased/x/y", {}),
    ("GET", "/added", {}),
    ("GET", "/added", {}),
    ("POST", "/before", {"json": {"name": "lamp"}}),
    ("POST", "/beside", {"json": {"name": "lamp"}}),
]


def plant(api: Api, place: str, kind: type[StrictRoute]) -> None:
    for method, path, endpoint, more in PLANNED:
        route = kind(f"/planted/{place}{path}", endpoint, methods=[method], **more)
        api.app.router.routes.append(route)


@pytest.fixture(scope="module")
async def planted(shared: Api) -> AsyncIterator[Api]:
    """Return an app that has the same routes twice: by plan, and by the framework alone."""
    kept = list(shared.app.router.routes)
    plant(shared, "plan", StrictRoute)
    plant(shared, "framework", ByFramework)
    yield shared
    shared.app.router.routes[:] = kept


@pytest.mark.parametrize(("method", "path", "sent"), REQUESTS)
async def test_a_plan_answers_as_the_framework_does(
    planted: Api, reader: Person, method: str, path: str, sent: dict[str, Any]
) -> None:
    answers = [
        await reader.http.request(method, f"/planted/{place}{path}", **sent)
        for place in ("plan", "framework")
    ]
    by_plan, by_framework = (
        (one.status_code, sorted(one.headers.multi_items()), one.content) for one in answers
    )
    ids = {one.headers["X-Request-ID"] for one in answers}
    assert _without(ids, by_plan) == _without(ids, by_framework)


def _without(ids: set[str], answer: object) -> str:
    told = repr(answer)
    for id in ids:
        told = told.replace(id, "")
    return told


def test_the_routes_of_that_comparison_are_planned() -> None:
    for method, path, endpoint, more in PLANNED:
        assert Plan.of(StrictRoute(path, endpoint, methods=[method], **more)) is not None


def test_our_own_routes_are_planned() -> None:
    routes = [route for module in ROUTES for route in module.router.routes]
    assert {
        (method, route.path)
        for route in routes
        if isinstance(route, APIRoute) and Plan.of(route) is None
        for method in route.methods or ()
    } == UNPLANNED, "its endpoint asks for what no plan knows: change that, or name it in UNPLANNED"


async def test_requests_share_nothing(planted: Api, reader: Person) -> None:
    both = asyncio.Barrier(2)

    async def slow(request: Request) -> str:
        await asyncio.wait_for(both.wait(), PATIENCE)
        return request.url.path

    async def slower(request: Request) -> str:
        await asyncio.wait_for(both.wait(), PATIENCE)
        return request.url.path

    async def endpoint(
        one: Annotated[str, Depends(slow)], two: Annotated[str, Depends(slower)], name: str
    ) -> Answer:
        return {"found": [one, two, name]}

    planted.app.router.routes.append(StrictRoute("/planted/both/{name}", endpoint))
    answers = await asyncio.gather(
        *(reader.http.get(f"/planted/both/{name}") for name in ("a", "b"))
    )
    for answer, name in zip(answers, ("a", "b"), strict=True):
        assert answer.json() == {"found": [f"/planted/both/{name}"] * 2 + [name]}


async def test_what_is_added_to_a_route_before_its_first_request_counts(
    planted: Api, reader: Person
) -> None:
    class Guarded(StrictRoute):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            add(self)

    def add(route: StrictRoute) -> None:
        needed = signed_in(Scope.USERS_READ)
        route.dependant.dependencies.insert(
            0, get_parameterless_sub_dependant(depends=needed, path=route.path_format)
        )

    inside = Guarded("/planted/guarded/inside", plain)
    outside = StrictRoute("/planted/guarded/outside", plain)
    add(outside)
    planted.app.router.routes.extend([inside, outside])
    for place in ("inside", "outside"):
        answer = await reader.http.get(f"/planted/guarded/{place}")
        assert told(answer) == (403, "INSUFFICIENT_SCOPE")


async def test_what_a_subclass_does_first_is_done(planted: Api, reader: Person) -> None:
    class Marked(StrictRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def marking(request: Request) -> Response:
                answer = await handle(request)
                answer.headers["X-Marked"] = "1"
                return answer

            return marking

    planted.app.router.routes.append(Marked("/planted/marked", plain))
    assert (await reader.http.get("/planted/marked")).headers["X-Marked"] == "1"


async def test_a_router_may_be_included_below_a_prefix(planted: Api, reader: Person) -> None:
    router = strict_router("/inner", tag="planted")
    router.add_api_route("/{name}", perhaps_its_own, response_model=Thing)
    planted.app.include_router(router, prefix="/planted/outer")
    answer = await reader.http.get("/planted/outer/inner/x")
    assert answer.json() == {"name": "x", "how_large": 2}
    assert (await reader.http.get("/inner/x")).status_code == 404


async def test_what_an_app_overrides_is_overridden(planted: Api, reader: Person) -> None:
    async def another() -> str:
        return "another"

    async def endpoint(found: Annotated[str, Depends(needed)]) -> Answer:
        return {"found": found}

    planted.app.router.add_api_route(
        "/planted/overridden", endpoint, route_class_override=StrictRoute
    )
    assert (await reader.http.get("/planted/overridden")).json() == {"found": "GET "}
    planted.app.dependency_overrides[needed] = another
    assert (await reader.http.get("/planted/overridden")).json() == {"found": "another"}
    planted.app.dependency_overrides.clear()


# ------------------------------------------------------------------ what no plan knows
async def paged(limit: int = 20, tag: Annotated[list[str] | None, Query()] = None) -> Answer:
    return {"limit": limit, "tag": tag}


def closing(request: Request) -> Iterator[list[str]]:
    order: list[str] = request.app.state.closed
    order.append("opened")
    yield order
    order.append("closed")


def without_a_plan(
    _: Public,
    page: Annotated[Answer, Depends(paged)],
    order: Annotated[list[str], Depends(closing)],
    x_most: Annotated[int, Header(ge=1)] = 1,
    mine: Annotated[int, Cookie()] = 0,
) -> Answer:
    return {**page, "order": list(order), "most": x_most, "mine": mine}


@pytest.mark.parametrize(
    ("model", "query", "found"),
    [
        (Sets, "tag=a&tag=b", ["a", "b"]),
        (BareLists, "tag=a&tag=b", ["a", "b"]),
        (InJson, "tag=[1,2]", [1, 2]),
        (OtherNames, "t=a&t=b", ["a", "b"]),
        (ManyNames, "tag=a&tag=b", ["a", "b"]),
        (ManyNames, "t=a", ["a"]),
    ],
)
async def test_a_model_that_is_not_read_as_a_whole_is_read_by_the_framework(
    planted: Api, reader: Person, model: type[BaseModel], query: str, found: object
) -> None:
    path = f"/planted/read/{model.__name__}"
    planted.app.router.routes.append(StrictRoute(path, asking(model)))
    answer = await reader.http.get(f"{path}?{query}")
    told = answer.json()["a"]["tag"]
    assert (sorted(told) if model is Sets else told) == found


async def test_a_route_without_a_plan_has_all_that_the_framework_has(
    planted: Api, reader: Person
) -> None:
    closed: list[str] = []
    planted.app.state.closed = closed
    planted.app.router.routes.append(StrictRoute("/planted/unplanned", without_a_plan))
    answer = await reader.http.get(
        "/planted/unplanned?limit=2&tag=a&tag=b", headers={"X-Most": "3", "Cookie": "mine=4"}
    )
    assert answer.json() == {
        "limit": 2, "tag": ["a", "b"], "order": ["opened"], "most": 3, "mine": 4,
    }  # fmt: skip
    assert closed == ["opened", "closed"]
    answer = await reader.http.get("/planted/unplanned?limit=2&limit=3&other=1")
    assert violations(answer) == {("query", "extra_forbidden"), ("query.limit", "repeated")}
    answer = await reader.http.get(
        "/planted/unplanned?limit=x", headers={"X-Most": "0", "Cookie": "mine=x"}
    )
    assert violations(answer) == {
        ("query.limit", "int_parsing"),
        ("header.x-most", "greater_than_equal"),
        ("cookie.mine", "int_parsing"),
    }


def sync_need() -> str:
    return "x"


def closing_need() -> Iterator[str]:
    yield "x"


async def closing_later() -> AsyncIterator[str]:
    yield "x"


async def nested(_: Annotated[str, Depends(needed)]) -> str:
    return "x"


async def from_query(word: str) -> str:
    return word


async def with_a_header(x_a: Annotated[str, Header()] = "") -> Answer:
    return {"a": x_a}


async def with_a_parameter(word: str = "") -> Answer:
    return {"a": word}


async def with_work_behind(behind: BackgroundTasks) -> Answer:
    return {"a": repr(behind)}


async def with_two_bodies(a: Thing, b: Thing) -> Answer:
    return {"a": [a, b]}


async def with_an_embedded_body(a: Annotated[Thing, Body(embed=True)]) -> Answer:
    return {"a": a}


async def with_a_body_or_none(a: Thing | None = None) -> Answer:
    return {"a": a}


def without_waiting() -> Answer:
    return {}


async def with_a_file(a: Annotated[bytes, File()]) -> Answer:
    return {"a": a}


async def with_a_cookie(a: Annotated[str, Cookie()] = "") -> Answer:
    return {"a": a}


async def with_a_connection(a: HTTPConnection) -> Answer:
    return {"a": a.url.path}


async def with_scopes(a: SecurityScopes) -> Answer:
    return {"a": a.scopes}


async def with_another_name(a: Annotated[str, Path(alias="name", validation_alias="b")]) -> Answer:
    return {"a": a}


async def with_a_model_of_the_path(a: Annotated[Named, Path(alias="name")]) -> Answer:
    return {"a": a}


async def with_a_part_that_is_not_there(other: Annotated[str, Path()]) -> Answer:
    return {"a": other}


async def with_a_query_that_something_else_checks(
    a: Annotated[Asked, Query(), AfterValidator(lambda found: found)],
) -> Answer:
    return {"a": a}


def asking(model: type[BaseModel]) -> Callable[..., Any]:
    async def endpoint(_: Public, a: Annotated[model, Query()]) -> Answer:  # type: ignore[valid-type]
        return {"a": a}

    return endpoint


async def with_names_of_the_path(
    name: Annotated[str, Path(validation_alias=AliasChoices("b", "c"))],
) -> Answer:
    return {"a": name}


async def with_a_list_in_the_path(a: Annotated[list[str], Path(alias="name")]) -> Answer:
    return {"a": a}


async def of_the_connection(a: HTTPConnection) -> str:
    return a.url.path


async def telling(response: Response) -> str:
    response.headers["X-A"] = "1"
    return "x"


class Waiting:
    """A class whose instances can be awaited for, which is not to await the class."""

    async def __call__(self) -> str:
        """Return something."""
        return "x"


async def streaming() -> AsyncIterator[Thing]:
    yield Thing(name="a")


async def without_a_shape():  # type: ignore[no-untyped-def]  # noqa: ANN201  # which is the point
    return {}


async def plain() -> Answer:
    return {}


def _needing(need: Callable[..., Any]) -> Callable[..., Any]:
    async def endpoint(_: Annotated[Any, Depends(need)]) -> Answer:
        return {}

    return endpoint


NEEDS = (
    sync_need, closing_need, closing_later, nested, from_query, of_the_connection, telling, Waiting,
)  # fmt: skip


async def asking_one_twice(
    a: Annotated[str, Depends(needed)], b: Annotated[str, Depends(needed)]
) -> Answer:
    return {"a": [a, b]}


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [
        *((_needing(need), {}) for need in NEEDS),
        (with_a_header, {}),
        (with_a_parameter, {}),
        (with_a_cookie, {}),
        (with_a_connection, {}),
        (with_scopes, {}),
        (with_another_name, {}),
        (with_a_model_of_the_path, {}),
        (with_a_part_that_is_not_there, {}),
        (with_a_query_that_something_else_checks, {}),
        (with_names_of_the_path, {}),
        (with_a_list_in_the_path, {}),
        *((asking(model), {}) for model in UNREAD),
        (with_a_file, {"methods": ["POST"]}),
        (with_work_behind, {}),
        (with_two_bodies, {"methods": ["POST"]}),
        (with_an_embedded_body, {"methods": ["POST"]}),
        (with_a_body_or_none, {"methods": ["POST"]}),
        (without_waiting, {}),
        (streaming, {}),
        (without_a_shape, {}),
        (asking_one_twice, {}),
        (its_own, {}),
        (plain, {"response_model": None}),
        (plain, {"response_class": PlainTextResponse}),
        (plain, {"response_model_include": {"a"}}),
        (plain, {"response_model_exclude": {"a"}}),
        (plain, {"response_model_exclude_none": True}),
        (plain, {"response_model_exclude_unset": True}),
        (plain, {"response_model_exclude_defaults": True}),
        (plain, {"response_model_by_alias": False}),
        (plain, {"max_body_size": 10}),
        (plain, {"dependencies": [Depends(sync_need)]}),
    ],
)
def test_whatever_a_plan_does_not_know_is_left_to_the_framework(
    endpoint: Callable[..., Any], more: dict[str, Any]
) -> None:
    assert Plan.of(StrictRoute("/planted/{name}", endpoint, **more)) is None
