"""The least that asks the database the same: Starlette, two statements of SQLite, and JSON.

Reads the session and the item by their keys from a file of Basalt's, in the event loop. It checks
no token, no scope and no limit, and logs nothing.
"""

import json
import os
import sqlite3

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FILE, SESSION = os.environ["BENCH_FILE"], os.environ["BENCH_SESSION"]
STANDING = """SELECT s.user_id, u.role, u.status, s.created_at, s.last_used_at
FROM sessions AS s JOIN users AS u ON s.user_id = u.id WHERE s.id = ?"""
ITEM = """SELECT id, owner_id, title, description, tags, attributes, version, created_at, updated_at
FROM items WHERE id = ?"""
NAMES = ("id", "owner_id", "title", "description", "tags", "attributes", "version", "at", "since")

database = sqlite3.connect(FILE, isolation_level=None)
database.execute("PRAGMA query_only = ON")


async def read(request: Request) -> Response:
    """Return an item, as it is in its row."""
    id = request.path_params["id"].replace("-", "")
    standing = database.execute(STANDING, (SESSION,)).fetchone()
    item = database.execute(ITEM, (id,)).fetchone()
    if standing is None or item is None:
        return Response(status_code=404)
    shown = json.dumps(dict(zip(NAMES, item, strict=True)))
    return Response(shown, media_type="application/json")


app = Starlette(routes=[Route("/v1/items/{id}", read)])
