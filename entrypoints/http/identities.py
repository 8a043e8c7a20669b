"""/v1/users/me/identities: which identities sign in to one's account, linked in person."""

from collections.abc import Awaitable
from typing import Annotated, Self
from uuid import UUID

from application.ports.identities import Visit
from domain.access import Scope
from domain.errors import (
    IdentityNotFound,
    IdentityTaken,
    InvalidFlow,
    InvalidIdentity,
    LastSignInMethod,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from domain.identity import Identity, IdentityId
from entrypoints.http.answers import personal
from entrypoints.http.dependencies import PersonsCall, in_person
from entrypoints.http.examples import IDENTITY_ID, MOMENT, example
from entrypoints.http.fields import Answer, Id, Time
from entrypoints.http.openapi import follow, success
from entrypoints.http.providers import Return, proved
from entrypoints.http.route import strict_router

router = strict_router("/v1/users/me/identities", tag="identities")

Reader = Annotated[PersonsCall, in_person(Scope.ACCOUNT_READ)]
Writer = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]


class IdentityAnswer(Answer):
    """A way to sign in: who one is to a provider. `last_used_at` says when it last proved that."""

    model_config = example(
        id=IDENTITY_ID,
        provider="google",
        issuer="https://accounts.google.com",
        subject="110169484474386276334",
        created_at=MOMENT,
        last_used_at=None,
    )

    id: UUID
    provider: str
    issuer: str
    subject: str
    created_at: Time
    last_used_at: Time | None

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """Return an identity as its user sees it."""
        return cls.model_validate(identity)


class IdentityListAnswer(Answer):
    """All identities: they are few, so they are one page."""

    data: list[IdentityAnswer]
    next_cursor: None = None


@router.get("", responses=personal())
async def list_identities(call: Reader) -> IdentityListAnswer:
    """Look at the identities that sign in to one's account, the newest first."""
    found = await call.run(lambda use: use.list_identities)
    return IdentityListAnswer(data=[IdentityAnswer.of(each) for each in found])


@router.post(
    "",
    status_code=201,
    responses=personal(
        IdentityTaken,
        InvalidFlow,
        InvalidIdentity,
        ProviderUnavailable,
        ReauthenticationRequired,
        body=True,
    )
    | success(201, links=follow(unlink_identity="id")),
)
async def link_identity(call: Writer, body: Return) -> IdentityAnswer:
    """Let an identity sign in to one's account, with what a browser brought back from a flow.

    Any flow will do that was begun for it: its secret is the client's own, so nobody else's
    answer fits. One may have 50 identities. Needs a proof that is not older than 15 minutes.
    """

    def taking() -> Awaitable[Visit]:
        return call.change(lambda use: use.take_flow_to_link, body.flow, body.state)

    proven = await proved(call.app, taking, body.reply, call.caller.origin, call.caller)
    return IdentityAnswer.of(await call.change(lambda use: use.link_identity, proven))


@router.delete(
    "/{id}",
    status_code=204,
    responses=personal(IdentityNotFound, LastSignInMethod, ReauthenticationRequired),
)
async def unlink_identity(call: Writer, id: Id) -> None:
    """Let an identity sign in no more, unless it is the last way to sign in.

    It may join the account again by its address, if its provider is trusted with addresses. Needs
    a proof that is not older than 15 minutes.
    """
    await call.change(lambda use: use.unlink_identity, IdentityId(id))
