"""/v1/auth/sessions: one's own sign-ins, and ending them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from application.sessions import LiveSession
from domain.access import Caller, Person, Scope, SessionId
from domain.errors import SessionNotFound
from entrypoints.http.answers import personal
from entrypoints.http.dependencies import PersonsCall, in_person
from entrypoints.http.examples import MOMENT, SESSION_ID, example
from entrypoints.http.fields import Answer, Id, Time
from entrypoints.http.route import strict_router

router = strict_router("/v1/auth/sessions", tag="sessions")

Reader = Annotated[PersonsCall, in_person(Scope.ACCOUNT_READ)]
Writer = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]


class SessionAnswer(Answer):
    """A sign-in that is alive, and from where it was made."""

    model_config = example(
        id=SESSION_ID,
        created_at=MOMENT,
        last_used_at=MOMENT,
        expires_at="2026-12-07T09:30:00.000000Z",
        ip="203.0.113.7",
        user_agent="curl/8.5.0",
        current=True,
    )

    id: UUID
    created_at: Time
    last_used_at: Time
    expires_at: Time
    ip: str | None
    user_agent: str | None
    current: bool

    @classmethod
    def of(cls, live: LiveSession, caller: Caller) -> "SessionAnswer":
        """Return a session as a caller sees it."""
        session = live.session
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=live.expires_at,
            ip=session.address,
            user_agent=session.user_agent,
            current=isinstance(caller, Person) and session.id == caller.session_id,
        )


class SessionListAnswer(Answer):
    """All sessions: they are few, so they are one page."""

    data: list[SessionAnswer]
    next_cursor: None = None


class EndingQuery(BaseModel):
    """Which sessions end."""

    include_current: bool = Field(default=False, description="End this one too")


@router.get("", responses=personal())
async def list_sessions(call: Reader) -> SessionListAnswer:
    """Look at one's sign-ins, the one used last first."""
    found = await call.run(lambda use: use.list_sessions)
    return SessionListAnswer(data=[SessionAnswer.of(live, call.caller) for live in found])


@router.delete("", status_code=204, responses=personal())
async def end_sessions(call: Writer, asked: Annotated[EndingQuery, Query()]) -> None:
    """End all other sessions, or all. Their tokens are refused from now on."""
    await call.change(lambda use: use.end_sessions, include_current=asked.include_current)


@router.delete("/{id}", status_code=204, responses=personal(SessionNotFound))
async def end_session(call: Writer, id: Id) -> None:
    """End one session. Its tokens are refused from now on."""
    await call.change(lambda use: use.end_session, SessionId(id))
