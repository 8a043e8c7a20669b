"""Proves that what was heard to its end is answered, that nothing else is, and that clocks run."""

import logging
import re
import socket
import time
from collections.abc import Iterator

import pytest

from entrypoints.cli import taking
from tests.entrypoints.cli.connections import Told, all_of, asked, connected, hearing

GARBAGE = b"x"
CHUNKED = "Transfer-Encoding: chunked"
BAD_CHUNK = b"5\r\nhelloxx\r\n"
STREAMED = b"1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n1\r\n3\r\n1\r\n4\r\n0\r\n\r\n"
SHORT = 0.3
SLACK = 3


@pytest.fixture
def app() -> Told:
    return Told()


@pytest.fixture
def port(app: Told) -> Iterator[int]:
    with hearing(app) as port:
        yield port


@pytest.fixture(autouse=True)
def _no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def answers(received: bytes) -> list[tuple[int, bytes, bool]]:
    """Return of each answer the status, the body, and whether it says that it is the last."""
    found = []
    for part in re.split(rb"(?=HTTP/1\.1 \d)", received)[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        found.append((int(head[9:12]), body, b"\r\nconnection: close" in head))
    return found


def answers_to(port: int, *said: bytes, pause: float = 0.1) -> list[tuple[int, bytes, bool]]:
    """Say something, bit by bit, and return what is answered until the end."""
    with connected(port) as connection:
        for number, bit in enumerate(said):
            time.sleep(pause if number else 0)
            connection.sendall(bit)
        return answers(all_of(connection))


# ----------------------------------------------------------------- what is no request any more
@pytest.mark.parametrize("path", ["/at-once", "/slow"])
def test_what_is_whole_is_answered_whatever_follows(port: int, path: str) -> None:
    assert answers_to(port, asked(path) + GARBAGE) == [(200, path.encode(), True)]


@pytest.mark.parametrize("framing", ["Content-Length: 5", CHUNKED])
def test_a_body_that_is_whole_is_read_whatever_follows(port: int, app: Told, framing: str) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n" if framing == CHUNKED else b"hello"
    said = asked("/read", framing, method="POST") + body + GARBAGE
    assert answers_to(port, said) == [(200, b"/read", True)]
    assert app.read == [b"hello"]


def test_all_that_are_whole_are_answered_in_order(port: int) -> None:
    said = asked("/slow") + asked("/b") + asked("/c") + GARBAGE
    assert answers_to(port, said) == [
        (200, b"/slow", False), (200, b"/b", False), (200, b"/c", True),
    ]  # fmt: skip


@pytest.mark.parametrize("behind", [GARBAGE, asked("/b") + GARBAGE, asked("/b") + b"GET /c HTTP"])
@pytest.mark.parametrize("pause", [0.0, 0.15])
def test_nothing_is_said_in_the_middle_of_a_stream(app: Told, behind: bytes, pause: float) -> None:
    with hearing(app, patience=SHORT) as port:
        found = answers_to(port, asked("/stream"), behind, pause=pause)
    expected = [(200, STREAMED)] + ([(200, b"/b")] if b"/b" in behind else [])
    assert [(status, body) for status, body, _ in found] == expected


def test_an_answer_that_breaks_off_is_the_last_and_incomplete_and_no_error(port: int) -> None:
    assert answers_to(port, asked("/broken") + asked("/next")) == [(200, b"4\r\nhalf\r\n", False)]


def test_after_an_answer_garbage_is_told_that_it_is_none(port: int) -> None:
    found = answers_to(port, asked("/a"), GARBAGE)
    assert [(status, is_last) for status, _, is_last in found] == [(200, False), (400, True)]
    assert b"MALFORMED_REQUEST" in found[1][1]


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_a_body_that_breaks_off_is_no_request_and_nothing_is_done(
    port: int, app: Told, pause: float
) -> None:
    found = answers_to(port, asked("/read", CHUNKED, method="POST"), BAD_CHUNK, pause=pause)
    assert [(status, is_last) for status, _, is_last in found] == [(400, True)]
    assert app.gone.wait(SLACK)
    assert app.read == []


def test_a_body_that_breaks_off_takes_no_other_answer_with_it(port: int, app: Told) -> None:
    broken = asked("/read", CHUNKED, method="POST") + BAD_CHUNK
    assert answers_to(port, asked("/slow") + broken) == [(200, b"/slow", True)]
    three = asked("/slow") + asked("/b") + broken
    assert answers_to(port, three) == [(200, b"/slow", False), (200, b"/b", True)]
    assert app.read == []


def test_a_body_that_breaks_off_after_its_answer_gets_no_second_one(port: int) -> None:
    found = answers_to(port, asked("/a", CHUNKED, method="POST"), BAD_CHUNK)
    assert found == [(200, b"/a", False)]


def test_a_stream_ends_with_its_connection_though_another_request_came(
    port: int, app: Told
) -> None:
    with connected(port) as connection:
        connection.sendall(asked("/flood") + asked("/b"))
        assert connection.recv(1000)
    assert app.gone.wait(SLACK)


# ------------------------------------------------------------------------------------- clocks
def seconds_open(port: int, *said: bytes, pause: float = 0.1) -> float:
    """Say something, bit by bit, and return how long the connection stays after that."""
    with connected(port) as connection:
        for bit in said:
            connection.sendall(bit)
            time.sleep(pause)
        begun = time.monotonic()
        all_of(connection)
        return time.monotonic() - begun


@pytest.mark.parametrize("late", [b"hello", b"hello\r\n", b"hello" + asked("/b") + b"\r\n"])
def test_a_connection_is_kept_when_the_body_came_after_the_answer(app: Told, late: bytes) -> None:
    with hearing(app, patience=SHORT, keep_alive=1) as port:
        early = asked("/early", "Content-Length: 5", method="POST")
        assert 0.8 < seconds_open(port, early, late) < SLACK


def test_a_body_that_nobody_waits_for_has_to_come_in_time(app: Told) -> None:
    with hearing(app, patience=SHORT) as port:
        early = asked("/early", "Content-Length: 500", method="POST")
        begun = time.monotonic()
        with pytest.raises(ConnectionError):
            seconds_open(port, early, *[b"x"] * 100)
        assert time.monotonic() - begun < SLACK


# ------------------------------------------------------------------------- who only listens on
@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_who_says_no_more_is_answered_still(port: int, pause: float) -> None:
    with connected(port) as connection:
        connection.sendall(asked("/slow") + asked("/b"))
        time.sleep(pause)
        connection.shutdown(socket.SHUT_WR)
        found = answers(all_of(connection))
    assert found == [(200, b"/slow", False), (200, b"/b", True)]


def test_who_leaves_in_the_middle_of_a_body_is_not_waited_for(port: int, app: Told) -> None:
    with connected(port) as connection:
        connection.sendall(asked("/read", "Content-Length: 5", method="POST") + b"hel")
        time.sleep(0.1)
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b""
    assert app.gone.wait(SLACK)


def test_who_leaves_a_stream_is_gone_at_once(port: int, app: Told) -> None:
    with connected(port) as connection:
        connection.sendall(asked("/quiet"))
        assert connection.recv(1000)
        connection.shutdown(socket.SHUT_WR)
        assert app.gone.wait(SLACK)


# --------------------------------------------------------------------------------- slow readers
@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "TAKEN_WITHIN", SHORT)


@pytest.mark.usefixtures("_hurried")
def test_who_takes_nothing_is_cut_off(port: int, app: Told) -> None:
    with connected(port, buffer=65_536) as connection:
        connection.sendall(asked("/flood"))
        assert app.gone.wait(SLACK)


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("headers", [[], ["Connection: close"]])
def test_who_takes_no_answer_is_cut_off_though_it_is_all_written(
    port: int, headers: list[str]
) -> None:
    with connected(port, buffer=65_536) as connection:
        connection.sendall(asked("/large", *headers))
        time.sleep(4 * SHORT)
        assert len(all_of(connection)) < 128 * 65_536


@pytest.mark.usefixtures("_hurried")
def test_who_takes_an_answer_slowly_and_steadily_gets_it(
    port: int, app: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "TAKEN_AT_LEAST", 16_384)
    with connected(port, buffer=65_536) as connection:
        connection.sendall(asked("/flood"))
        until = time.monotonic() + 6 * SHORT
        while time.monotonic() < until:
            assert connection.recv(8192)
            time.sleep(0.01)
        assert not app.gone.is_set()


@pytest.mark.usefixtures("_hurried")
def test_a_last_answer_may_be_taken_slowly_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "TAKEN_AT_LEAST", 16_384)
    taken = 0
    with connected(port, buffer=65_536) as connection:
        connection.sendall(asked("/large", "Connection: close"))
        while piece := connection.recv(65_536):
            taken += len(piece)
            time.sleep(0.01)
    assert taken > 128 * 65_536
