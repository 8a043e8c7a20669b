"""Pages of lists over HTTP: the Link header that leads to the next one (RFC 8288)."""

from urllib.parse import urlencode

from fastapi import Response

from entrypoints.http.application import Application


def next_page(
    response: Response, app: Application, path: str, cursor: str | None, **parameters: object
) -> None:
    """Point to the next page, if there is one: the same list, from the cursor on."""
    if cursor is None:
        return
    sent = {name: value for name, value in parameters.items() if value is not None}
    query = urlencode(sent | {"cursor": cursor}, doseq=True)
    response.headers["Link"] = f'<{app.settings.base_url}{path}?{query}>; rel="next"'
