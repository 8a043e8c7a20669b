"""Cursors open for the list and the caller that they were sealed for, and for nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.security.cursors import SignedCursors
from adapters.security.secrets import Secrets
from application.ports.places import Place
from domain.errors import InvalidCursor
from tests.domain.examples import NOW, uuid

LIST = "items owned anna"
PLACE = Place(NOW, uuid(1))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def cursors(secrets: Secrets) -> SignedCursors:
    return SignedCursors(secrets)


def refused(cursors: SignedCursors, cursor: str, *, of: str = LIST) -> bool:
    try:
        cursors.open(cursor, of=of)
    except InvalidCursor:
        return True
    return False


@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        Place(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)),
        Place(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), UUID(int=1)),
        Place(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), UUID(int=2**128 - 1)),
    ],
)
def test_a_cursor_opens_to_its_place_to_the_microsecond(
    cursors: SignedCursors, place: Place
) -> None:
    opened = cursors.open(cursors.seal(place, of=LIST), of=LIST)
    assert opened is not None
    assert opened == place
    assert isinstance(opened.key, datetime)
    assert opened.key.tzinfo is UTC


@pytest.mark.parametrize("key", ["", "a title", "\U0001f512" * 200, "x" * 8, "\x01"], ids=range(5))
def test_a_cursor_opens_to_its_text(cursors: SignedCursors, key: str) -> None:
    place = Place(key, uuid(1))
    assert cursors.open(cursors.seal(place, of=LIST), of=LIST) == place


@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1])
def test_a_cursor_opens_to_its_number(cursors: SignedCursors, number: int) -> None:
    assert cursors.open_number(cursors.seal_number(number, of=LIST), of=LIST) == number


def test_without_a_cursor_there_is_no_place(cursors: SignedCursors) -> None:
    assert cursors.open(None, of=LIST) is None
    assert cursors.open_number(None, of=LIST) is None


def test_a_number_altered_anywhere_or_taken_elsewhere_is_refused(cursors: SignedCursors) -> None:
    cursor = cursors.seal_number(7, of=LIST)
    with pytest.raises(InvalidCursor):
        cursors.open_number(cursor, of="audit bert")
    for place, character in enumerate(cursor):
        other = ALPHABET[ALPHABET.index(character) ^ 32]
        with pytest.raises(InvalidCursor):
            cursors.open_number(cursor[:place] + other + cursor[place + 1 :], of=LIST)


def test_a_cursor_can_stand_in_a_url_as_it_is(cursors: SignedCursors) -> None:
    assert set(cursors.seal(PLACE, of=LIST)) <= set(ALPHABET)


@pytest.mark.parametrize(
    "of", ["items owned bert", "items all anna", "", LIST + " ", LIST[:-1], LIST.upper()]
)
def test_a_cursor_of_another_list_or_caller_is_refused(cursors: SignedCursors, of: str) -> None:
    assert refused(cursors, cursors.seal(PLACE, of=LIST), of=of)
    assert refused(cursors, cursors.seal(PLACE, of=of), of=LIST)


def test_a_cursor_altered_in_any_character_is_refused(cursors: SignedCursors) -> None:
    cursor = cursors.seal(PLACE, of=LIST)
    for place, character in enumerate(cursor):
        for other in ("A", "B", "_", character.swapcase()):
            if other != character:
                assert refused(cursors, cursor[:place] + other + cursor[place + 1 :]), place


def test_a_cursor_has_one_spelling(cursors: SignedCursors) -> None:
    cursor = cursors.seal(PLACE, of=LIST)
    bits = 16 if len(cursor) % 4 == 2 else 4  # beyond the last byte
    last = ALPHABET.index(cursor[-1])
    assert last % bits == 0
    spellings = [cursor[:-1] + ALPHABET[last + bit] for bit in range(1, bits)]
    spellings += [cursor + "=", cursor + "==", cursor + "\n", " " + cursor, cursor[:-1], cursor * 2]
    spellings += ["", "=", "A", "AAAA", "\u00e9", "\ud800", "%00", "null", "x" * 1_000_000]
    spellings += [cursor[:9] + "\n" + cursor[9:], cursor + "AAAA", "AAAA" + cursor]
    for spelling in spellings:
        assert refused(cursors, spelling), spelling[:80]


def test_a_cursor_of_the_previous_secret_still_opens(
    cursors: SignedCursors, rotated: Secrets
) -> None:
    assert SignedCursors(rotated).open(cursors.seal(PLACE, of=LIST), of=LIST) == PLACE


def test_a_cursor_of_another_secret_is_refused(cursors: SignedCursors, given_up: Secrets) -> None:
    assert refused(SignedCursors(given_up), cursors.seal(PLACE, of=LIST))
    assert refused(cursors, SignedCursors(given_up).seal(PLACE, of=LIST))


def test_two_places_a_microsecond_or_an_id_apart_have_two_cursors(cursors: SignedCursors) -> None:
    places = [
        PLACE,
        replace(PLACE, key=NOW + timedelta(microseconds=1)),
        replace(PLACE, id=uuid(2)),
    ]
    assert len({cursors.seal(place, of=LIST) for place in places}) == 3
