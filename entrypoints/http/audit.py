"""/v1/audit and one's own activity: what happened, newest first."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from application.pages import Page
from application.ports.records import AuditFilter
from domain.access import Scope, UserId
from domain.audit import TARGET_ID_MAX, Action, Entry
from domain.errors import InvalidCursor
from domain.text import line
from entrypoints.http.answers import private
from entrypoints.http.dependencies import Call, signed_in
from entrypoints.http.examples import MOMENT, USER_ID, example
from entrypoints.http.fields import LINE, Answer, Id, Moment, Time, ruled, text
from entrypoints.http.openapi import success
from entrypoints.http.paging import PageQuery, next_page
from entrypoints.http.route import strict_router

router = strict_router("/v1", tag="audit")

Auditor = Annotated[Call, signed_in(Scope.AUDIT_READ)]
Self = Annotated[Call, signed_in(Scope.ACCOUNT_READ)]

TargetId = Annotated[
    str,
    ruled(lambda id: line(id, field="target", longest=TARGET_ID_MAX)),
    text(longest=TARGET_ID_MAX, example="019ab1f2-7c3e-7d10-8a55-3f0c1d2e4b6a", pattern=LINE),
]


class EntryAnswer(Answer):
    """An entry; address and user agent are null where they were not known, or were erased."""

    model_config = example(
        id="019ab1f2-9d01-7b10-8c2e-0b1a2c3d4e5f",
        at=MOMENT,
        action="session.started",
        actor_id=USER_ID,
        target_type="user",
        target_id=USER_ID,
        result="success",
        ip="203.0.113.7",
        user_agent="curl/8.5.0",
        request_id="c7ab2a07c08a4f128129867203a08f9a",
    )

    id: UUID
    at: Time
    action: str
    actor_id: UUID | None
    target_type: str
    target_id: str | None
    result: str
    ip: str | None
    user_agent: str | None
    request_id: str | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryAnswer":
        """Return an entry as readers see it."""
        personal = entry.personal
        return cls(
            id=entry.id,
            at=entry.at,
            action=entry.action,
            actor_id=entry.actor_id,
            target_type=entry.target_type,
            target_id=entry.target_id,
            result=entry.result,
            ip=personal.address if personal else None,
            user_agent=personal.user_agent if personal else None,
            request_id=entry.request_id,
        )


class EntryPageAnswer(Answer):
    """One page of entries; `next_cursor` is null on the last one."""

    data: list[EntryAnswer]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Entry]) -> "EntryPageAnswer":
        """Return a page as readers see it."""
        return cls(
            data=[EntryAnswer.of(entry) for entry in page.entries], next_cursor=page.next_cursor
        )


class AuditQuery(PageQuery):
    """Which entries are looked for."""

    actor: Id | None = Field(default=None, description="Who did it")
    action: Action | None = Field(default=None, description="What was done")
    target: TargetId | None = Field(default=None, description="The id of what it was done to")
    since: Moment | None = Field(default=None, description="From this time on (RFC 3339)")
    until: Moment | None = Field(default=None, description="Before this time (RFC 3339)")

    def wanted(self) -> AuditFilter:
        """Return what is looked for, as the application has it."""
        return AuditFilter(
            actor_id=None if self.actor is None else UserId(self.actor),
            action=None if self.action is None else self.action.value,
            target_id=self.target,
            since=self.since,
            until=self.until,
        )


@router.get("/audit", responses=private(InvalidCursor) | success(200, "Link"))
async def read_audit(
    call: Auditor, asked: Annotated[AuditQuery, Query()], response: Response
) -> EntryPageAnswer:
    """Look at everything that happened, newest first."""
    page = await call.run(
        lambda use: use.read_audit, asked.wanted(), limit=asked.limit, cursor=asked.cursor
    )
    next_page(call, response, page.next_cursor)
    return EntryPageAnswer.of(page)


@router.get("/users/me/activity", responses=private(InvalidCursor) | success(200, "Link"))
async def read_activity(
    call: Self, asked: Annotated[PageQuery, Query()], response: Response
) -> EntryPageAnswer:
    """Look at what was done by oneself, or to one's account."""
    page = await call.run(lambda use: use.read_activity, limit=asked.limit, cursor=asked.cursor)
    next_page(call, response, page.next_cursor)
    return EntryPageAnswer.of(page)
