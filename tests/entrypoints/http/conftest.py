"""What the tests of the REST API share: an app of their own, and people who use it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from domain.access import Role
from tests.entrypoints.conftest import SettingsOf
from tests.entrypoints.http.api import Api, Person, Start, running


@pytest.fixture
def start(settings_of: SettingsOf) -> Start:
    def begin(**settings: Any) -> AbstractAsyncContextManager[Api]:
        return running(settings_of(**settings))

    return begin


@pytest.fixture
async def api(start: Start) -> AsyncIterator[Api]:
    async with start() as api:
        yield api


@pytest.fixture
async def nobody(api: Api) -> httpx.AsyncClient:
    """Return a client that is not signed in."""
    return await api.client()


@pytest.fixture
async def ada(api: Api) -> Person:
    return await api.join("ada")


@pytest.fixture
async def bob(api: Api) -> Person:
    return await api.join("bob")


@pytest.fixture
async def admin(api: Api) -> Person:
    return await api.join("admin", Role.ADMIN)
