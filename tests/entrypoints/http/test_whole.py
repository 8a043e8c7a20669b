"""Proves that models of queries and forms are read as the framework documents them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Form, Query
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from entrypoints.http.dependencies import Public
from entrypoints.http.route import StrictRoute
from tests.entrypoints.http.api import Api, ByFramework, Person, violations

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Wanted(BaseModel):
    """What a planted route is asked."""

    tag: list[str] | None = None
    at_most: int = Field(default=20, ge=1, alias="limit")
    kind: str


class Told(BaseModel):
    """What a planted route is told."""

    name: str
    age: Annotated[int, Field(ge=0)] = 1


async def asked(_: Public, wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
    return wanted.model_dump()


async def filled(_: Public, form: Annotated[Told, Form()]) -> dict[str, Any]:
    return form.model_dump()


@pytest.fixture(params=[StrictRoute, ByFramework], ids=["by plan", "by the framework"])
def planted(api: Api, request: pytest.FixtureRequest) -> Api:
    for path, endpoint, method in (("/asked", asked, "GET"), ("/filled", filled, "POST")):
        route = request.param(f"/planted{path}", endpoint, methods=[method])
        api.app.router.routes.append(route)
    return api


async def test_a_query_has_its_lists_defaults_and_names(planted: Api) -> None:
    client = await planted.client()
    answer = await client.get("/planted/asked?kind=a&tag=x&tag=y&limit=3")
    assert answer.json() == {"tag": ["x", "y"], "at_most": 3, "kind": "a"}
    answer = await client.get("/planted/asked?kind=&tag=")
    assert answer.json() == {"tag": [""], "at_most": 20, "kind": ""}
    answer = await client.get("/planted/asked?kind=a")
    assert answer.json() == {"tag": None, "at_most": 20, "kind": "a"}


async def test_all_that_is_wrong_with_a_query_is_told_with_its_place(planted: Api) -> None:
    client = await planted.client()
    assert violations(await client.get("/planted/asked?limit=0&tag=x")) == {
        ("query.kind", "missing"),
        ("query.limit", "greater_than_equal"),
    }


async def test_a_query_knows_the_parameters_of_its_model_and_no_others(planted: Api) -> None:
    client = await planted.client()
    answer = await client.get("/planted/asked?kind=a&at_most=3")
    assert violations(answer) == {("query", "extra_forbidden")}
    answer = await client.get("/planted/asked?kind=a&kind=b&limit=1&limit=2")
    assert violations(answer) == {
        ("query.kind", "repeated"),
        ("query.limit", "repeated"),
    }


async def test_a_form_is_read_and_told_of_like_a_query(planted: Api) -> None:
    client = await planted.client()
    answer = await client.post("/planted/filled", content="name=Ada&age=36&x=1", headers=FORM)
    assert answer.json() == {"name": "Ada", "age": 36}
    answer = await client.post("/planted/filled", content="name=&age=-1", headers=FORM)
    assert violations(answer) == {
        ("body.name", "missing"),
        ("body.age", "greater_than_equal"),
    }
    answer = await client.post("/planted/filled")
    assert violations(answer) == {("body.name", "missing")}


async def test_a_form_without_a_byte_has_no_fields(planted: Api) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    client = await planted.client()
    for content in (b"", nothing()):
        answer = await client.post("/planted/filled", content=content, headers=FORM)
        assert violations(answer) == {("body.name", "missing")}


async def test_a_query_is_told_of_together_with_the_path(ada: Person) -> None:
    assert violations(await ada.http.get("/v1/items/x/grants?limit=0")) == {
        ("path.id", "uuid_canonical"),
        ("query.limit", "greater_than_equal"),
    }


def test_what_is_documented_is_what_the_route_declares() -> None:
    routes = [StrictRoute("/asked", asked), StrictRoute("/filled", filled, methods=["POST"])]
    paths = get_openapi(title="planted", version="1", routes=routes)["paths"]
    told = [(each["in"], each["name"]) for each in paths["/asked"]["get"]["parameters"]]
    assert told == [("query", name) for name in ("tag", "limit", "kind")]
    assert paths["/filled"]["post"]["requestBody"]["content"].keys() == {FORM["Content-Type"]}
