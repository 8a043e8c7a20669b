"""Every store answers a repeated request with the very result of the first."""

import json
from datetime import timedelta
from typing import Any

import pytest

from application.batch import BatchDone, Outcome
from application.ports.items import Attempt, Grantee
from domain.errors import IdempotencyKeyReused
from domain.item import Access, SeenItem
from domain.sharing import Grant, GrantRole
from domain.user import User
from tests.adapters.persistence.test_round_trips import ATTRIBUTES
from tests.application.house import Store
from tests.domain.examples import ANNA, BERT, ITEM, NOW, a_user, an_item

ATTEMPT = Attempt(key="a key", fingerprint="a fingerprint")
LATER = NOW + timedelta(hours=24)
TICK = timedelta(microseconds=1)
SEEN = SeenItem(item=an_item(), access=Access.OWNER)
GRANT = Grant(item_id=ITEM, user_id=BERT, role=GrantRole.EDITOR, created_at=NOW)


def keep(store: Store, result: object, *, user: Any = ANNA) -> None:
    with store.unit_of_work() as work:
        assert work.replays.find(user, ATTEMPT, now=NOW) is None
        work.replays.keep(user, ATTEMPT, result, expires_at=LATER)
        work.commit()


def find(store: Store, attempt: Attempt = ATTEMPT, *, now: Any = NOW, user: Any = ANNA) -> object:
    with store.unit_of_work() as work:
        return work.replays.find(user, attempt, now=now)


@pytest.fixture(autouse=True)
def bert(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()


@pytest.mark.parametrize(
    "result",
    [
        SEEN,
        SeenItem(item=an_item(tags=(), attributes={}, description=""), access=Access.ADMIN),
        Grantee(GRANT, "Bert"),
        Grantee(GRANT, None),
        BatchDone((Outcome(created=True, seen=SEEN), Outcome(created=False, seen=None))),
        BatchDone(()),
    ],
    ids=["item", "bare item", "grant", "bare grant", "batch", "empty batch"],
)
def test_a_kept_result_is_found_as_it_was(store: Store, result: object) -> None:
    keep(store, result)
    found = find(store)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=range(len(ATTRIBUTES)))
def test_attributes_are_found_in_their_order_and_of_their_kinds(
    store: Store, attributes: dict[str, Any]
) -> None:
    keep(store, SeenItem(item=an_item(attributes=attributes), access=Access.OWNER))
    found = find(store)
    assert isinstance(found, SeenItem)
    assert json.dumps(found.item.attributes) == json.dumps(attributes)


def test_what_came_to_nothing_is_tried_afresh(store: Store) -> None:
    with store.unit_of_work() as work:
        assert work.replays.find(ANNA, ATTEMPT, now=NOW) is None
        work.replays.keep(ANNA, ATTEMPT, SEEN, expires_at=LATER)
    assert find(store) is None


def test_another_request_with_the_same_key_is_refused(store: Store) -> None:
    keep(store, SEEN)
    with pytest.raises(IdempotencyKeyReused):
        find(store, Attempt(key=ATTEMPT.key, fingerprint="another"))
    assert find(store) == SEEN


def test_another_key_and_another_user_are_independent(store: Store) -> None:
    keep(store, SEEN)
    assert find(store, Attempt(key="A KEY", fingerprint=ATTEMPT.fingerprint)) is None
    assert find(store, user=BERT) is None
    keep(store, Grantee(GRANT, None), user=BERT)
    assert find(store) == SEEN


def test_a_result_is_kept_until_its_time_and_no_longer(store: Store) -> None:
    keep(store, SEEN)
    assert find(store, now=LATER - TICK) == SEEN
    assert find(store, now=LATER) is None
    assert find(store, Attempt(key="a key", fingerprint="another"), now=LATER) is None


def test_results_that_are_over_can_be_removed(store: Store) -> None:
    keep(store, SEEN)
    keep(store, SEEN, user=BERT)
    counts = []
    for now, at_most in ((LATER - TICK, 9), (LATER, 1), (LATER, 9), (LATER, 9)):
        with store.unit_of_work() as work:
            counts.append(work.replays.remove_expired(now=now, at_most=at_most))
            work.commit()
    assert counts == [0, 1, 1, 0]
    assert find(store) is None


@pytest.mark.parametrize(
    "result",
    [
        SEEN,
        Grantee(Grant(item_id=ITEM, user_id=ANNA, role=GrantRole.VIEWER, created_at=NOW), "Anna"),
        BatchDone((Outcome(created=False, seen=None), Outcome(created=False, seen=SEEN))),
    ],
    ids=["item", "grant", "batch"],
)
def test_whatever_names_a_user_can_be_removed_from_everybodys(store: Store, result: object) -> None:
    keep(store, result, user=BERT)
    keep(store, Grantee(GRANT, "Bert"))
    with store.unit_of_work() as work:
        work.replays.remove_naming(ANNA)
        work.commit()
    assert find(store, user=BERT) is None
    assert find(store) == Grantee(GRANT, "Bert")
