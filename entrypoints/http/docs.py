"""Serves the page on which people read and try the API, with nothing fetched from elsewhere."""

from functools import cache
from hashlib import sha256
from html import escape
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

# Swagger UI as its authors build it; the package around it is located, never imported.
_PACKAGE = "fastapi_swagger"
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFETY = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FRESH = {**_SAFETY, "Cache-Control": "no-cache"}
_FOREVER = {**_SAFETY, "Cache-Control": "public, max-age=31536000, immutable"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png?v={favicon}">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css?v={style}">
<script defer src="/docs/assets/swagger-ui-bundle.js?v={bundle}"></script>
<script defer src="/docs/start.js?v={start}"></script>
</head>
<body>
<div id="docs" data-openapi="{openapi}"></div>
<noscript>This page needs JavaScript; the API is described in {openapi}.</noscript>
</body>
</html>
"""
# validatorUrl null: Swagger UI would otherwise send the API's address to its makers. Left alone,
# it also keeps passwords and refresh tokens in the browser; what is kept here ends in minutes.
_START = """\
"use strict";

const place = document.getElementById("docs");

const keepAccessTokensOnly = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        persistAuthorizationIfNeeded: (original, system) => () => {
          const authorized = system.authSelectors.authorized().toJS();
          for (const scheme of Object.values(authorized)) {
            delete scheme.password;
            delete scheme.clientSecret;
            delete scheme.token?.refresh_token;
          }
          localStorage.setItem("authorized", JSON.stringify(authorized));
        },
      },
    },
  },
});

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  validatorUrl: null,
  persistAuthorization: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  filter: true,
  plugins: [keepAccessTokensOnly],
});
"""


def mount_docs(app: FastAPI) -> None:
    """Add `GET /docs` and its files to an app that was made with `docs_url=None`.

    None of it is in the OpenAPI document. Raises RuntimeError when Swagger UI is not installed
    or the app has no OpenAPI address.
    """
    contents = _contents(_PACKAGE)
    if app.openapi_url is None:
        raise RuntimeError("the docs page needs the app's openapi_url")
    page = _PAGE.format(
        title=escape(f"{app.title}: the API"),
        openapi=escape(app.openapi_url),
        favicon=_digest(contents["favicon-32x32.png"]),
        style=_digest(contents["swagger-ui.css"]),
        bundle=_digest(contents["swagger-ui-bundle.js"]),
        start=_digest(_START.encode()),
    )

    async def show(_: Request) -> Response:
        return Response(page, media_type="text/html", headers=_FRESH)

    async def start(_: Request) -> Response:
        return Response(_START, media_type="text/javascript", headers=_FOREVER)

    async def asset(request: Request) -> Response:
        name = request.path_params["file"]
        if name not in _ASSETS:
            raise HTTPException(404)
        return Response(contents[name], media_type=_ASSETS[name], headers=_FOREVER)

    app.add_route("/docs", show, methods=["GET"], include_in_schema=False)
    app.add_route("/docs/start.js", start, methods=["GET"], include_in_schema=False)
    app.add_route("/docs/assets/{file}", asset, methods=["GET"], include_in_schema=False)


@cache
def _contents(package: str) -> dict[str, bytes]:
    """Read the files, once for all apps of a process."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the docs page needs the package {package.replace('_', '-')}")
    folder = Path(spec.origin).parent / "resources"
    if missing := [name for name in _ASSETS if not (folder / name).is_file()]:
        raise RuntimeError(f"{package} lacks {', '.join(missing)}")
    return {name: (folder / name).read_bytes() for name in _ASSETS}


@cache
def _digest(content: bytes) -> str:
    """A short name of a file's content, so that browsers may keep it until it changes."""
    return sha256(content).hexdigest()[:12]
