"""Proves that what the store undid for another's sake is done anew, and what must not be is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.ports.store import UnitOfWork
from domain.errors import Conflicted, TooManyAttempts, Unavailable
from entrypoints.http import trying
from entrypoints.http.trying import TRIES, persistent
from tests.entrypoints.http.api import Api, Person, Start, sign_in_form, told


class Losing:
    """Does the real thing, but undoes it so many times before, as a deadlock does."""

    def __init__(self, times: int, call: Callable[..., Any]) -> None:
        self.tried = 0
        self._times = times
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.tried += 1
        if self.tried <= self._times:
            raise Conflicted
        return self._call(*args, **kwargs)


def test_whoever_lost_is_tried_anew_so_often_and_no_oftener() -> None:
    assert persistent(Losing(TRIES - 1, divmod))(7, 2) == (3, 1)
    losing = Losing(TRIES, divmod)
    with pytest.raises(Conflicted):
        persistent(losing)(7, 2)
    assert losing.tried == TRIES


def test_nothing_is_tried_anew_for_a_caller_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "BEGUN_WITHIN", -1)
    losing = Losing(1, divmod)
    with pytest.raises(Conflicted):
        persistent(losing)(7, 2)
    assert losing.tried == 1


@pytest.mark.parametrize("failure", [Unavailable(), TooManyAttempts(1), ZeroDivisionError()])
def test_whatever_else_went_wrong_is_not_tried_anew(failure: Exception) -> None:
    tried = []

    def fail() -> None:
        tried.append(1)
        raise failure

    with pytest.raises(type(failure)):
        persistent(fail)()
    assert tried == [1]


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_change_that_lost_is_made_anew_and_once(api: Api, ada: Person) -> None:
    losing = Losing(1, api.container.create_item())
    with api.container.create_item.override(losing):
        await ada.item("Lamp oil")
    assert losing.tried == 2
    assert [one["title"] for one in (await ada.http.get("/v1/items")).json()["data"]] == [
        "Lamp oil"
    ]


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_sign_in_that_lost_is_not_hashed_and_counted_twice(api: Api, ada: Person) -> None:
    nobody = await api.client()
    losing = Losing(1, api.container.sign_in())
    with api.container.sign_in.override(losing):
        answer = await nobody.post("/v1/auth/token", data=sign_in_form(ada.email))
    assert told(answer) == (503, "SERVICE_UNAVAILABLE")
    assert losing.tried == 1


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_sharing_that_lost_anywhere_is_done_once(start: Start, lost: int) -> None:
    """First it counts an attempt, then it shares, then it takes the count back."""
    async with start(rate_limits=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        item = await ada.item()
        units = api.container.unit_of_work()
        begun = 0

        def losing() -> UnitOfWork:
            nonlocal begun
            begun += 1
            if begun == lost:
                raise Conflicted
            work: UnitOfWork = units()
            return work

        share = replace(api.container.share_item(), unit_of_work=losing)
        with api.container.share_item.override(share):
            answer = await ada.http.post(
                f"/v1/items/{item['id']}/grants", json={"email": bob.email, "role": "viewer"}
            )
        assert answer.status_code == 201, answer.text
        assert begun >= 3
