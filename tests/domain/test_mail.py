"""What is true of letters and of the tokens that they carry."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.mail import (
    ATTEMPTS,
    CAUSE_MAX,
    FIRST_DELAY,
    LEASE,
    LONGEST_DELAY,
    Letter,
    LetterId,
    OneTimeToken,
    Topic,
    voided,
)
from tests.domain.examples import ANNA, LETTER, NOW, a_letter, a_token, uuid

TICK = timedelta(microseconds=1)


def test_a_new_letter_is_due_at_once() -> None:
    letter = Letter.write(id=LETTER, topic=Topic.RECOVERY, user_id=None, sealed=b"", now=NOW)
    assert (letter.due_at, letter.attempts, letter.is_given_up) == (NOW, 0, False)


def test_a_letter_that_is_taken_counts_an_attempt_and_is_nobody_elses_for_a_while() -> None:
    taken = a_letter().taken(now=NOW)
    assert (taken.attempts, taken.due_at) == (1, NOW + LEASE)


def test_a_letter_is_tried_later_and_ever_later_for_about_a_day() -> None:
    letter, delays = a_letter(), []
    while not letter.is_given_up:
        letter = letter.taken(now=NOW).failed("no answer", now=NOW)
        if letter.due_at:
            delays.append(letter.due_at - NOW)
    assert delays[:3] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY]
    assert delays == sorted(delays)
    assert max(delays) == LONGEST_DELAY
    assert len(delays) == ATTEMPTS - 1
    assert timedelta(hours=20) < sum(delays, timedelta()) < timedelta(hours=28)
    assert letter.cause == "no answer"


def test_a_letter_that_nobody_will_ever_take_is_given_up_at_once() -> None:
    assert a_letter().taken(now=NOW).failed("no such mailbox", now=NOW, for_good=True).is_given_up


def test_a_letter_that_kills_its_senders_is_given_up_too() -> None:
    letter = a_letter()
    for _ in range(ATTEMPTS):
        letter = letter.taken(now=NOW)
    assert not letter.is_given_up
    assert letter.taken(now=NOW).is_given_up


def test_a_long_cause_is_cut() -> None:
    for for_good in (True, False):
        failed = a_letter().failed("x" * 1000, now=NOW, for_good=for_good)
        assert failed.cause == "x" * CAUSE_MAX


@pytest.mark.parametrize(
    ("topic", "lifetime"),
    [
        (Topic.VERIFICATION, timedelta(hours=1)),
        (Topic.RECOVERY, timedelta(hours=1)),
        (Topic.NEW_ADDRESS, timedelta(hours=1)),
        (Topic.OLD_ADDRESS, timedelta(days=7)),
        (Topic.PASSWORD_CHANGED, None),
        (Topic.KEY_CREATED, None),
        (Topic.KNOWN_ADDRESS, None),
    ],
)
def test_a_token_lives_an_hour_and_an_undo_a_week(topic: Topic, lifetime: timedelta | None) -> None:
    assert topic.token_lifetime == lifetime


def test_a_tokens_time_begins_when_its_letter_goes_out_and_ends_at_the_very_moment() -> None:
    token = OneTimeToken.issue(
        id=LETTER, user_id=ANNA, topic=Topic.RECOVERY, address="a@b.example", seed=b"", now=NOW
    )
    assert token.expires_at == NOW + timedelta(hours=1)
    sent = token.mailed(now=NOW + timedelta(hours=5))
    assert not sent.is_over(now=NOW + timedelta(hours=6) - TICK)
    assert sent.is_over(now=NOW + timedelta(hours=6))


def a_token_of(number: int, topic: Topic) -> OneTimeToken:
    return replace(a_token(), id=LetterId(uuid(number)), topic=topic)


TOKENS = [
    a_token_of(1, Topic.OLD_ADDRESS),
    a_token_of(2, Topic.VERIFICATION),
    a_token_of(3, Topic.OLD_ADDRESS),
    a_token_of(4, Topic.RECOVERY),
    a_token_of(5, Topic.NEW_ADDRESS),
    a_token_of(6, Topic.OLD_ADDRESS),
]


def numbers(ids: list[LetterId]) -> list[int]:
    return [id.int >> 80 for id in ids]


def test_a_change_voids_every_token_but_undos() -> None:
    assert numbers(voided(TOKENS)) == [2, 4, 5]


def test_an_undo_voids_later_undos_and_no_earlier_one() -> None:
    assert numbers(voided(TOKENS, undoing=TOKENS[2])) == [2, 3, 4, 5, 6]
