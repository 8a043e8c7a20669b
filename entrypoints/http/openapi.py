"""What the framework cannot know of the OpenAPI document: headers, links, and merge patches."""

from typing import Any

from fastapi import FastAPI

from entrypoints.http.errors import error_schemas

Responses = dict[int | str, dict[str, Any]]

_HEADERS = {
    "ETag": "The revision of the item, for If-Match and If-None-Match",
    "Location": "Where the new resource is",
    "Link": 'The next page, with rel="next"',
    "Idempotent-Replayed": "`true` if this is the first request's answer, given again",
}


IDEMPOTENCY_KEY = r"[!-~]{1,255}"
"""What an idempotency key looks like."""

_TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": (
        "Repeat a request with the same key, and it is done only once",
        {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY}$"},
    ),
    "If-Match": ("The ETag that it must still have", {"type": "string"}),
    "If-None-Match": ("The ETag of what you have already", {"type": "string"}),
}


def takes(*headers: str) -> dict[str, Any]:
    """Describe the headers that an operation reads by itself (`openapi_extra`)."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": _TAKEN[name][0],
                "schema": _TAKEN[name][1],
            }
            for name in headers
        ]
    }


def success(status: int, *headers: str, **described: Any) -> Responses:
    """Describe a good answer: its headers, and what OpenAPI has besides of one, like `links`."""
    shown = {
        name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in headers
    }
    return {status: {"headers": shown, **described}}


def follow(**operations: str) -> dict[str, Any]:
    """Return links to operations, each with the parameter that the answer's `id` is for."""
    return {
        operation: {"operationId": operation, "parameters": {parameter: "$response.body#/id"}}
        for operation, parameter in operations.items()
    }


ITEM_LINKS = follow(
    read_item="id",
    edit_item="id",
    replace_item="id",
    delete_item="id",
    share_item="id",
    list_grants="id",
)
"""What can be done with an item that was just made."""


def complete_openapi(app: FastAPI, *, shortest_password: int) -> None:
    """Say what only this service knows: merge patches, errors, lengths, and what is never null.

    Every PATCH takes a merge patch too. A parameter is left out, or has a value.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for operations in document["paths"].values():
            content = operations.get("patch", {}).get("requestBody", {}).get("content", {})
            if "application/json" in content:
                content["application/merge-patch+json"] = content["application/json"]
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_null(parameter["schema"])
        schemas = dict(sorted((document["components"]["schemas"] | error_schemas()).items()))
        document["components"]["schemas"] = schemas
        for shape, field in (("SignUp", "password"), ("PasswordChange", "new_password")):
            schemas[shape]["properties"][field]["minLength"] = shortest_password
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    match schema:
        case {"anyOf": [present, {"type": "null"}], **described}:
            shown: dict[str, Any] = present | described
            return shown
        case _:
            return schema
