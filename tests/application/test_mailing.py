"""Mail is stored with its act, sent at least once, and put off for as long as it takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.store import InMemoryStore
from application.ports.mail import Undelivered
from application.tidying import GIVEN_UP_KEPT_FOR, TidyUp
from domain.errors import InvalidOneTimeToken, LetterNotFound, TooManyAttempts
from domain.mail import ATTEMPTS, LEASE, LONGEST_DELAY, LetterId, Topic
from domain.user import Status
from tests.application.house import EMAIL, HERE, PASSWORD, House
from tests.domain.examples import uuid

OTHER = "another long passphrase"


class Killed(BaseException):
    """Ends a worker where it stands."""


def kill() -> None:
    raise Killed


def states(house: House) -> list[tuple[str, int, bool]]:
    return [
        (each.letter.topic, each.letter.attempts, each.letter.is_given_up)
        for each in house.list_outbox()
    ]


def test_a_mail_is_sent_once_and_is_gone_then(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    (waiting,) = house.list_outbox()
    assert (waiting.letter.topic, waiting.to) == (Topic.VERIFICATION, EMAIL)
    (mail,) = house.delivered()
    assert (mail.subject, mail.to, mail.id) == (Topic.VERIFICATION, EMAIL, str(waiting.letter.id))
    assert (house.delivered(), house.list_outbox()) == ([], [])


def test_whom_a_letter_goes_to_is_sealed(house: House) -> None:
    house.request_recovery(EMAIL, HERE)
    with house.store.reading() as see:
        (letter,) = see.outbox.oldest(9)
    assert letter.user_id is None
    assert house.sealer.open(f"letter {letter.id}", letter.sealed) == EMAIL.encode()
    assert EMAIL not in repr(letter)


def test_a_mail_waits_while_nobody_takes_it_and_arrives_with_a_good_token_then(
    house: House,
) -> None:
    house.register(EMAIL, PASSWORD)
    house.request_recovery(EMAIL, HERE)
    house.postman.closed = Undelivered("no answer")
    for _ in range(20):
        assert house.delivered() == []
        TidyUp(house.store.unit_of_work, house.clock, house.lifetimes)()
        house.clock.advance(LONGEST_DELAY)
    (state,) = states(house)
    assert state == (Topic.RECOVERY, 20, False)
    house.postman.closed = None
    house.reset_password(house.token(Topic.RECOVERY), OTHER, HERE)
    house.sign_in(EMAIL, OTHER, None, HERE)


def test_a_service_that_was_off_for_a_day_loses_no_mail_to_tidying(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    house.clock.advance(timedelta(days=1))
    TidyUp(house.store.unit_of_work, house.clock, house.lifetimes)()
    house.confirm_email(house.token(Topic.VERIFICATION), HERE)


def test_who_dies_after_sending_leaves_the_same_mail_to_others(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    house.request_recovery(EMAIL, HERE)
    house.postman.meanwhile = [kill]
    with pytest.raises(Killed):
        house.deliver_mail()
    house.clock.advance(LEASE - timedelta(seconds=1))
    assert not house.deliver_mail()
    house.clock.advance(timedelta(seconds=1))
    one, other = house.delivered()
    assert one == other
    house.reset_password(other.text, OTHER, HERE)


def test_a_mail_whose_token_was_used_meanwhile_is_not_sent_again(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    house.request_recovery(EMAIL, HERE)
    house.postman.meanwhile = [kill]
    with pytest.raises(Killed):
        house.deliver_mail()
    house.reset_password(house.postman.arrived[0].text, OTHER, HERE)
    house.clock.advance(LEASE)
    assert [mail.subject for mail in house.delivered()] == [
        Topic.RECOVERY,
        Topic.PASSWORD_CHANGED,
    ]
    assert house.list_outbox() == []


def test_a_letter_that_nobody_takes_is_given_up_listed_and_tried_again_when_asked(
    house: House,
) -> None:
    house.register(EMAIL, PASSWORD)
    house.request_recovery(EMAIL, HERE)
    house.postman.closed = Undelivered("no such mailbox", for_good=True)
    house.delivered()
    house.clock.advance(timedelta(days=2))
    house.postman.closed = None
    assert house.delivered() == []
    assert states(house) == [(Topic.RECOVERY, 1, True)]
    with pytest.raises(LetterNotFound):
        house.retry_mail([LetterId(uuid(99))])
    assert house.retry_mail() == 1
    house.reset_password(house.token(Topic.RECOVERY), OTHER, HERE)


def test_a_letter_is_given_up_after_so_many_attempts(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    house.postman.closed = Undelivered("no answer")
    for _ in range(ATTEMPTS + 5):
        house.delivered()
        house.clock.advance(LONGEST_DELAY)
    assert states(house) == [(Topic.VERIFICATION, ATTEMPTS, True)]


def test_a_letter_that_kills_whoever_sends_it_is_given_up(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    house.postman.meanwhile = [kill] * (ATTEMPTS + 1)
    for _ in range(ATTEMPTS):
        with pytest.raises(Killed):
            house.deliver_mail()
        house.clock.advance(LEASE)
    assert len(house.delivered()) == ATTEMPTS  # and no further one
    assert states(house) == [(Topic.VERIFICATION, ATTEMPTS, True)]


def test_a_letter_that_was_given_up_is_forgotten_after_a_month(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    house.postman.closed = Undelivered("no such mailbox", for_good=True)
    house.delivered()
    tidy_up = TidyUp(house.store.unit_of_work, house.clock, house.lifetimes)
    house.clock.advance(GIVEN_UP_KEPT_FOR)
    tidy_up()
    assert len(states(house)) == 1
    house.clock.advance(timedelta(seconds=1))
    tidy_up()
    tidy_up()
    assert states(house) == []
    with house.store.reading() as see:
        user = see.users.by_email(EMAIL)
        assert user
        assert see.one_time_tokens.of_user(user.id) == []


def test_one_bad_letter_holds_nobody_up(house: House) -> None:
    house.sign_up(EMAIL, PASSWORD, None, HERE)
    with house.store.unit_of_work() as work:
        (letter,) = work.outbox.oldest(1)
        work.outbox.save(replace(letter, sealed=b"long ago:a name:plain"))
        work.commit()
    house.clock.advance(timedelta(seconds=1))
    house.sign_up("bert@example.com", PASSWORD, None, HERE)
    assert [mail.to for mail in house.delivered()] == ["bert@example.com"]
    (bad,) = house.list_outbox()
    assert (bad.to, bad.letter.attempts) == (None, 1)
    assert "secret" in str(bad.letter.cause)


@pytest.mark.parametrize("happens", ["nobody", "suspended"])
def test_recovery_of_no_account_sends_nothing_and_leaves_nothing(
    house: House, happens: str
) -> None:
    if happens == "suspended":
        house.register(EMAIL, PASSWORD)
        house.change(status=Status.SUSPENDED)
    house.request_recovery(EMAIL, HERE)
    assert len(house.list_outbox()) == 1
    assert (house.delivered(), house.list_outbox()) == ([], [])


def test_what_is_stored_when_recovery_is_asked_for_is_the_same_with_and_without_an_account(
    house: House,
) -> None:
    house.register("bert@example.com", PASSWORD)
    seen = []
    for email in ("bert@example.com", "nobody@example.com"):
        before = house.store.shelves if isinstance(house.store, InMemoryStore) else None
        house.request_recovery(email, HERE)
        (letter,) = house.list_outbox()
        seen.append(replace(letter.letter, id=LetterId(uuid(1)), sealed=b""))
        assert before is not None
        with house.store.reading() as see:
            user = see.users.by_email(email)
            assert user is None or see.one_time_tokens.of_user(user.id) == []
        with house.store.unit_of_work() as work:
            work.outbox.remove(letter.letter.id)
            work.commit()
    assert seen[0] == seen[1]


def test_no_address_is_flooded_and_nobody_is_told_that_it_would_have_been(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    for _ in range(8):
        house.request_recovery(EMAIL, replace(HERE, address=None))
    house.request_recovery("bert@example.com", HERE)
    assert len(house.delivered()) == 5
    house.clock.advance(timedelta(hours=1))
    house.request_recovery(EMAIL, HERE)
    assert len(house.delivered()) == 1


def test_one_network_asks_for_recoveries_only_so_often(house: House) -> None:
    for number in range(30):
        house.request_recovery(f"{number}@example.com", HERE)
    with pytest.raises(TooManyAttempts):
        house.request_recovery("one.more@example.com", HERE)
    house.request_recovery(EMAIL, replace(HERE, address="198.51.100.7"))


def test_bad_tokens_from_one_network_are_counted_and_good_ones_are_not(house: House) -> None:
    for number in range(40):
        email = f"{number}@example.com"
        house.sign_up(email, PASSWORD, None, replace(HERE, address=None))
        house.confirm_email(house.token(Topic.VERIFICATION, email), HERE)
    for _ in range(30):
        with pytest.raises(InvalidOneTimeToken):
            house.confirm_email("nonsense", HERE)
    with pytest.raises(TooManyAttempts):
        house.confirm_email("nonsense", HERE)
    with pytest.raises(TooManyAttempts):
        house.reset_password("nonsense", OTHER, HERE)


def test_a_letter_that_nobody_can_write_keeps_back_no_other(house: House) -> None:
    house.register(EMAIL, PASSWORD)
    house.register("bert@example.com", PASSWORD)
    house.delivered()
    house.postman.meanwhile = [stumble]
    house.request_recovery(EMAIL, HERE)
    house.request_recovery("bert@example.com", HERE)
    assert house.deliver_mail()  # and says nothing
    assert house.deliver_mail()
    assert [mail.to for mail in house.postman.arrived][-1] == "bert@example.com"
    (left,) = house.list_outbox()
    assert left.letter.cause == "ZeroDivisionError"


def stumble() -> None:
    raise ZeroDivisionError
