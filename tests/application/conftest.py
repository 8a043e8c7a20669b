"""What the tests of use cases share: a house on an empty store in memory."""

import pytest

from adapters.memory.store import InMemoryStore
from tests.application.house import House


@pytest.fixture
def house() -> House:
    """All use cases, with nobody in it yet."""
    return House(InMemoryStore())
