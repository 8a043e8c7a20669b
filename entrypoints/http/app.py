"""The HTTP application: routers, error handlers and the edge around one container."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from entrypoints import logs
from entrypoints.container import Container
from entrypoints.http import (
    administration,
    audit,
    auth,
    batch,
    changes,
    export,
    health,
    identities,
    items,
    machine_keys,
    providers,
    recovery,
    second_factor,
    sessions,
    sharing,
    users,
    well_known,
)
from entrypoints.http.application import Application
from entrypoints.http.chores import do_chores
from entrypoints.http.docs import mount_docs
from entrypoints.http.errors import register_error_handlers
from entrypoints.http.middleware import Cors, Edge, Guard
from entrypoints.http.openapi import complete_openapi
from entrypoints.http.route import keep_apart
from entrypoints.mail_work import delivering
from entrypoints.settings import Settings

DESCRIPTION = """Accounts, sign-in that can be trusted, and the items that people own.

Every error has one envelope: `{"error": {"code", "message", "details"}}`. Codes are stable;
each operation lists its own. The token endpoints take OAuth 2's parameters and answer errors
in this envelope too.

Programs call with keys of their own, sent like access tokens. What concerns credentials
(passwords, sessions, keys, identities, second factors, leaving) is done in person: a key is
answered FORBIDDEN there."""

ROUTES = (
    items,
    auth,
    changes,
    batch,
    sharing,
    users,
    machine_keys,
    second_factor,
    export,
    identities,
    recovery,
    audit,
    administration,
    providers,
    sessions,
    well_known,
    health,
)
"""In the order in which they are matched: what is asked for most comes first."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

ACCEPTED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-ID",
)

EXPOSED_HEADERS = (
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "X-Request-ID",
    "Idempotent-Replayed",
    "WWW-Authenticate",
)


def create_app(settings: Settings | None = None, container: Container | None = None) -> FastAPI:
    """Return the application, wired and not yet started.

    Settings are read from the environment unless they are given, and the container is made from
    them unless a test brings its own. Raises SettingsError.
    """
    settings = settings or Settings.load()
    if container is None:
        container = Container(settings=settings)
        logs.configure(settings.log_level, settings.log_format)

    app = FastAPI(
        title="Basalt",
        version="1",
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.application = Application(container, settings)
    for module in ROUTES:  # not `include_router`, which matches every request twice
        app.router.routes.extend(module.router.routes)
    complete_openapi(app, shortest_password=settings.password_min_length)
    mount_docs(app)
    keep_apart(app.router.routes)
    register_error_handlers(app)
    app.add_middleware(
        Guard, max_body_bytes=settings.max_body_bytes, request_limit=settings.request_limit
    )
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors_origins,
            allow_methods=METHODS,
            allow_headers=ACCEPTED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
    app.add_middleware(Edge, trusted=settings.trusted_proxies)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make ready before the first request, and finish what was begun after the last."""
    application: Application = app.state.application
    await anyio.to_thread.run_sync(application.prepare)
    tasks = [
        asyncio.create_task(do_chores(application)),
        asyncio.create_task(
            application.feeds.watch(
                lambda who: application.run(lambda use: use.newest_changes, who)
            )
        ),
    ]
    try:
        with delivering(application.container.deliver_mail()):
            yield
    finally:
        application.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await application.settle()
        await anyio.to_thread.run_sync(application.close)
