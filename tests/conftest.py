"""What the tests of every room share: a PostgreSQL and one kind of event loop."""

from collections.abc import Iterator

import pytest

from tests.postgresql import PostgresServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Hand out the session's PostgreSQL; tests that need it fail where there is none."""
    with PostgresServer.for_tests() as server:
        yield server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio alone, as the server does."""
    return "asyncio"
