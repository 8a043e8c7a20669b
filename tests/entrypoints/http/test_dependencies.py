"""Proves what endpoints can rely on: one caller, enough scopes, and no unknown query."""

import asyncio
import re
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Any

import pytest
from fastapi import Depends, Query

from domain.access import Caller, Origin, Role, Scope
from entrypoints.http.dependencies import Call, Public, signed_in
from entrypoints.http.route import StrictRoute
from tests.entrypoints.http.api import NOWHERE, Api, Person, told, violations
from tests.entrypoints.http.promises import operations

Answer = dict[str, Any]

PATIENCE = 10


def at_nowhere(path: str) -> str:
    """Return a path with the id of nothing in it."""
    return re.sub(r"\{[^}]*\}", NOWHERE, path)


def plant(api: Api, endpoint: Callable[..., Any], path: str = "/planted", **more: Any) -> None:
    api.app.router.routes.append(StrictRoute(path, endpoint, include_in_schema=False, **more))


# ---------------------------------------------------------------------------------- the caller
async def test_a_request_identifies_its_caller_once_however_many_ask(api: Api, ada: Person) -> None:
    ways = (api.container.identify,)
    asked: list[str] = []

    def counted(identify: Callable[[str, Origin], Caller]) -> Callable[[str, Origin], Caller]:
        def count(token: str, origin: Origin) -> Caller:
            asked.append(token)
            return identify(token, origin)

        return count

    async def nested(
        call: Annotated[Call, signed_in(Scope.ACCOUNT_READ)],
    ) -> Call:
        return call

    async def endpoint(
        one: Annotated[Call, signed_in(Scope.ITEMS_READ)],
        two: Annotated[Call, signed_in(Scope.ITEMS_READ, Scope.ITEMS_WRITE)],
        three: Annotated[Call, Depends(nested)],
    ) -> Answer:
        return {"same": one.caller is two.caller is three.caller, "user": str(one.caller.user_id)}

    plant(api, endpoint)
    id = await ada.id()
    with ExitStack() as swapped:
        for way in ways:
            swapped.enter_context(way.override(counted(way())))
        answer = await ada.http.get("/planted")
    assert answer.json() == {"same": True, "user": id}
    assert asked == [ada.tokens["access_token"]]
    assert told(await (await api.client()).get("/planted")) == (401, "UNAUTHENTICATED")


async def test_every_dependency_has_its_scopes_checked(api: Api, ada: Person) -> None:
    async def endpoint(
        _one: Annotated[Call, signed_in(Scope.ITEMS_READ)],
        _two: Annotated[Call, signed_in(Scope.ITEMS_READ, Scope.USERS_READ)],
    ) -> Answer:
        return {}

    plant(api, endpoint)
    answer = await ada.http.get("/planted")
    assert told(answer) == (403, "INSUFFICIENT_SCOPE")
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="items:read users:read"'
    )


every_scoped = pytest.mark.parametrize(
    ("call", "scope"),
    [
        (name, scope)
        for name, operation in operations()
        for asked in operation.get("security", [])
        for scope in asked["Bearer"]
    ],
)


@every_scoped
async def test_an_operation_needs_the_scope_that_its_description_names(
    shared: Api, overseer: Person, call: str, scope: str
) -> None:
    method, path = call.split()
    others = " ".join(other for other in overseer.tokens["scope"].split() if other != scope)
    without = await shared.join(uuid.uuid4().hex, Role.ADMIN, scope=others)
    answer = await without.http.request(method, at_nowhere(path))
    assert told(answer) == (403, "INSUFFICIENT_SCOPE")
    assert scope in answer.json()["error"]["details"]["scope"].split()


@pytest.mark.parametrize(
    ("call", "scopes"),
    [
        (name, " ".join(asked["Bearer"]))
        for name, operation in operations()
        for asked in operation.get("security", [])
        if asked["Bearer"]
    ],
)
async def test_an_operation_needs_no_other_scope(shared: Api, call: str, scopes: str) -> None:
    method, path = call.split()
    with_them = await shared.join(uuid.uuid4().hex, Role.ADMIN, scope=scopes)
    async with asyncio.timeout(PATIENCE):  # a stream that began would not end
        answer = await with_them.http.request(method, f"{at_nowhere(path)}?foo=1")
    assert violations(answer) == {("query", "extra_forbidden")}


# ------------------------------------------------------------------------------------ the query
async def test_a_public_route_knows_its_query_parameters_too(api: Api) -> None:
    async def endpoint(
        _: Public, tags: Annotated[list[str], Query(default_factory=list)], q: str | None = None
    ) -> Answer:
        return {"tags": tags, "q": q}

    plant(api, endpoint)
    client = await api.client()
    answer = await client.get("/planted?tags=a&tags=b&q=x")
    assert answer.json() == {"tags": ["a", "b"], "q": "x"}
    assert violations(await client.get("/planted?q=1&q=2")) == {("query.q", "repeated")}
    assert violations(await client.get("/planted?q=1&q=2&x=")) == {
        ("query", "extra_forbidden"),
        ("query.q", "repeated"),
    }


async def test_an_optional_list_may_be_repeated_like_any_other(api: Api) -> None:
    async def endpoint(_: Public, tag: Annotated[list[str] | None, Query()] = None) -> Answer:
        return {"tag": tag}

    plant(api, endpoint)
    answer = await (await api.client()).get("/planted?tag=a&tag=b")
    assert (answer.status_code, answer.json()) == (200, {"tag": ["a", "b"]})


@pytest.mark.parametrize("call", [name for name, _ in operations() if "/v1/" in name])
async def test_no_operation_takes_a_query_that_it_does_not_know(
    overseer: Person, call: str
) -> None:
    method, path = call.split()
    async with asyncio.timeout(PATIENCE):  # a stream that began would not end
        answer = await overseer.http.request(method, f"{at_nowhere(path)}?foo=1")
    assert violations(answer) == {("query", "extra_forbidden")}
