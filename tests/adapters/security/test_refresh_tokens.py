"""Refresh tokens are made of a session's row and the service's secret, and of nothing less."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.secrets import Secret, Secrets
from application.ports.security import RefreshTokens
from domain.access import SessionId
from domain.errors import InvalidRefreshToken
from domain.session import Session
from tests.domain.examples import a_session

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PREFIX = "brt_"


@pytest.fixture
def tokens(secrets: Secrets) -> DerivedRefreshTokens:
    return DerivedRefreshTokens(secrets)


@pytest.fixture
def session(secrets: Secrets) -> Session:
    return a_session(counter=7, secret_id=secrets.current.id)


def accepts(tokens: RefreshTokens, text: str, session: Session) -> bool:
    """Whether this text is taken for a token of this session, whatever its count."""
    try:
        claim = tokens.read(text)
    except InvalidRefreshToken:
        return False
    return tokens.is_genuine(claim, session)


def test_a_token_says_its_session_and_count_and_is_genuine(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    claim = tokens.read(tokens.of(session))
    assert (claim.session_id, claim.count, len(claim.proof)) == (session.id, 7, 32)
    assert tokens.is_genuine(claim, session)


def test_a_token_is_the_same_each_time_and_another_for_each_count(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    assert tokens.of(session) == tokens.of(session)
    texts = {tokens.of(replace(session, counter=count)) for count in (0, 1, 7, 2**31 - 1)}
    assert len(texts) == 4
    proofs = {tokens.read(text).proof for text in texts}
    assert len(proofs) == 4


def test_an_older_token_is_still_known_for_genuine(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    older = tokens.of(replace(session, counter=3))
    assert accepts(tokens, older, session)
    assert tokens.read(older).count == 3


def test_a_token_shows_where_it_comes_from_and_nothing_of_the_seed(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    text = tokens.of(session)
    assert text.startswith(PREFIX)
    assert set(text.removeprefix(PREFIX)) <= set(ALPHABET)
    assert session.seed not in urlsafe_b64decode(text.removeprefix(PREFIX) + "==")


def test_a_token_altered_in_any_character_is_refused(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    text = tokens.of(session)
    for place, character in enumerate(text):
        for other in ("A", "B", "_", character.swapcase()):
            if other != character:
                altered = text[:place] + other + text[place + 1 :]
                assert not accepts(tokens, altered, session), place


def test_a_token_has_one_spelling(tokens: DerivedRefreshTokens, session: Session) -> None:
    text = tokens.of(session)
    last = ALPHABET.index(text[-1])
    assert last % 4 == 0  # the two bits beyond the last byte
    spellings = [text[:-1] + ALPHABET[last + bit] for bit in (1, 2, 3)]
    spellings += [text + "=", text + "==", text + "\n", " " + text, text[:-1], text + "A", text * 2]
    spellings += [text.removeprefix(PREFIX), text.upper(), PREFIX, "", PREFIX + "A" * 70]
    spellings += [text[:40] + "\n" + text[41:], text[:40] + "=" + text[41:], text[:-1] + "\u00e9"]
    spellings += [text[:-1] + "\uff21", text[:-1] + "\ud800", text.replace(PREFIX, "BRT_")]
    for spelling in spellings:
        assert not accepts(tokens, spelling, session), spelling


def test_a_token_of_one_session_is_none_of_another(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    claim = tokens.read(tokens.of(session))
    other = replace(session, id=SessionId(uuid4()))
    assert not tokens.is_genuine(claim, other)
    assert not tokens.is_genuine(replace(claim, session_id=other.id), other)


def test_a_count_that_was_changed_does_not_pass(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    claim = tokens.read(tokens.of(session))
    for count in (0, 6, 8, 2**32 - 1):
        assert not tokens.is_genuine(replace(claim, count=count), session)


def test_who_has_the_secret_without_the_database_forges_nothing(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    for seed in (b"", bytes(32), b"\xff" * 32, session.id.bytes * 2, session.seed[:-1]):
        assert not accepts(tokens, tokens.of(replace(session, seed=seed)), session)


def test_who_has_the_database_without_the_secret_forges_nothing(
    tokens: DerivedRefreshTokens, session: Session
) -> None:
    for guess in (b"", bytes(32), session.seed, session.secret_id.encode()):
        forger = DerivedRefreshTokens(Secrets(guess))
        forged = forger.of(replace(session, secret_id=Secret(guess).id))
        assert not accepts(tokens, forged, session)


def test_a_token_of_another_service_is_refused(
    tokens: DerivedRefreshTokens, given_up: Secrets, session: Session
) -> None:
    other_service = DerivedRefreshTokens(given_up)
    theirs = replace(session, secret_id=other_service.secret_id)
    assert not accepts(tokens, other_service.of(theirs), session)


def test_after_the_secret_was_rotated_the_current_token_stays_the_same(
    tokens: DerivedRefreshTokens, rotated: Secrets, session: Session
) -> None:
    afterwards = DerivedRefreshTokens(rotated)
    assert afterwards.of(session) == tokens.of(session)
    assert accepts(afterwards, tokens.of(session), session)
    assert afterwards.secret_id != tokens.secret_id


def test_the_next_token_is_made_under_the_secret_of_today(
    tokens: DerivedRefreshTokens, rotated: Secrets, session: Session
) -> None:
    afterwards = DerivedRefreshTokens(rotated)
    successor = replace(session, counter=8, secret_id=afterwards.secret_id)
    assert accepts(afterwards, afterwards.of(successor), successor)
    assert not accepts(tokens, afterwards.of(successor), successor)


def test_under_a_secret_that_was_given_up_nothing_is_made_and_nothing_accepted(
    tokens: DerivedRefreshTokens, given_up: Secrets, session: Session
) -> None:
    afterwards = DerivedRefreshTokens(given_up)
    assert not accepts(afterwards, tokens.of(session), session)
    with pytest.raises(InvalidRefreshToken):
        afterwards.of(session)
