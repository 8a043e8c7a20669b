"""/health: whether the process serves, and whether it can do its work."""

from typing import Literal

from domain.errors import Unavailable
from entrypoints.http.answers import public
from entrypoints.http.dependencies import Public
from entrypoints.http.fields import Answer
from entrypoints.http.route import strict_router

router = strict_router("/health", tag="system")


class Health(Answer):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/live", responses=public())
async def live(_: Public) -> Health:
    """Say that the process serves; it does not ask the database."""
    return Health()


@router.get("/ready", responses=public())
async def ready(call: Public) -> Health:
    """Say whether requests can be served: the database answers, and its schema is current."""
    if not await call.app.is_ready():
        raise Unavailable
    return Health()
