"""Which of several keys signs."""

from datetime import timedelta
from itertools import permutations

from domain.key import KeyId, signing_key
from tests.domain.examples import NOW, a_key

SOON = timedelta(minutes=5)


def test_without_keys_nothing_signs() -> None:
    assert signing_key([], now=NOW) is None


def test_the_newest_key_whose_time_has_come_signs_whatever_the_order() -> None:
    old = a_key(id=KeyId("old"), signs_from=NOW - 2 * SOON)
    present = a_key(id=KeyId("present"), signs_from=NOW)
    next_ = a_key(id=KeyId("next"), signs_from=NOW + SOON)
    for keys in permutations([old, present, next_]):
        assert signing_key(keys, now=NOW - timedelta(microseconds=1)) == old
        assert signing_key(keys, now=NOW) == present
        assert signing_key(keys, now=NOW + SOON - timedelta(microseconds=1)) == present
        assert signing_key(keys, now=NOW + SOON) == next_


def test_of_two_keys_of_one_moment_every_worker_takes_the_same() -> None:
    keys = [a_key(id=KeyId(name)) for name in ("b", "a", "c")]
    assert len({signing_key(few, now=NOW) for few in permutations(keys)}) == 1


def test_a_clock_that_was_set_back_leaves_the_oldest_key_to_sign() -> None:
    keys = [a_key(id=KeyId(str(n)), signs_from=NOW + n * SOON) for n in (3, 1, 2)]
    for few in permutations(keys):
        assert signing_key(few, now=NOW) == keys[1]


def test_a_key_made_later_does_not_sign_before_one_that_was_due_later() -> None:
    """`rotate --now` after `rotate`: what counts is from when each signs, not when it was made."""
    slow = a_key(id=KeyId("slow"), created_at=NOW, signs_from=NOW + SOON)
    fast = a_key(id=KeyId("fast"), created_at=NOW + SOON / 2, signs_from=NOW + SOON / 2)
    assert signing_key([slow, fast], now=NOW + SOON / 2) == fast
    assert signing_key([slow, fast], now=NOW + SOON) == slow


def test_the_private_part_is_not_shown_with_the_key() -> None:
    assert "sealed" not in repr(a_key())
