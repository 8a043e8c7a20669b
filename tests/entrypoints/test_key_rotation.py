"""Proves that keys are changed under running workers, and no request fails that should not.

Two workers on one database, a client that does not stop, and somebody else's verifier that
caches the key set for as long as our answer allows; all on clocks that go when they are told to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.admission import Tokens
from domain.access import Role
from domain.errors import InvalidRefreshToken, InvalidToken, KeyNotFound, KeySigns, StoreUnfit
from domain.key import KeyId, SigningKey
from entrypoints.container import Container
from tests.entrypoints.conftest import CHEAP, SettingsOf
from tests.entrypoints.racing import HERE, People
from tests.entrypoints.tokens import kid_of, published

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])

CACHED = 300
LIFETIME = 600
FOLLOWED = 5
SECRET, NEW_SECRET = str(CHEAP["secret_key"]), "yQ4hVz8sKd2nWm6bRc9tXp3fLg7jTe5U"


class Time:
    """The time of day and the monotonic clock, which go together when they are told to."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.seconds = 1000.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Scene:
    """Two workers, and a client with a session that it keeps alive."""

    time: Time
    workers: list[People]
    tokens: Tokens
    old: list[tuple[float, Tokens]] = field(default_factory=list)

    def step(self, seconds: float) -> None:
        """Let time pass, then refresh at one worker and call both; nothing fails."""
        self.time.forward(seconds)
        self.workers.reverse()
        self.tokens = self.workers[0].refresh(self.tokens)
        self.old.append((self.time.seconds, self.tokens))
        for worker in self.workers:
            for issued_at, tokens in self.old:
                if self.time.seconds - issued_at < LIFETIME - 1:
                    worker.caller(tokens)

    @property
    def kid(self) -> KeyId:
        """The key that the newest token was signed with."""
        return kid_of(self.tokens.access_token)

    def rotate(self, *, in_a_hurry: bool = False) -> SigningKey:
        key: SigningKey = self.workers[0].container.rotate_keys()(in_a_hurry=in_a_hurry)
        return key


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch, settings_of: SettingsOf) -> Time:
    time = Time(Container(settings=settings_of()).clock()())
    monkeypatch.setattr("adapters.security.signing_keys.time", time)
    return time


@pytest.fixture
def scene(settings_of: SettingsOf, time: Time) -> Iterator[Scene]:
    containers = [Container(settings=settings_of(access_token_ttl=LIFETIME)) for _ in range(2)]
    for container in containers:
        container.clock.override(time)
    workers = [People(container) for container in containers]
    scene = Scene(time, workers, workers[0].sign_in(workers[0].join("ada")))
    scene.step(1.3)  # the two have looked at the keys at different times
    yield scene
    for container in containers:
        container.database().close()


def test_a_rotation_is_published_before_it_signs_and_nobody_is_left_behind(scene: Scene) -> None:
    before, cached, fetched_at = scene.kid, published(scene.workers[0].container), 0.0
    fetched_at = scene.time.seconds
    new = scene.rotate()
    begun, first_signed = scene.time.seconds, None
    while scene.time.seconds - begun < 2 * CACHED + LIFETIME:
        scene.step(19.7)
        if scene.time.seconds - fetched_at >= CACHED:
            cached, fetched_at = published(scene.workers[0].container), scene.time.seconds
        assert scene.kid in cached, "a verifier met a key that it could not have known"
        if scene.kid == new.id and first_signed is None:
            first_signed = scene.time.seconds - begun
    assert first_signed is not None
    assert CACHED <= first_signed < CACHED + 30
    assert before != new.id


def test_a_hurried_rotation_signs_within_seconds_and_no_worker_is_left_behind(
    scene: Scene,
) -> None:
    new = scene.rotate(in_a_hurry=True)
    signed_after = 0.0
    while scene.kid != new.id:
        scene.step(0.4)
        signed_after += 0.4
        assert signed_after < FOLLOWED + 1
    for _ in range(20):
        scene.step(0.4)
        assert scene.kid == new.id


def test_a_retired_keys_tokens_fail_within_five_seconds_and_sessions_go_on(scene: Scene) -> None:
    old_kid, old = scene.kid, scene.tokens
    scene.rotate(in_a_hurry=True)
    while scene.kid == old_kid:
        scene.step(0.5)
    for worker in scene.workers:
        worker.caller(old)  # remembered from now on
    scene.old = [(at, each) for at, each in scene.old if kid_of(each.access_token) != old_kid]
    scene.workers[0].container.retire_key()(old_kid)
    assert old_kid not in published(scene.workers[1].container)
    passed = 0.0
    while passed < FOLLOWED:
        scene.step(0.5)  # the new key's tokens and the refresh token never fail
        passed += 0.5
    for worker in scene.workers:
        with pytest.raises(InvalidToken):
            worker.caller(old)
        assert worker.container.introspect()(old.access_token, HERE) is None
    assert scene.workers[0].is_alive(scene.tokens)


def test_the_key_that_signs_and_one_that_is_not_there_cannot_be_retired(scene: Scene) -> None:
    retire = scene.workers[0].container.retire_key()
    with pytest.raises(KeySigns):
        retire(scene.kid)
    with pytest.raises(KeyNotFound):
        retire(KeyId("nonsense"))
    scene.step(1)


def test_a_token_of_a_new_key_is_known_to_every_worker_at_once(scene: Scene) -> None:
    key = scene.rotate(in_a_hurry=True)
    scene.time.forward((key.signs_from - scene.time.now).total_seconds())
    for issuer in scene.workers:
        scene.tokens = issuer.refresh(scene.tokens)
        assert scene.kid == key.id
        for verifier in scene.workers:
            verifier.caller(scene.tokens)


@pytest.fixture
def opened(settings_of: SettingsOf, time: Time) -> Iterator[Callable[..., People]]:
    """Start workers with the settings that a test wants."""
    containers: list[Container] = []

    def begin(**settings: Any) -> People:
        containers.append(Container(settings=settings_of(**settings)))
        containers[-1].clock.override(time)
        containers[-1].prepare_keys()()
        return People(containers[-1])

    yield begin
    for container in containers:
        container.database().close()


def test_another_secret_takes_over_what_the_previous_one_sealed(
    opened: Callable[..., People],
) -> None:
    before = opened()
    ada = before.join("ada", Role.ADMIN)
    idle, lost = before.sign_in(ada), before.sign_in(ada)
    successor = before.refresh(lost)
    between = opened(secret_key=NEW_SECRET, secret_key_previous=SECRET)
    assert between.caller(idle).user_id == ada.id
    again = between.refresh(lost)  # its reply was lost, and meanwhile the secret changed
    assert again.refresh_token == successor.refresh_token
    moved = between.refresh(successor)
    after = opened(secret_key=NEW_SECRET)
    assert after.is_alive(moved)
    with pytest.raises(InvalidRefreshToken):
        after.refresh(idle)
    after.sign_in(ada)
    verdict = after.container.verify_audit()()
    assert (verdict.damage, verdict.head.number) == (None, 4)
    with pytest.raises(StoreUnfit):
        opened(secret_key=SECRET).sign_in(ada)
