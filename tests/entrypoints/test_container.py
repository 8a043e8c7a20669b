"""Proves that the house is whole: every room opens, one can be swapped, and no two share one."""

import ast
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from dependency_injector import providers

import entrypoints
from domain.access import UserId
from entrypoints.container import Container, Glances
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.conftest import CHEAP, SettingsOf, migrate

MOMENT = datetime(2033, 3, 3, 3, 3, 3, 3, UTC)


@pytest.fixture
def container(settings_of: SettingsOf) -> Iterator[Container]:
    container = Container(settings=settings_of())
    yield container
    container.database().close()


def sign_up(container: Container, email: str) -> UserId:
    id: UserId = container.register()(email, "an orchard of quiet lamps").id
    return id


def test_every_provider_resolves(container: Container) -> None:
    assert len(container.providers) > 20
    for name, provider in container.providers.items():
        made = provider()
        assert made is not None, name
        if isinstance(provider, providers.Singleton):
            assert provider() is made, name


def use_cases_named(tree: ast.AST) -> Iterator[str]:
    """Yield the names in `lambda use: use.name`, which no type checker looks up."""
    for node in ast.walk(tree):
        match node:
            case ast.Lambda(
                args=ast.arguments(args=[ast.arg(arg="use")]),
                body=ast.Attribute(value=ast.Name(id="use"), attr=name),
            ):
                yield name
            case _:
                pass


def test_every_use_case_that_the_edge_names_is_provided() -> None:
    named = {
        name: file.name
        for file in Path(entrypoints.__path__[0]).rglob("*.py")
        for name in use_cases_named(ast.parse(file.read_text()))
    }
    assert len(named) > 50
    assert {name: file for name, file in named.items() if name not in Container.providers} == {}


def test_settings_are_required_and_must_be_settings() -> None:
    with pytest.raises(Exception, match="settings"):
        Container().database()
    with pytest.raises(Exception, match="Settings"):
        Container(settings={"data_dir": "."}).database()


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    container = Container(settings=Settings(data_dir=tmp_path / "data"))
    create_app(Settings(data_dir=tmp_path / "data"), container)
    assert not list(tmp_path.iterdir())


def test_one_line_swaps_one_provider_and_its_end_brings_it_back(container: Container) -> None:
    with container.clock.override(lambda: MOMENT):
        assert container.register()("ada@example.com", "an orchard of quiet lamps").created_at == (
            MOMENT
        )
    assert container.clock()() != MOMENT


def test_what_looks_at_a_glance_shares_all_but_the_way_to_read(container: Container) -> None:
    glances = Glances(container)
    usual, at_a_glance = container.identify(), glances.identify()
    assert usual.reading == container.store().reading
    assert at_a_glance.reading == glances.read_item().reading == container.store().glancing
    assert at_a_glance.access_tokens is usual.access_tokens
    assert at_a_glance.clock is usual.clock
    assert glances.identify() is at_a_glance


async def test_two_apps_in_one_process_share_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    containers = []
    for _ in range(2):
        settings = Settings(data_dir=tmp_path_factory.mktemp("app"), **CHEAP)
        migrate(settings)
        containers.append(Container(settings=settings))
    one, other = containers
    one.clock.override(lambda: MOMENT)
    apps = [create_app(container.settings(), container) for container in containers]
    async with (
        apps[0].router.lifespan_context(apps[0]),
        apps[1].router.lifespan_context(apps[1]),
    ):
        await asyncio.to_thread(sign_up, one, "ada@example.com")
        form = {
            "grant_type": "password",
            "username": "ada@example.com",
            "password": "an orchard of quiet lamps",
        }
        statuses = []
        for app in apps:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                statuses.append((await client.post("/v1/auth/token", data=form)).status_code)
        assert statuses == [200, 401]
    for name, provider in one.providers.items():
        if isinstance(provider, providers.Singleton):
            assert provider() is not other.providers[name](), name
    assert other.clock()() != MOMENT
    for container in containers:
        container.database().close()
