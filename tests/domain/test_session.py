"""Sessions: when they end, and what each of their refresh tokens means."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import USER_AGENT_MAX, Origin, Role, SessionId
from domain.session import Session, Standing, Verdict
from domain.user import Status
from tests.domain.examples import ANNA, LIFETIMES, NOW, SESSION, a_session, uuid

GRACE = LIFETIMES.grace
TICK = timedelta(microseconds=1)


def start(origin: Origin) -> Session:
    return Session.start(
        id=SESSION,
        user_id=ANNA,
        scopes=Role.MEMBER.scopes,
        seed=bytes(range(32)),
        secret_id="a secret",
        origin=origin,
        now=NOW,
    )


def test_a_session_begins_with_its_first_token_and_where_it_came_from() -> None:
    assert start(Origin(address="192.0.2.1", user_agent="an agent")) == a_session()


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        (None, None),
        ("", None),
        ("x" * USER_AGENT_MAX, "x" * USER_AGENT_MAX),
        ("x" * 999, "x" * USER_AGENT_MAX),
    ],
)
def test_a_session_keeps_no_endless_user_agent(agent: str | None, kept: str | None) -> None:
    assert start(Origin(user_agent=agent)).user_agent == kept


@pytest.mark.parametrize(
    ("count", "verdict"),
    [
        (0, Verdict.SUPERSEDED),
        (5, Verdict.SUPERSEDED),
        (6, Verdict.REPEATED),
        (7, Verdict.CURRENT),
        (8, Verdict.NEVER_ISSUED),
        (2**32 - 1, Verdict.NEVER_ISSUED),
    ],
)
def test_a_token_is_judged_by_its_distance_from_the_current_one(
    count: int, verdict: Verdict
) -> None:
    assert a_session(counter=7).judge(count, now=NOW, grace=GRACE) is verdict


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (timedelta(0), Verdict.REPEATED),
        (GRACE - TICK, Verdict.REPEATED),
        (GRACE, Verdict.SUPERSEDED),
        (GRACE + TICK, Verdict.SUPERSEDED),
        (-GRACE + TICK, Verdict.REPEATED),
        (-GRACE, Verdict.SUPERSEDED),
        (-timedelta(days=1), Verdict.SUPERSEDED),
    ],
)
def test_a_lost_reply_is_forgiven_within_the_grace_whichever_way_the_clock_went(
    after: timedelta, verdict: Verdict
) -> None:
    assert a_session(counter=7).judge(6, now=NOW + after, grace=GRACE) is verdict


def test_without_a_grace_nothing_is_forgiven() -> None:
    assert a_session(counter=7).judge(6, now=NOW, grace=timedelta(0)) is Verdict.SUPERSEDED


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=30), -timedelta(days=30)])
def test_the_current_token_is_current_whatever_the_time(after: timedelta) -> None:
    assert a_session(counter=7).judge(7, now=NOW + after, grace=GRACE) is Verdict.CURRENT


def test_a_refresh_makes_the_next_token_current_and_restarts_the_idle_time() -> None:
    later = NOW + timedelta(days=1)
    session = a_session(counter=7)
    rotated = session.rotated(secret_id="another", now=later)
    assert rotated == replace(session, counter=8, secret_id="another", last_used_at=later)
    assert session.judge(7, now=later, grace=GRACE) is Verdict.CURRENT
    assert rotated.judge(7, now=later, grace=GRACE) is Verdict.REPEATED
    assert rotated.judge(8, now=later, grace=GRACE) is Verdict.CURRENT


@given(st.lists(st.integers(0, 20), max_size=12))
def test_however_long_a_session_lives_exactly_one_token_is_current(gaps: list[int]) -> None:
    session, now = a_session(), NOW
    for gap in gaps:
        now += timedelta(seconds=gap)
        session = session.rotated(secret_id="a secret", now=now)
        verdicts = [
            session.judge(count, now=now, grace=GRACE) for count in range(session.counter + 2)
        ]
        assert verdicts[-3:] == [Verdict.REPEATED, Verdict.CURRENT, Verdict.NEVER_ISSUED]
        assert set(verdicts[:-3]) <= {Verdict.SUPERSEDED}


def test_a_session_is_over_at_the_very_moment_when_it_was_idle_too_long() -> None:
    end = NOW + LIFETIMES.idle
    assert a_session().expires_at(LIFETIMES) == end
    assert not a_session().is_over(now=end - TICK, lifetimes=LIFETIMES)
    assert a_session().is_over(now=end, lifetimes=LIFETIMES)


def test_no_refresh_carries_a_session_past_its_whole_time() -> None:
    end = NOW + LIFETIMES.absolute
    session = a_session().rotated(secret_id="a secret", now=end - TICK)
    assert session.expires_at(LIFETIMES) == end
    assert not session.is_over(now=end - TICK, lifetimes=LIFETIMES)
    assert session.is_over(now=end, lifetimes=LIFETIMES)


def test_a_proof_renews_when_it_was_given_and_nothing_else() -> None:
    assert a_session().proved(now=NOW + TICK) == a_session(proved_at=NOW + TICK)


@pytest.mark.parametrize("age", [timedelta(0), LIFETIMES.idle - TICK, LIFETIMES.idle])
@pytest.mark.parametrize("status", Status)
def test_a_token_stands_while_its_session_lives_and_its_user_is_active(
    status: Status, age: timedelta
) -> None:
    session = a_session()
    standing = Standing(
        user_id=session.user_id,
        role=Role.MEMBER,
        status=status,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        proved_at=session.proved_at,
    )
    lives = age < LIFETIMES.idle and status is Status.ACTIVE
    assert standing.is_alive(now=NOW + age, lifetimes=LIFETIMES) is lives


def test_a_token_does_not_stand_past_the_whole_time_of_a_session_in_use() -> None:
    end = NOW + LIFETIMES.absolute
    standing = Standing(
        user_id=ANNA,
        role=Role.MEMBER,
        status=Status.ACTIVE,
        created_at=NOW,
        last_used_at=end,
        proved_at=NOW,
    )
    assert standing.is_alive(now=end - TICK, lifetimes=LIFETIMES)
    assert not standing.is_alive(now=end, lifetimes=LIFETIMES)


def test_the_seed_is_not_shown_with_the_session() -> None:
    assert "seed" not in repr(a_session(id=SessionId(uuid(12))))
