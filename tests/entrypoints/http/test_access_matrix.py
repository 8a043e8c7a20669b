"""Proves who may do what, for every operation that the OpenAPI document has: one table."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from domain.access import ADMIN_SCOPES, Role
from tests.entrypoints.http.api import PASSWORD, Api, Person
from tests.entrypoints.http.promises import operations

PEOPLE = (
    "owner", "editor", "viewer", "stranger", "admin", "nobody", "narrow", "key", "admin_key",
)  # fmt: skip
"""Nobody has no token; narrow is an administrator's with every scope but the needed ones; the keys
are machines of the owner and of the administrator, with all that these may do."""

KEYS = {"key": "owner", "admin_key": "admin"}
NEW = "another long enough passphrase"
MEMBERS = ["owner", "editor", "viewer", "stranger"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one operation answers to each of PEOPLE, and what it is sent."""

    owner: int
    editor: int
    viewer: int
    stranger: int
    admin: int
    nobody: int = 401
    narrow: int | None = 403
    in_person: bool = False
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None

    def expected(self) -> dict[str, int | None]:
        keys = {
            "key": 403 if self.in_person else self.owner,
            "admin_key": 403 if self.in_person else self.admin,
        }
        return {name: keys[name] if name in keys else getattr(self, name) for name in PEOPLE}


def own(status: int, **sent: Any) -> Row:
    """Return the row of what everybody may do who is signed in."""
    return Row(status, status, status, status, status, **sent)


def personal(status: int, **sent: Any) -> Row:
    """Return the row of what everybody may do who is signed in, and no machine."""
    return own(status, in_person=True, **sent)


def admins(status: int, **sent: Any) -> Row:
    """Return the row of what only administrators may do."""
    return Row(403, 403, 403, 403, status, **sent)


def public(status: int, **sent: Any) -> Row:
    """Return the row of what anybody may do."""
    return own(status, nobody=status, narrow=None, **sent)


BATCH = {"operations": [{"op": "create", "item": {"title": "Wick"}}]}
SIGN_IN = {"grant_type": "password", "username": "nobody@example.com", "password": PASSWORD}
RETURN = {"flow": "nonsense", "code": "nonsense", "state": "nonsense"}

TABLE: dict[str, Row] = {
    "POST /v1/items": own(201, json={"title": "Lamp oil"}),
    "GET /v1/items": own(200),
    "GET /v1/items/{id}": Row(200, 200, 200, 403, 200),
    "PATCH /v1/items/{id}": Row(200, 200, 403, 403, 200, json={"title": "Wick"}),
    "PUT /v1/items/{id}": Row(200, 200, 403, 403, 200, json={"title": "Wick"}),
    "DELETE /v1/items/{id}": Row(204, 403, 403, 403, 204),
    "GET /v1/items/{id}/grants": Row(200, 403, 403, 403, 200),
    "POST /v1/items/{id}/grants": Row(
        201, 403, 403, 403, 403, json={"email": "friend@example.com", "role": "viewer"}
    ),
    # the grant is the viewer's, who may give it up
    "PUT /v1/items/{id}/grants/{user_id}": Row(200, 403, 403, 403, 403, json={"role": "editor"}),
    "DELETE /v1/items/{id}/grants/{user_id}": Row(204, 403, 204, 403, 403),
    "POST /v1/items/batch": own(200, json=BATCH),
    "GET /v1/items/changes": own(200),
    "GET /v1/items/changes/stream": own(400),  # asked with a bad cursor, as it would not end
    "POST /v1/users": public(409, json={"email": "friend@example.com", "password": PASSWORD}),
    "GET /v1/users/me": own(200),
    "PATCH /v1/users/me": own(200, json={"display_name": "Me"}),
    "PUT /v1/users/me/password": personal(
        204, json={"current_password": PASSWORD, "new_password": NEW}
    ),
    "POST /v1/users/me/deletion": personal(204, json={"password": PASSWORD}),
    "POST /v1/auth/reauthenticate": personal(204, json={"password": PASSWORD}),
    "POST /v1/users/me/keys": personal(201, json={"name": "nightly", "scopes": ["items:read"]}),
    "GET /v1/users/me/keys": personal(200),
    "DELETE /v1/users/me/keys/{id}": personal(404),  # a user's id is no key's
    "POST /v1/users/me/second-factor": personal(201),
    "PUT /v1/users/me/second-factor": personal(404, json={"code": "nonsense"}),
    "GET /v1/users/me/second-factor": personal(200),
    "DELETE /v1/users/me/second-factor": personal(204),
    "POST /v1/users/me/second-factor/recovery-codes": personal(404),
    "GET /v1/users/me/identities": personal(200),
    "POST /v1/users/me/identities": personal(400, json=RETURN),
    "DELETE /v1/users/me/identities/{id}": personal(404),  # a user's id is no identity's
    "GET /v1/auth/providers": public(200),
    "POST /v1/auth/providers/{name}/flows": public(404, json={"redirect_uri": "https://x/"}),
    "POST /v1/auth/providers/{name}/token": public(404, json=RETURN),
    "PUT /v1/users/me/email": personal(
        202, json={"new_email": "elsewhere@example.com", "password": PASSWORD}
    ),
    "POST /v1/users/me/email-verification": own(202),
    "GET /v1/users/me/activity": own(200),
    "GET /v1/users/me/export": personal(200),
    "GET /v1/audit": admins(200),
    "GET /v1/users": admins(200),
    "GET /v1/users/{id}": admins(200),
    "PATCH /v1/users/{id}": admins(200, json={"display_name": "You"}),
    "DELETE /v1/users/{id}": admins(204),
    # the bystander has none
    "DELETE /v1/users/{id}/second-factor": Row(403, 403, 403, 403, 404, in_person=True),
    "GET /v1/users/{id}/sessions": admins(200),
    "DELETE /v1/users/{id}/sessions": admins(204),
    "POST /v1/auth/token": public(401, form=SIGN_IN),
    "POST /v1/auth/password-reset": public(202, json={"email": "friend@example.com"}),
    "PUT /v1/auth/password-reset": public(400, json={"token": "nonsense", "new_password": NEW}),
    "POST /v1/auth/email-verification": public(400, json={"token": "nonsense"}),
    "POST /v1/auth/logout": personal(204, narrow=None),
    "POST /v1/auth/revoke": public(200, form={"token": "nonsense"}),
    "POST /v1/auth/introspect": admins(200, form={"token": "nonsense"}),
    "GET /v1/auth/sessions": personal(200),
    "DELETE /v1/auth/sessions": personal(204),
    "DELETE /v1/auth/sessions/{id}": personal(404),  # a user's id is no session's
    "GET /.well-known/jwks.json": public(200),
    "GET /.well-known/oauth-authorization-server": public(200),
    "GET /health/live": public(200),
    "GET /health/ready": public(200),
}

ENDS_ACCOUNTS = {
    "PUT /v1/users/me/password",
    "POST /v1/users/me/deletion",
    "POST /v1/auth/logout",
    "DELETE /v1/auth/sessions",
}
"""What leaves its caller's account other than it was: people of their own do it."""


class World:
    """An item of somebody's, shared with some, and everybody who might want it."""

    def __init__(self, api: Api, number: str) -> None:
        self.api = api
        self.number = number
        self.people: dict[str, Person] = {}
        self.keys: dict[str, httpx.AsyncClient] = {}

    async def gather(self) -> "World":
        for name in (*MEMBERS, "admin"):
            role = Role.ADMIN if name == "admin" else Role.MEMBER
            self.people[name] = await self.api.join(f"{name}{self.number}", role)
        return self

    async def ask(self, who: str, operation: str, row: Row, needed: set[str]) -> int | None:
        """Do an operation in the person's name, on things that are there for it."""
        method, path = operation.split(" ")
        if who == "nobody":
            client = await self.api.client()
        elif who in KEYS:
            client = await self.key_of(KEYS[who])
        elif who == "narrow":
            if row.narrow is None:
                return None
            client = await self.narrow(needed)
        else:
            client = self.people[who].http
        path = await self.filled(path)
        params = {"since": "nonsense"} if path.endswith("/stream") else None
        sent: dict[str, Any] = {"json": row.json} if row.json else {}
        sent |= {"data": row.form} if row.form else {}
        answer = await client.request(method, path, params=params, **sent)
        return answer.status_code

    async def key_of(self, who: str) -> httpx.AsyncClient:
        """Return the client of a machine of somebody's that may do all that they may."""
        if who not in self.keys:
            person = self.people[who]
            wanted = {"name": "all", "scopes": person.tokens["scope"].split()}
            answer = await person.http.post("/v1/users/me/keys", json=wanted)
            assert answer.status_code == 201, answer.text
            self.keys[who] = await self.api.bearer(answer.json()["key"])
        return self.keys[who]

    async def narrow(self, needed: set[str]) -> httpx.AsyncClient:
        scope = " ".join(sorted(set(ADMIN_SCOPES) - needed))
        return (await self.api.sign_in(self.people["admin"].email, scope=scope)).http

    async def filled(self, path: str) -> str:
        if path.startswith("/v1/items/{id}"):
            item = await self.item()
            viewer = await self.people["viewer"].id()
            return path.replace("{id}", item).replace("{user_id}", viewer)
        if "{id}" in path:
            return path.replace("{id}", await self.bystander())
        assert "{" not in path.replace("{name}", ""), path
        return path

    async def item(self) -> str:
        owner = self.people["owner"]
        item: str = (await owner.item())["id"]
        for name in ("editor", "viewer"):
            grant = {"email": self.people[name].email, "role": name}
            answer = await owner.http.post(f"/v1/items/{item}/grants", json=grant)
            assert answer.status_code == 201, answer.text
        return item

    async def bystander(self) -> str:
        """Return the id of somebody whom nobody will miss."""
        account = {"email": "bystander@example.com", "password": PASSWORD}
        client = await self.api.client()
        answer = await client.post("/v1/users", json=account)
        if answer.status_code == 201:
            self.missed: str = answer.json()["id"]
        return self.missed


def scopes_of(operation: dict[str, Any]) -> set[str]:
    return {scope for asked in operation.get("security", []) for scope in asked["Bearer"]}


def test_the_table_has_every_operation_and_no_other() -> None:
    assert TABLE.keys() == {name for name, _ in operations()}, "say in TABLE who may do it"


@pytest.mark.parametrize("ends_accounts", [False, True], ids=["kept", "ended"])
async def test_every_operation_answers_everybody_as_the_table_says(
    api: Api, ends_accounts: bool
) -> None:
    await api.join("friend")
    world = await World(api, "0").gather()
    answered, expected = {}, {}
    for number, (name, operation) in enumerate(operations(), start=1):
        if (name in ENDS_ACCOUNTS) is not ends_accounts:
            continue
        if ends_accounts:
            world = await World(api, str(number)).gather()
        row = TABLE.get(name)
        assert row, f"say in TABLE who may {name}"
        first = ["narrow", *KEYS]  # while all are there
        people = [*first, *(who for who in PEOPLE if who not in first)]
        answered[name] = {
            who: await world.ask(who, name, row, scopes_of(operation)) for who in people
        }
        expected[name] = row.expected()
    assert answered == expected
    assert len(answered) == (
        len(ENDS_ACCOUNTS) if ends_accounts else len(TABLE) - len(ENDS_ACCOUNTS)
    )
