"""What Schemathesis is told beside the OpenAPI document; its own process loads this.

An administrator does most of the asking, and signs in anew when a call has ended their session.
What one can do only once is done by a newcomer each time. And where a schema cannot state a rule,
a refusal by just that rule is no finding.
"""

import json
import os
import subprocess
import time
import uuid
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pyotp
import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    RejectedPositiveData,
    UseAfterFree,
)

from tests.black_box.server import BASALT, NO_TLS, PASSWORD, PATIENCE
from tests.provider import returned
from tests.smtp import token_of

SERVICE = os.environ["SERVICE"]
BACK = os.environ["BASALT_REDIRECT_URIS"]
PROVIDER = "played"

ONCE = ["change_password", "delete_account", "end_sessions", "sign_out"]
"""What ends the caller's session, other sessions, or the account."""

PROOFS = {
    "change_password": "current_password",
    "delete_account": "password",
    "reauthenticate": "password",
    "request_email_change": "password",
}
"""Where an operation asks for the caller's own password, which nothing could make up."""

Case = schemathesis.Case[Any]

_client = httpx.Client(base_url=SERVICE, timeout=PATIENCE, verify=NO_TLS)


# ----------------------------------------------------------------------------------- who is asking
@schemathesis.hook
def before_load_schema(_: Any, raw_schema: dict[str, Any]) -> None:
    """Say that an OAuth 2 token is a bearer token: bad ones are tried on `http` schemes only.

    The flow stays known, for it says which operation gives tokens away.
    """
    schemes = raw_schema["components"]["securitySchemes"]
    schemes["Flow"] = schemes["Bearer"]
    schemes["Bearer"] = {"type": "http", "scheme": "bearer"}


def sign_in(email: str) -> httpx.Response:
    """Ask for tokens."""
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    return _client.post("/v1/auth/token", data=form)


def new_email() -> str:
    """Return an address that nobody has."""
    return f"{uuid.uuid4().hex}@example.com"


class Signed:
    """A caller who sends a token."""

    def set(self, case: Case, data: str, _: schemathesis.AuthContext) -> None:
        """Put the token where it belongs, and into good data what else only a caller knows."""
        case.headers["Authorization"] = f"Bearer {data}"
        if not _is_meant_well(case):
            return
        if "Idempotency-Key" in case.headers:  # or short ones come again with other requests
            case.headers["Idempotency-Key"] = uuid.uuid4().hex
        proof = PROOFS.get(str(case.operation.definition.raw["operationId"]))
        if proof and isinstance(case.body, dict):
            case.body[proof] = PASSWORD
            case.body.pop("code", None)  # one proof, and not two


@schemathesis.auth(refresh_interval=3000).skip_for(operation_id=ONCE)
class Administrator(Signed):
    """An administrator; another one if that one was demoted, suspended or removed."""

    email = new_email()

    def get(self, _: Case, __: schemathesis.AuthContext) -> str:
        """Return an access token."""
        answer = sign_in(self.email)
        if answer.status_code != httpx.codes.OK or "users:write" not in answer.json()["scope"]:
            self.email = new_email()
            subprocess.run(
                [BASALT, "users", "create", self.email, "--role", "admin", "--password-stdin"],
                input=PASSWORD,
                text=True,
                check=True,
                capture_output=True,
            )
            answer = sign_in(self.email)
        return str(answer.json()["access_token"])


@schemathesis.auth(refresh_interval=None).apply_to(operation_id=ONCE)
class Newcomer(Signed):
    """Somebody who signs up for one call."""

    def get(self, _: Case, __: schemathesis.AuthContext) -> str:
        """Return an access token."""
        email = new_email()
        account = {"email": email, "password": PASSWORD}
        _client.post("/v1/users", json=account).raise_for_status()
        return str(sign_in(email).json()["access_token"])


def _is_meant_well(case: Case) -> bool:
    return case.meta is None or case.meta.generation.mode.is_positive


# --------------------------------------------------------------------- what nothing could make up
MAILED = {
    "confirm_email": "Confirm your e-mail address",
    "reset_password": "Choose a new password",
}
"""Where an operation asks for what came by mail, and the subject of that."""

TIMES = 2
"""Times that an operation is given what it asks for: a mail takes a second to come."""

_given: Counter[str] = Counter()


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: Case, __: dict[str, Any]) -> None:
    """Put into good data what is there only if somebody has seen to it."""
    operation = str(case.operation.definition.raw["operationId"])
    if not _is_meant_well(case) or _given[operation] >= TIMES:
        return
    if operation in MAILED and isinstance(case.body, dict):
        _given[operation] += 1
        case.body["token"] = _mailed(MAILED[operation])
        if "new_password" in case.body:
            case.body["new_password"] = uuid.uuid4().hex  # what is made up may be too weak
    elif operation in {"begin_flow", "sign_in_by_provider", "link_identity"}:
        _given[operation] += 1
        _visit(case, operation)
    elif operation == "withdraw_grant":
        _given[operation] += 1
        _let_share(case)
    elif operation in PROTECTED:
        _given[operation] += 1
        somebody, code = _protected(is_in_force=operation != CONFIRM)
        if operation == LET_IN:
            id = _client.get("/v1/users/me", headers=somebody).json()["id"]
            case.path_parameters = {"id": id}
        else:
            case.headers.update(somebody)
        if isinstance(case.body, dict):
            case.body["code"] = code


CONFIRM = "confirm_second_factor"
LET_IN = "remove_user_second_factor"
PROTECTED = (CONFIRM, LET_IN, "renew_recovery_codes", "remove_second_factor")
"""What takes somebody who has set up a second factor, or has begun to."""


def _protected(*, is_in_force: bool) -> tuple[dict[str, str], str]:
    """Return the headers of somebody with an authenticator app, and the code that it shows."""
    email = new_email()
    account = {"email": email, "password": PASSWORD}
    _client.post("/v1/users", json=account).raise_for_status()
    headers = {"Authorization": f"Bearer {sign_in(email).json()['access_token']}"}
    path = "/v1/users/me/second-factor"
    app = pyotp.TOTP(_client.post(path, headers=headers).json()["secret"])
    if is_in_force:
        _client.put(path, headers=headers, json={"code": app.now()})
    return headers, str(app.now())


def _visit(case: Case, operation: str) -> None:
    """Let a call be about the provider that is there, by somebody who was just there."""
    if operation != "link_identity":
        case.path_parameters = {"name": PROVIDER}
    if operation == "begin_flow":
        case.body = {"redirect_uri": BACK}
        return
    path = f"/v1/auth/providers/{PROVIDER}/flows"
    flow = _client.post(path, json={"redirect_uri": BACK}).raise_for_status().json()
    person = {"sub": uuid.uuid4().hex, "email": new_email(), "email_verified": True}
    with httpx.Client(verify=NO_TLS) as browser:
        back = returned(browser, flow["authorization_url"], person)
    case.body = {"flow": flow["flow"], **back}


def _let_share(case: Case) -> None:
    """Let a call come from somebody who shares an item, and be about that."""
    owner, friend = new_email(), new_email()
    for email in (owner, friend):
        _client.post("/v1/users", json={"email": email, "password": PASSWORD})
    case.headers["Authorization"] = f"Bearer {sign_in(owner).json()['access_token']}"
    headers, shared = dict(case.headers), {"email": friend, "role": "viewer"}
    item = _client.post("/v1/items", headers=headers, json={"title": "Lamp oil"}).json()["id"]
    grant = _client.post(f"/v1/items/{item}/grants", headers=headers, json=shared).json()
    case.path_parameters = {"id": item, "user_id": grant["user_id"]}


def _mailed(subject: str) -> str:
    email = new_email()
    account = {"email": email, "password": PASSWORD}
    _client.post("/v1/users", json=account).raise_for_status()
    _client.post("/v1/auth/password-reset", json={"email": email}).raise_for_status()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for file in (Path(os.environ["BASALT_DATA_DIR"]) / "mail").glob("*.eml"):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            if (mail["To"], mail["Subject"]) == (email, subject):
                return token_of(mail)
        time.sleep(0.1)
    raise AssertionError(f"no mail came: {subject}")


# ------------------------------------------------------------------------------ what is no finding
BEYOND_SCHEMAS = {
    "INVALID_ONE_TIME_TOKEN",  # what comes by mail cannot be made up
    "INVALID_FLOW",  # flows are secrets, so what is made up is none
    "INVALID_CURSOR",  # cursors are signed, so what is made up is none
    "INVALID_SCOPE",  # which scopes there are is in the schema; which the caller has is not
    "WEAK_PASSWORD",  # common ones, the address, and as many characters as the operator says
}
"""Codes by which good data may be refused as well."""

ABSENT_ELSEWHERE = {
    "USER_NOT_FOUND": "/grants",  # the item that is shared is there: the address is nobody's
    "SECOND_FACTOR_NOT_FOUND": "/second-factor",  # the user is there, and has none
}
"""Codes of what is missing beside what was just made, and the paths that tell of it."""

ATTRIBUTE_RULES = {"string_nul", "too_deep", "too_large", "too_many_keys", "finite_number"}
"""Limits on any JSON below `attributes`, as a whole and at any depth."""

AS_ACCEPTED = {403, 404, 412}
"""Statuses with which an operation alone may answer good data; in a batch it fails with them."""


@schemathesis.hook
def filter_failure(_: Any, failure: Failure, case: Case, response: schemathesis.Response) -> bool:
    """Tell whether a failure is a finding."""
    match failure:
        case UseAfterFree():
            return not failure.free.endswith("/sessions")  # the list goes on, without entries
        case EnsureResourceAvailability():
            about = ABSENT_ELSEWHERE.get(_error(response)["code"])
            return about is None or about not in case.path
        case RejectedPositiveData():
            error = _error(response)
            return not (
                error["code"] in BEYOND_SCHEMAS
                or _is_by_a_rule_below(error)
                or _is_by_clock_or_settings(error)
            )
        case _:
            return True


def _error(response: schemathesis.Response) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(response.content)["error"]
    return error


def _is_by_clock_or_settings(error: dict[str, Any]) -> bool:
    """Whether a time is past, or an operator allows no such address: a schema says neither."""
    codes = [found["code"] for found in error["details"].get("errors", ())]
    return codes in (["datetime_future"], ["redirect_uri_unknown"])


def _is_by_a_rule_below(error: dict[str, Any]) -> bool:
    details = error["details"]
    if error["code"] == "BATCH_FAILED":
        return all(
            result["status"] in AS_ACCEPTED or _is_by_a_rule_below(result["error"])
            for result in details["results"]
        )
    return error["code"] == "VALIDATION_ERROR" and all(
        found["field"] == "body.attributes" and found["code"] in ATTRIBUTE_RULES
        for found in details["errors"]
    )
