"""Proves that the OpenAPI document says what the service does, for every operation there is."""

import json
import re
from typing import Any

import httpx
import pytest

from domain.access import Scope
from entrypoints.http.errors import CATALOGUE
from tests.entrypoints.http.promises import Operation, document, documented_codes, operations

PUBLIC = {
    "POST /v1/users",
    "POST /v1/auth/token",
    "POST /v1/auth/revoke",
    "POST /v1/auth/password-reset",
    "PUT /v1/auth/password-reset",
    "POST /v1/auth/email-verification",
    "GET /v1/auth/providers",
    "POST /v1/auth/providers/{name}/flows",
    "POST /v1/auth/providers/{name}/token",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/jwks.json",
    "GET /health/live",
    "GET /health/ready",
}
"""All that anybody may call: a new route is either named here or asks for a caller."""

FORMS = {"POST /v1/auth/token", "POST /v1/auth/revoke", "POST /v1/auth/introspect"}
EVERYWHERE = {"INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "PAYLOAD_TOO_LARGE", "VALIDATION_ERROR"}
WITH_CALLER = {
    "UNAUTHENTICATED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_REVOKED", "INSUFFICIENT_SCOPE",
}  # fmt: skip
CONTRACT = {
    400: {"MALFORMED_REQUEST", "INVALID_CURSOR", "INVALID_SCOPE", "UNSUPPORTED_GRANT_TYPE",
          "INVALID_ONE_TIME_TOKEN", "INVALID_FLOW"},
    401: {"UNAUTHENTICATED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_REVOKED",
          "INVALID_CREDENTIALS", "INVALID_REFRESH_TOKEN", "REFRESH_TOKEN_REUSED",
          "INVALID_IDENTITY", "SECOND_FACTOR_REQUIRED"},
    403: {"FORBIDDEN", "INSUFFICIENT_SCOPE", "WRONG_PASSWORD", "WRONG_CODE",
          "REAUTHENTICATION_REQUIRED"},
    404: {"NOT_FOUND", "ITEM_NOT_FOUND", "USER_NOT_FOUND", "SESSION_NOT_FOUND",
          "GRANT_NOT_FOUND", "KEY_NOT_FOUND", "IDENTITY_NOT_FOUND", "SECOND_FACTOR_NOT_FOUND"},
    405: {"METHOD_NOT_ALLOWED"},
    409: {"EMAIL_TAKEN", "LAST_ADMIN", "LAST_SIGN_IN_METHOD", "ALREADY_SHARED",
          "SECOND_FACTOR_IN_FORCE", "IDEMPOTENCY_IN_PROGRESS"},
    410: {"GONE"},
    412: {"PRECONDITION_FAILED"},
    413: {"PAYLOAD_TOO_LARGE"},
    415: {"UNSUPPORTED_MEDIA_TYPE"},
    422: {"VALIDATION_ERROR", "WEAK_PASSWORD", "IDEMPOTENCY_KEY_REUSED", "BATCH_FAILED"},
    429: {"RATE_LIMITED"},
    500: {"INTERNAL_ERROR"},
    503: {"SERVICE_UNAVAILABLE", "PROVIDER_UNAVAILABLE"},
}  # fmt: skip


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document()["components"]["schemas"][name] if name else schema


def has_example(schema: dict[str, Any]) -> bool:
    """Tell whether a client sees what such a value looks like."""
    schema = resolved(schema)
    if schema.keys() & {"example", "examples", "default", "enum", "const"}:
        return True
    choices = [*schema.get("anyOf", ()), *schema.get("allOf", ())]
    if choices:
        return any(has_example(choice) for choice in choices)
    if schema.get("type") == "array":
        return has_example(schema["items"])
    fields = schema.get("properties", {})
    needed = [fields[name] for name in schema.get("required", fields)]
    return bool(fields) and all(is_nullable(field) or has_example(field) for field in needed)


def is_nullable(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


every_operation = pytest.mark.parametrize(
    ("name", "operation"), [pytest.param(*pair, id=pair[0]) for pair in operations()]
)


async def test_it_is_served_as_it_is_printed(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/openapi.json")).json() == document()


def test_the_catalogue_is_the_contracts() -> None:
    contract = {code: status for status, codes in CONTRACT.items() for code in codes}
    assert CATALOGUE.items() <= contract.items()


@every_operation
def test_it_asks_for_a_caller_or_is_public(name: str, operation: Operation) -> None:
    asks = operation.get("security")
    if name in PUBLIC:
        assert not asks
    else:
        assert asks
        assert all(requirement.keys() == {"Bearer"} for requirement in asks)


def test_what_is_public_exists() -> None:
    assert {name for name, _ in operations()} >= PUBLIC


def test_the_scheme_names_where_tokens_come_from_and_every_scope() -> None:
    scheme = document()["components"]["securitySchemes"]["Bearer"]
    (flow,) = scheme["flows"].values()
    assert (scheme["type"], flow["tokenUrl"]) == ("oauth2", "/v1/auth/token")
    assert flow["scopes"].keys() == set(Scope)
    assert all(meaning.endswith(".") for meaning in flow["scopes"].values())


@every_operation
def test_it_names_known_scopes(name: str, operation: Operation) -> None:
    named = {scope for asked in operation.get("security", []) for scope in asked["Bearer"]}
    assert named <= set(Scope)
    assert named or name in PUBLIC | {"POST /v1/auth/logout"}


@every_operation
def test_it_lists_the_errors_that_can_always_happen(name: str, operation: Operation) -> None:
    wanted = EVERYWHERE | (set() if name in PUBLIC else WITH_CALLER)
    if "requestBody" in operation:
        wanted = wanted | {"UNSUPPORTED_MEDIA_TYPE", "MALFORMED_REQUEST"}
    listed = {
        code
        for status in operation["responses"]
        for code in documented_codes(operation, int(status))
    }
    assert wanted <= listed


@every_operation
def test_its_errors_are_of_the_catalogue_and_in_the_envelope(
    name: str, operation: Operation
) -> None:
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            continue
        content = answer["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (name, status)
        assert content["examples"]
        for code, example in content["examples"].items():
            assert CATALOGUE[code] == int(status)
            assert example["value"]["error"].keys() == {"code", "message", "details"}


def test_everything_that_is_referred_to_is_there() -> None:
    schemas = document()["components"]["schemas"]
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document())))
    assert named == set(schemas)
    error = schemas["ErrorBody"]["properties"]["error"]
    assert error == {"$ref": "#/components/schemas/ErrorContent"}
    assert schemas["ErrorContent"]["required"] == ["code", "message"]


@every_operation
def test_it_has_a_clean_name_and_says_what_it_does(name: str, operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert operation["description"].rstrip().endswith("."), name
    assert operation["summary"]
    assert len(operation["tags"]) == 1


def test_no_two_operations_have_one_name() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


@every_operation
def test_what_it_takes_and_answers_has_an_example(name: str, operation: Operation) -> None:
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [answer.get("content", {}) for answer in operation["responses"].values()]
    for media in (media for content in contents for media in content.values()):
        assert media.keys() & {"example", "examples"} or has_example(media.get("schema", {})), name


@every_operation
def test_a_body_says_its_types(name: str, operation: Operation) -> None:
    body = operation.get("requestBody")
    if body is None:
        return
    types = {"application/json"}
    if name in FORMS:
        types = {"application/x-www-form-urlencoded"}
    elif name.startswith("PATCH "):
        types |= {"application/merge-patch+json"}
    assert set(body["content"]) == types
    schema = resolved(next(iter(body["content"].values()))["schema"])
    unknown = {"type": "string"} if name in FORMS else False  # ignored, but not twice
    assert schema["additionalProperties"] == unknown


@every_operation
def test_no_parameter_is_null(name: str, operation: Operation) -> None:
    for parameter in operation.get("parameters", ()):
        assert "null" not in str(parameter["schema"]), name


def test_no_schema_has_what_never_leaves_the_service() -> None:
    schemas = document()["components"]["schemas"]
    told = {name for schema in schemas.values() for name in schema.get("properties", {})}
    assert not {name for name in told if "hash" in name or "seed" in name or "sealed" in name}
    assert schemas["UserAnswer"]["properties"].keys() == {
        "id", "email", "display_name", "role", "status", "email_verified", "created_at",
        "updated_at",
    }  # fmt: skip
