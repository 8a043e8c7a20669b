"""Pages of lists over HTTP: the Link header that leads to the next one (RFC 8288)."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Response

from entrypoints.http.dependencies import CallOf


def next_page(call: CallOf[Any], response: Response, cursor: str | None) -> None:
    """Point to the next page, if there is one: what was asked for, from the cursor on."""
    if cursor is None:
        return
    asked = call.request.query_params.multi_items()
    query = urlencode([*(pair for pair in asked if pair[0] != "cursor"), ("cursor", cursor)])
    at = f"{call.app.settings.base_url}{call.request.scope['path']}?{query}"
    response.headers["Link"] = f'<{at}>; rel="next"'
