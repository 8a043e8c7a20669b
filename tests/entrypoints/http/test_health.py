"""Proves what is said when the database is away or another's: alive, not ready, try again."""

import asyncio

import pytest

from entrypoints.container import Container
from tests.entrypoints.conftest import SettingsOf
from tests.entrypoints.http.api import Api, Person, told
from tests.postgresql import PostgresServer


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_without_its_database_the_process_lives_and_asks_to_try_again(
    api: Api, ada: Person, database: str, postgresql: PostgresServer
) -> None:
    item = await ada.item()
    await asyncio.to_thread(postgresql.drop_database, database)
    calls = [
        ("GET", "/health/ready", None),
        ("GET", "/v1/users/me", None),
        ("GET", f"/v1/items/{item['id']}", None),
        ("POST", "/v1/items", {"title": "x"}),
    ]
    for method, path, body in calls:
        answer = await ada.http.request(method, path, json=body)
        assert told(answer) == (503, "SERVICE_UNAVAILABLE"), path
        assert int(answer.headers["Retry-After"]) >= 1
    answer = await ada.http.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_schema_that_is_not_current_is_not_ready(api: Api, settings_of: SettingsOf) -> None:
    class Outdated:
        def is_current(self) -> bool:
            return False

    nobody = await api.client()
    with api.container.schema.override(Outdated()):
        assert told(await nobody.get("/health/ready")) == (503, "SERVICE_UNAVAILABLE")
        assert (await nobody.get("/health/live")).status_code == 200
    assert (await nobody.get("/health/ready")).status_code == 200
    assert Container(settings=settings_of()).schema().is_current()
