"""What the tests of tokens, keys and cursors share: secrets, a forge, and a store in memory."""

import pytest

from adapters.memory.store import InMemoryStore
from adapters.security.access_tokens import JwtAccessTokens
from adapters.security.sealing import SecretSealer
from adapters.security.secrets import Secrets
from adapters.security.signing_keys import EcKeyForge
from tests.adapters.security.minting import ISSUER, LIFETIME, LiveKeys

YESTERDAY = b"the service's secret of yesterday"
TODAY = b"the service's secret of today ..."
TOMORROW = b"the service's secret of tomorrow ."


@pytest.fixture
def secrets() -> Secrets:
    """The service's secret, and none before it."""
    return Secrets(TODAY)


@pytest.fixture
def rotated() -> Secrets:
    """Another secret, while that of `secrets` is still known as the previous one."""
    return Secrets(TOMORROW, previous=TODAY)


@pytest.fixture
def given_up() -> Secrets:
    """Another secret, and that of `secrets` is not known any more."""
    return Secrets(TOMORROW, previous=YESTERDAY)


@pytest.fixture
def sealer(secrets: Secrets) -> SecretSealer:
    """Seals with the service's secret."""
    return SecretSealer(secrets)


@pytest.fixture
def forge(sealer: SecretSealer) -> EcKeyForge:
    """Makes keys that are sealed with the service's secret."""
    return EcKeyForge(sealer)


@pytest.fixture
def store() -> InMemoryStore:
    """An empty store."""
    return InMemoryStore()


@pytest.fixture
def keys() -> LiveKeys:
    """The keys that access tokens are signed and verified with."""
    return LiveKeys()


@pytest.fixture
def access_tokens(keys: LiveKeys) -> JwtAccessTokens:
    """Access tokens of one issuer under these keys."""
    return JwtAccessTokens(keys, issuer=ISSUER, lifetime=LIFETIME)
