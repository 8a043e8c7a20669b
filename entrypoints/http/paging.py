"""Pages of lists over HTTP: how they are asked for, and the Link to the next one (RFC 8288)."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Response
from pydantic import BaseModel, Field

from application.pages import PAGE_DEFAULT, PAGE_MAX
from entrypoints.http.dependencies import CallOf

Limit = Annotated[int, Field(ge=1, le=PAGE_MAX)]
"""How many entries a page may have."""


class PageQuery(BaseModel):
    """Which page of a list; what a list asks besides is its own model's."""

    limit: Limit = PAGE_DEFAULT
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before")


def next_page(call: CallOf[Any], response: Response, cursor: str | None) -> None:
    """Point to the next page, if there is one: what was asked for, from the cursor on."""
    if cursor is None:
        return
    asked = call.request.query_params.multi_items()
    query = urlencode([*(pair for pair in asked if pair[0] != "cursor"), ("cursor", cursor)])
    at = f"{call.app.settings.base_url}{call.request.scope['path']}?{query}"
    response.headers["Link"] = f'<{at}>; rel="next"'
