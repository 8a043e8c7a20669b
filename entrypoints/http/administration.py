"""/v1/users, for administrators: finding accounts, changing them, and ending their sessions."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from application.administration import UserEdit
from application.ports.accounts import UserFilter
from domain.access import Role, Scope, UserId
from domain.errors import (
    InvalidCursor,
    LastAdmin,
    ReauthenticationRequired,
    SecondFactorNotFound,
    UserNotFound,
)
from domain.text import line
from domain.user import Status
from entrypoints.http.answers import personal, private
from entrypoints.http.dependencies import Call, PersonsCall, in_person, signed_in
from entrypoints.http.fields import LINE, Answer, Id, Shape, ruled, text
from entrypoints.http.openapi import success
from entrypoints.http.paging import PageQuery, next_page
from entrypoints.http.route import strict_router
from entrypoints.http.sessions import SessionAnswer, SessionListAnswer
from entrypoints.http.users import DisplayName, UserAnswer

router = strict_router("/v1/users", tag="administration")

Reader = Annotated[Call, signed_in(Scope.USERS_READ)]
Writer = Annotated[Call, signed_in(Scope.USERS_WRITE)]
InPerson = Annotated[PersonsCall, in_person(Scope.USERS_WRITE)]

SEARCH_MAX = 254
Words = Annotated[
    str,
    ruled(lambda words: line(words, field="q", longest=SEARCH_MAX)),
    text(longest=SEARCH_MAX, example="ada", pattern=LINE),
]


class UserPageAnswer(Answer):
    """One page of accounts; `next_cursor` is null on the last one."""

    data: list[UserAnswer]
    next_cursor: str | None


class UserPatch(Shape):
    """What an administrator changes; what is absent stays, a null name clears."""

    role: Role = Field(default=Role.MEMBER, strict=False, json_schema_extra={"default": None})
    status: Status = Field(default=Status.ACTIVE, strict=False, json_schema_extra={"default": None})
    display_name: DisplayName | None = None

    def edit(self) -> UserEdit:
        """Return the change, with only the fields that were sent."""
        sent = self.model_fields_set
        return UserEdit(
            role=self.role if "role" in sent else None,
            status=self.status if "status" in sent else None,
            renames="display_name" in sent,
            name=self.display_name,
        )


class UserListQuery(PageQuery):
    """Which accounts are looked for."""

    q: Words | None = Field(default=None, description="A part of the address or the name")
    role: Role | None = None
    status: Status | None = None


@router.get("", responses=private(InvalidCursor) | success(200, "Link"))
async def list_users(
    call: Reader, asked: Annotated[UserListQuery, Query()], response: Response
) -> UserPageAnswer:
    """Find accounts, newest first."""
    wanted = UserFilter(words=asked.q, role=asked.role, status=asked.status)
    page = await call.run(
        lambda use: use.list_users, wanted, limit=asked.limit, cursor=asked.cursor
    )
    next_page(call, response, page.next_cursor)
    return UserPageAnswer(
        data=[UserAnswer.model_validate(user) for user in page.entries],
        next_cursor=page.next_cursor,
    )


@router.get("/{id}", responses=private(UserNotFound))
async def read_user(call: Reader, id: Id) -> UserAnswer:
    """Look at any account."""
    return UserAnswer.model_validate(await call.app.run(lambda use: use.read_user, UserId(id)))


@router.patch("/{id}", responses=private(UserNotFound, LastAdmin, body=True))
async def edit_user(call: Writer, id: Id, body: UserPatch) -> UserAnswer:
    """Change an account's role, status or name. Suspending ends its sessions at once."""
    user = await call.change(lambda use: use.edit_user, UserId(id), body.edit())
    return UserAnswer.model_validate(user)


@router.delete("/{id}", status_code=204, responses=personal(UserNotFound, LastAdmin))
async def remove_user(call: Writer, id: Id) -> None:
    """Remove an account with its items and its sessions; not with a key of its own."""
    await call.change(lambda use: use.remove_user, UserId(id))


@router.get("/{id}/sessions", responses=personal(UserNotFound))
async def list_user_sessions(call: Reader, id: Id) -> SessionListAnswer:
    """Look at the sign-ins of any account; not with a key of its own."""
    found = await call.run(lambda use: use.list_user_sessions, UserId(id))
    return SessionListAnswer(data=[SessionAnswer.of(live, call.caller) for live in found])


@router.delete("/{id}/sessions", status_code=204, responses=personal(UserNotFound))
async def end_user_sessions(call: Writer, id: Id) -> None:
    """End all sessions of an account; not with a key of its own."""
    await call.change(lambda use: use.end_user_sessions, UserId(id))


@router.delete(
    "/{id}/second-factor",
    status_code=204,
    responses=personal(UserNotFound, SecondFactorNotFound, ReauthenticationRequired),
)
async def remove_user_second_factor(call: InPerson, id: Id) -> None:
    """Let in somebody who lost their authenticator app and their recovery codes.

    What they sign in with besides is enough again, and a mail tells them. First make sure that
    it is them who ask. Needs a proof that is not older than 15 minutes.
    """
    await call.change(lambda use: use.remove_user_second_factor, UserId(id))
