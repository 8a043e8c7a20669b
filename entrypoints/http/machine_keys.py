"""/v1/users/me/keys: keys with which one's programs call, made and ended in person."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, JsonValue

from domain.access import MachineKeyId, Scope, names_of, scopes_named
from domain.errors import InvalidScope, KeyNotFound, ReauthenticationRequired
from domain.machine_key import NAME_MAX, MachineKey, key_name
from entrypoints.http.answers import personal
from entrypoints.http.dependencies import PersonsCall, in_person
from entrypoints.http.examples import KEY_ID, MOMENT, example
from entrypoints.http.fields import LINE, Answer, Id, Moment, Shape, Time, ruled, text
from entrypoints.http.openapi import follow, success
from entrypoints.http.route import strict_router

router = strict_router("/v1/users/me/keys", tag="keys")

Reader = Annotated[PersonsCall, in_person(Scope.ACCOUNT_READ)]
Writer = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]

Name = Annotated[str, ruled(key_name), text(longest=NAME_MAX, example="nightly", pattern=LINE)]

_ONE_OF_THEM: dict[str, JsonValue] = {
    "items": {"type": "string", "enum": [scope.value for scope in Scope]},
    "examples": [["items:read"]],
}
ScopeNames = Annotated[
    list[str], Field(min_length=1, max_length=len(Scope), json_schema_extra=_ONE_OF_THEM)
]


class NewKey(Shape):
    """What a key is for, what it may do, and when it ends; without `expires_at`, never."""

    name: Name
    scopes: ScopeNames
    expires_at: Moment | None = None


class KeyAnswer(Answer):
    """A key, without what it is used with. `last_used_at` is exact to a minute."""

    model_config = example(
        id=KEY_ID,
        name="nightly",
        scopes=["items:read"],
        created_at=MOMENT,
        expires_at=None,
        last_used_at=MOMENT,
    )

    id: UUID
    name: str
    scopes: list[str]
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None

    @classmethod
    def of(cls, key: MachineKey, /, **more: str) -> Self:
        """Return a key as its user sees it."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=list(names_of(key.scopes)),
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            **more,
        )


class NewKeyAnswer(KeyAnswer):
    """A new key. `key` is told this once: keep it where secrets are kept."""

    model_config = example(
        id=KEY_ID,
        name="nightly",
        scopes=["items:read"],
        created_at=MOMENT,
        expires_at=None,
        last_used_at=None,
        key="bslt_0Ky7…",
    )

    key: str


class KeyListAnswer(Answer):
    """All keys: they are few, so they are one page."""

    data: list[KeyAnswer]
    next_cursor: None = None


@router.post(
    "",
    status_code=201,
    responses=personal(InvalidScope, ReauthenticationRequired, body=True)
    | success(201, links=follow(delete_key="id")),
)
async def create_key(call: Writer, body: NewKey) -> NewKeyAnswer:
    """Make a key, which is sent like an access token: `Authorization: Bearer bslt_…`.

    It may do what its scopes say, as far as the user's role grants it, and nothing about how one
    signs in. At most 50 for each user. Needs a proof that is not older than 15 minutes.
    """
    made = await call.change(
        lambda use: use.create_machine_key, body.name, scopes_named(body.scopes), body.expires_at
    )
    return NewKeyAnswer.of(made.key, key=made.text)


@router.get("", responses=personal())
async def list_keys(call: Reader) -> KeyListAnswer:
    """Look at one's keys, the newest first."""
    found = await call.run(lambda use: use.list_machine_keys)
    return KeyListAnswer(data=[KeyAnswer.of(key) for key in found])


@router.delete("/{id}", status_code=204, responses=personal(KeyNotFound, ReauthenticationRequired))
async def delete_key(call: Writer, id: Id) -> None:
    """End a key: it is refused from now on. Needs a proof that is not older than 15 minutes.

    Whoever holds a key can end it without one: `POST /v1/auth/revoke`.
    """
    await call.change(lambda use: use.delete_machine_key, MachineKeyId(id))
