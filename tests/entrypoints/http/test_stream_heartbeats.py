"""Proves that a stream without news says that it is alive, and that too many are put off."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from application.ports.items import Change
from domain.access import Origin
from domain.errors import Unavailable
from entrypoints.http import feeds, streams
from entrypoints.http.application import Application
from entrypoints.http.feeds import Feeds
from entrypoints.http.streams import Stream
from tests.entrypoints.http.api import Api, Person


async def opened(api: Api, person: Person) -> AsyncGenerator[Sequence[tuple[str, Change]], None]:
    app: Application = api.app.state.application
    token = person.tokens["access_token"]
    caller = api.container.identify()(token, Origin())
    stream = Stream(app, caller, token, None)
    await stream.begin()
    batches = stream.batches()
    assert isinstance(batches, AsyncGenerator)
    return batches


async def test_a_silent_stream_says_that_it_is_alive(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_EVERY", 0.02)
    monkeypatch.setattr(streams, "HEARTBEAT_EVERY", 0.05)
    batches = await opened(api, ada)
    async with asyncio.timeout(5):
        assert [await anext(batches) for _ in range(2)] == [(), ()]
        item = await ada.item()
        batch = await anext(batches)
        while not batch:
            batch = await anext(batches)
    ((_, change),) = batch
    assert str(change.item_id) == item["id"]
    await batches.aclose()


async def test_a_programs_stream_ends_soon_after_its_key(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_EVERY", 0.02)
    monkeypatch.setattr(streams, "HEARTBEAT_EVERY", 0.05)
    wanted = {"name": "follower", "scopes": ["items:read"]}
    made = (await ada.http.post("/v1/users/me/keys", json=wanted)).json()
    program = Person(ada.email, {"access_token": made["key"]}, ada.http)
    batches = await opened(api, program)
    async with asyncio.timeout(5):
        assert await anext(batches) == ()
        deleted = await ada.http.delete(f"/v1/users/me/keys/{made['id']}")
        assert deleted.status_code == 204
        assert all([batch == () async for batch in batches])


async def test_a_stream_that_is_left_is_forgotten(api: Api, ada: Person) -> None:
    await ada.item()
    batches = await opened(api, ada)
    await anext(batches)
    app: Application = api.app.state.application
    assert app.feeds._waiting  # noqa: SLF001  # nothing else shows who is waited for
    await batches.aclose()
    assert not app.feeds._waiting  # noqa: SLF001


async def test_more_streams_than_a_worker_can_bear_are_put_off(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "STREAMS_MAX", 2)
    told = Feeds()
    user = api.container.identify()(ada.tokens["access_token"], Origin()).user_id
    first, _ = told.join(user), told.join(user)
    with pytest.raises(Unavailable):
        told.join(user)
    told.leave(user, first)
    told.join(user)


async def test_a_stream_that_is_put_off_is_told_so(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "STREAMS_MAX", 0)
    answer = await ada.http.get("/v1/items/changes/stream")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
