"""Every store keeps identities and flows as the ports promise."""

from datetime import timedelta

import pytest

from domain.errors import IdentityTaken, TokenRevoked
from domain.identity import Flow, Identity, IdentityId
from domain.user import User
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    BERT,
    IDENTITY,
    LATER,
    NOW,
    a_flow,
    a_user,
    an_identity,
    uuid,
)

FULL = an_identity(provider="p" * 32, issuer="i" * 255, subject="\u00fc" * 255, last_used_at=LATER)


def identity(number: int, **fields: object) -> Identity:
    return an_identity(id=IdentityId(uuid(number)), subject=str(number), **fields)


def flow(number: int, **fields: object) -> Flow:
    return a_flow(digest=bytes([number]) * 32, **fields)


def keep(store: Store, *kept: Identity | Flow) -> None:
    with store.unit_of_work() as work:
        for each in kept:
            if isinstance(each, Flow):
                work.flows.add(each)
            else:
                work.identities.add(each)
        work.commit()


def add_bert(store: Store) -> None:
    with store.unit_of_work() as work:
        work.users.add(a_user(id=BERT, email="bert@example.com"))
        work.commit()


def kept(store: Store, whose: object = ANNA) -> list[str]:
    """Return the subjects of somebody's identities, the newest first."""
    with store.reading() as see:
        return [each.subject for each in see.identities.of_user(whose)]  # type: ignore[arg-type]  # an id


@pytest.mark.parametrize("each", [an_identity(), FULL], ids=["least", "most"])
def test_an_identity_comes_back_as_it_was(store: Store, anna: User, each: Identity) -> None:
    keep(store, each)
    with store.reading() as see:
        assert list(see.identities.of_user(ANNA)) == [each]
        assert see.identities.known_by(each.issuer, each.subject) == each


def test_an_identity_is_known_by_issuer_and_subject_together_and_exactly(
    store: Store, anna: User
) -> None:
    keep(store, an_identity(issuer="https://a", subject="Ab"))
    with store.reading() as see:
        assert see.identities.known_by("https://a", "Ab")
        for issuer, subject in (("https://A", "Ab"), ("https://a", "ab"), ("https://a", "Ab ")):
            assert see.identities.known_by(issuer, subject) is None


def test_one_subject_of_one_issuer_opens_one_account(store: Store, anna: User) -> None:
    add_bert(store)
    keep(store, identity(1))
    with store.unit_of_work() as work, pytest.raises(IdentityTaken):
        work.identities.add(an_identity(user_id=BERT, subject="1"))
    keep(store, an_identity(user_id=BERT, subject="1", issuer="https://another.example.net"))
    assert (kept(store), kept(store, BERT)) == (["1"], ["1"])


def test_an_identity_can_be_changed_and_one_that_is_gone_stays_gone(
    store: Store, anna: User
) -> None:
    keep(store, an_identity())
    used = an_identity().used(now=LATER)
    with store.unit_of_work() as work:
        work.identities.save(used)
        work.identities.save(identity(99))
        work.commit()
    with store.reading() as see:
        assert list(see.identities.of_user(ANNA)) == [used]


def test_identities_come_the_newest_first_and_nobody_elses(store: Store, anna: User) -> None:
    add_bert(store)
    keep(store, identity(1), identity(2, created_at=LATER), identity(3), identity(4, user_id=BERT))
    assert (kept(store), kept(store, BERT)) == (["2", "3", "1"], ["4"])


def test_a_removed_identity_is_gone_and_removing_it_again_is_no_harm(
    store: Store, anna: User
) -> None:
    keep(store, an_identity(), identity(2))
    for _ in range(2):
        with store.unit_of_work() as work:
            work.identities.remove(IDENTITY)
            work.commit()
    assert kept(store) == ["2"]


def test_identities_go_with_their_user_or_all_at_once_and_no_others(
    store: Store, anna: User
) -> None:
    add_bert(store)
    keep(store, identity(1), identity(2), identity(3, user_id=BERT))
    with store.unit_of_work() as work:
        work.identities.remove_all_of(BERT)
        work.commit()
    assert (kept(store), kept(store, BERT)) == (["2", "1"], [])
    keep(store, identity(3, user_id=BERT))
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    assert (kept(store), kept(store, BERT)) == ([], ["3"])


def test_an_identity_of_a_user_who_is_gone_is_not_added(store: Store) -> None:
    with store.unit_of_work() as work, pytest.raises(TokenRevoked):
        work.identities.add(an_identity())


def test_a_flow_comes_back_as_it_was(store: Store) -> None:
    full = a_flow(provider="p" * 32, redirect_uri=f"https://a/?{'x' * 3000}")
    keep(store, full)
    with store.reading() as see:
        assert see.flows.get(full.digest) == full
        assert see.flows.get(b"another") is None


def test_a_flow_is_taken_once(store: Store) -> None:
    keep(store, flow(1), flow(2))
    taken = []
    for _ in range(2):
        with store.unit_of_work() as work:
            taken.append(work.flows.take(flow(1).digest))
            work.commit()
    assert taken == [True, False]
    with store.reading() as see:
        assert see.flows.get(flow(2).digest) == flow(2)


def test_flows_that_are_over_go_some_at_a_time(store: Store) -> None:
    keep(store, *(flow(number, expires_at=NOW) for number in range(1, 4)))
    keep(store, flow(4, expires_at=NOW + timedelta(microseconds=1)))
    with store.unit_of_work() as work:
        assert work.flows.remove_expired(now=NOW, at_most=2) == 2
        assert work.flows.remove_expired(now=NOW, at_most=2) == 1
        assert work.flows.remove_expired(now=NOW, at_most=2) == 0
        work.commit()
    with store.unit_of_work() as work:
        assert work.flows.remove_all() == 1
        work.commit()
    with store.reading() as see:
        assert see.flows.get(flow(4).digest) is None


def test_what_was_not_committed_was_never_there(store: Store, anna: User) -> None:
    keep(store, an_identity(), flow(1))
    with store.unit_of_work() as work:
        work.identities.add(identity(2))
        work.identities.remove(IDENTITY)
        work.flows.take(flow(1).digest)
    assert kept(store) == ["1234"]
    with store.reading() as see:
        assert see.flows.get(flow(1).digest)
