"""/v1/items/changes: what changed in one's view, to be asked for or to be told of."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from application.pages import PAGE_DEFAULT
from application.ports.items import Change
from domain.access import Scope
from domain.errors import Gone, InvalidCursor
from entrypoints.http.answers import private
from entrypoints.http.dependencies import Call, bearer_token, signed_in
from entrypoints.http.errors import MethodNotAllowed
from entrypoints.http.examples import CURSOR, ITEM, ITEM_ID, MOMENT, example
from entrypoints.http.exchange import exchange_of
from entrypoints.http.fields import Answer, Time
from entrypoints.http.items import ItemAnswer, item_answer
from entrypoints.http.paging import Limit
from entrypoints.http.route import strict_router
from entrypoints.http.streams import Stream

router = strict_router("/v1/items/changes", tag="changes")

Reader = Annotated[Call, signed_in(Scope.ITEMS_READ)]

EVENT = f"""id: {CURSOR}
event: gone
data: {{"type":"gone","id":"{ITEM_ID}","at":"{MOMENT}"}}

"""


class PutAnswer(Answer):
    """An item that came into view, or changed in it."""

    model_config = example(type="put", id=ITEM_ID, item=ITEM, at=MOMENT)

    type: Literal["put"] = "put"
    id: UUID
    item: ItemAnswer
    at: Time


class GoneAnswer(Answer):
    """An item that went out of view: deleted, or no longer shared."""

    model_config = example(type="gone", id=ITEM_ID, at=MOMENT)

    type: Literal["gone"] = "gone"
    id: UUID
    at: Time


class ChangePageAnswer(Answer):
    """Changes in their order; `next_cursor` is the next `since`, also when there were none."""

    model_config = example(
        data=[{"type": "gone", "id": ITEM_ID, "at": MOMENT}], next_cursor=CURSOR, has_more=False
    )

    data: list[PutAnswer | GoneAnswer]
    next_cursor: str
    has_more: bool


class ChangesQuery(BaseModel):
    """Which changes are asked for."""

    since: str | None = Field(default=None, description="`next_cursor` of the last answer")
    limit: Limit = PAGE_DEFAULT


@router.get("", responses=private(InvalidCursor, Gone))
async def list_changes(call: Reader, asked: Annotated[ChangesQuery, Query()]) -> ChangePageAnswer:
    """Look at what was made, changed, shared or removed since then; each item comes once."""
    page = await call.run(lambda use: use.list_changes, since=asked.since, limit=asked.limit)
    return ChangePageAnswer(
        data=[_answer(change) for change in page.changes],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


@router.get(
    "/stream",
    responses=private(InvalidCursor, Gone)
    | {
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"example": EVENT}},
        }
    },
    response_class=StreamingResponse,
)
async def stream_changes(
    request: Request,
    call: Reader,
    since: Annotated[str | None, Query(description="Where to begin")] = None,
    last_event_id: Annotated[str | None, Header(description="Where to go on")] = None,
) -> StreamingResponse:
    """Be told of changes as they happen, each as an event with its cursor as its id.

    The stream ends with the token, or with its session or key: come again with a fresh token and
    the last id.
    """
    exchange = exchange_of(request)
    if exchange.method == "HEAD":
        raise MethodNotAllowed(["GET"])
    stream = Stream(call.app, call.caller, bearer_token(request), last_event_id or since)
    await stream.begin()
    return StreamingResponse(_events(stream), media_type="text/event-stream")


async def _events(stream: Stream) -> AsyncIterator[str]:
    async for batch in stream.batches():
        if not batch:
            yield ": alive\n\n"
        for cursor, change in batch:
            told: BaseModel = _answer(change)
            kind = "gone" if change.seen is None else "put"
            yield f"id: {cursor}\nevent: {kind}\ndata: {told.model_dump_json()}\n\n"


def _answer(change: Change) -> PutAnswer | GoneAnswer:
    if change.seen is None:
        return GoneAnswer(id=change.item_id, at=change.at)
    return PutAnswer(id=change.item_id, item=item_answer(change.seen), at=change.at)
