"""Proves that the links of the OpenAPI document lead to operations, by parameters they have."""

from typing import Any

import httpx

from tests.entrypoints.http.api import Person
from tests.entrypoints.http.promises import document, operations


def links() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name} {status} {title}", link)
        for name, operation in operations()
        for status, answer in operation["responses"].items()
        for title, link in answer.get("links", {}).items()
    ]


def test_every_link_names_an_operation_and_parameters_that_it_has() -> None:
    known = {operation["operationId"]: operation for _, operation in operations()}
    assert links()
    for name, link in links():
        followed = known[link["operationId"]]
        parameters = {parameter["name"] for parameter in followed["parameters"]}
        assert set(link["parameters"]) <= parameters, name
        needed = {each["name"] for each in followed["parameters"] if each["in"] == "path"}
        assert needed <= set(link["parameters"]), name


def test_a_new_item_leads_to_all_that_takes_one_alone() -> None:
    followed = {link["operationId"] for name, link in links() if name.startswith("POST /v1/items ")}
    takers = {
        operation["operationId"]
        for name, operation in operations()
        if name.partition("/v1/items/{id}")[2] in {"", "/grants"} and "/v1/items/{id}" in name
    }
    assert followed == takers


MADE: dict[str, dict[str, Any]] = {"/v1/items": {"title": "Lamp oil"}}
"""What is sent to make something whose answer has links to look at."""


async def test_a_link_that_is_followed_finds_what_was_made(ada: Person) -> None:
    for name, link in links():
        for expression in link["parameters"].values():
            assert expression == "$response.body#/id"
        path, method = next(
            (path, method)
            for path, methods in document()["paths"].items()
            for method, operation in methods.items()
            if operation["operationId"] == link["operationId"]
        )
        if method == "get":
            maker = name.split()[1]
            assert maker in MADE, f"{name}: say what makes one"
            made = await ada.http.post(maker, json=MADE[maker])
            answer: httpx.Response = await ada.http.get(path.replace("{id}", made.json()["id"]))
            assert answer.status_code == 200, name
