"""What the tests of the REST API share: an app of their own, and people who use it.

Tests that change nothing, or only what is their own, share the app of their module: `shared`, with
its `reader`, `overseer` and `stranger`. A test that needs to start from nothing has an `api`.
"""

import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.access import Role
from entrypoints.settings import Settings
from tests.entrypoints.conftest import CHEAP, SettingsOf
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


@pytest.fixture(scope="module")
async def shared(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(sqlite_template, folder / "basalt.db")
    async with running(Settings(data_dir=folder, **CHEAP)) as api:
        yield api


@pytest.fixture(scope="module")
async def stranger(shared: Api) -> httpx.AsyncClient:
    """Return a client of the shared app that is not signed in."""
    return await shared.client()


@pytest.fixture(scope="module")
async def reader(shared: Api) -> Person:
    return await shared.join("reader")


@pytest.fixture(scope="module")
async def overseer(shared: Api) -> Person:
    """Return an administrator of the shared app."""
    return await shared.join("overseer", Role.ADMIN)


@pytest.fixture
async def newcomer(shared: Api) -> Person:
    """Return somebody new in the shared app, who has nothing yet."""
    return await shared.join(uuid.uuid4().hex)
