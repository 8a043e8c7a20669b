"""/v1/items/{id}/grants: with whom an item is shared."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from application.ports.items import Grantee
from domain.access import Scope, UserId
from domain.errors import (
    AlreadyShared,
    Forbidden,
    GrantNotFound,
    InvalidCursor,
    ItemNotFound,
    UserNotFound,
)
from domain.item import ItemId
from domain.sharing import GrantRole
from entrypoints.http.answers import REPEATABLE, private
from entrypoints.http.dependencies import Call, signed_in
from entrypoints.http.examples import MOMENT, USER_ID, example
from entrypoints.http.fields import Answer, Id, Shape, Time
from entrypoints.http.items import replayed
from entrypoints.http.openapi import success, takes
from entrypoints.http.paging import PageQuery, next_page
from entrypoints.http.route import strict_router
from entrypoints.http.users import Email

router = strict_router("/v1/items/{id}/grants", tag="sharing")

Reader = Annotated[Call, signed_in(Scope.ITEMS_READ)]
Writer = Annotated[Call, signed_in(Scope.ITEMS_WRITE)]
Granted = Annotated[GrantRole, Field(strict=False, examples=["editor"])]


class GrantAnswer(Answer):
    """Somebody's access to an item."""

    model_config = example(user_id=USER_ID, display_name="Ada", role="editor", created_at=MOMENT)

    user_id: UUID
    display_name: str | None
    role: GrantRole
    created_at: Time

    @classmethod
    def of(cls, grantee: Grantee) -> "GrantAnswer":
        """Return a grant as clients see it."""
        return cls(
            user_id=grantee.grant.user_id,
            display_name=grantee.display_name,
            role=grantee.grant.role,
            created_at=grantee.grant.created_at,
        )


class GrantPageAnswer(Answer):
    """One page of grants; `next_cursor` is null on the last one."""

    data: list[GrantAnswer]
    next_cursor: str | None


class NewGrant(Shape):
    """With whom to share, and how far."""

    email: Email
    role: Granted


class GrantChange(Shape):
    """How far to share from now on."""

    role: Granted


@router.get("", responses=private(ItemNotFound, Forbidden, InvalidCursor) | success(200, "Link"))
async def list_grants(
    call: Reader, id: Id, asked: Annotated[PageQuery, Query()], response: Response
) -> GrantPageAnswer:
    """Look at with whom one's item is shared, in the order in which it was."""
    page = await call.run(
        lambda use: use.list_grants, ItemId(id), limit=asked.limit, cursor=asked.cursor
    )
    next_page(call, response, page.next_cursor)
    return GrantPageAnswer(
        data=[GrantAnswer.of(grantee) for grantee in page.entries], next_cursor=page.next_cursor
    )


@router.post(
    "",
    status_code=201,
    responses=private(ItemNotFound, UserNotFound, Forbidden, AlreadyShared, *REPEATABLE, body=True)
    | success(201, "Location", "Idempotent-Replayed"),
    openapi_extra=takes("Idempotency-Key"),
)
async def share_item(  # each is a part of the request
    call: Writer, id: Id, body: NewGrant, response: Response
) -> GrantAnswer:
    """Share one's item with the user who has that address."""
    done = await call.change(
        lambda use: use.share_item, ItemId(id), body.email, body.role, await call.attempt()
    )
    replayed(done, response)
    response.headers["Location"] = f"/v1/items/{id}/grants/{done.result.grant.user_id}"
    return GrantAnswer.of(done.result)


@router.put("/{user_id}", responses=private(ItemNotFound, GrantNotFound, Forbidden, body=True))
async def change_grant(call: Writer, id: Id, user_id: Id, body: GrantChange) -> GrantAnswer:
    """Let a grantee do more, or less."""
    grantee = await call.change(
        lambda use: use.change_grant, ItemId(id), UserId(user_id), body.role
    )
    return GrantAnswer.of(grantee)


@router.delete(
    "/{user_id}", status_code=204, responses=private(ItemNotFound, GrantNotFound, Forbidden)
)
async def withdraw_grant(call: Writer, id: Id, user_id: Id) -> None:
    """Take a grant back. A grantee may give up their own."""
    await call.change(lambda use: use.withdraw_grant, ItemId(id), UserId(user_id))
