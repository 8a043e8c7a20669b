"""Proves that an event is one line, that no line can be forged, and that no secret gets out."""

import io
import json
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Literal

import pytest

from entrypoints.logs import configure, printable, redacted

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
REFRESH = "r1_" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1_Bc4eFg7iJk0mNo3"
FORGERY = 'x\r\n2026-01-01 INFO "forged": \x1b[31mred\x1b[0m \x00 \x85 \u2028 \u202e \ud800'

Lines = Callable[[], list[str]]


@contextmanager
def logging_to(format: Literal["console", "json"], level: str = "info") -> Iterator[Lines]:  # noqa: A002
    root, stream = logging.getLogger(), io.StringIO()
    before, root_level = root.handlers[:], root.level
    root.handlers.clear()  # pytest's own would see every event, too
    configure(level, format, stream)
    try:
        yield lambda: stream.getvalue().split("\n")[:-1]
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        root.setLevel(root_level)


def one(lines: Lines) -> dict[str, Any]:
    (line,) = lines()
    event: dict[str, Any] = json.loads(line)
    return event


@pytest.fixture
def json_lines() -> Iterator[Lines]:
    with logging_to("json") as lines:
        yield lines


@pytest.fixture
def console_lines() -> Iterator[Lines]:
    with logging_to("console") as lines:
        yield lines


def fail(text: str) -> None:
    raise ValueError(text)


log = logging.getLogger("basalt.tests")


# ------------------------------------------------------------------------------------- the line
def test_json_has_time_level_logger_message_and_extras(json_lines: Lines) -> None:
    log.info("request %s", "done", extra={"request_id": "r-1", "status": 200, "duration_ms": 1.5})
    event = one(json_lines)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.pop("time"))
    assert event == {
        "level": "info",
        "logger": "basalt.tests",
        "message": "request done",
        "request_id": "r-1",
        "status": 200,
        "duration_ms": 1.5,
    }


def test_the_time_is_the_events_in_utc() -> None:
    with logging_to("json") as lines:
        record = logging.LogRecord("n", logging.INFO, "p", 1, "m", (), None)
        record.created = 1_700_000_000.25
        logging.getLogger().handle(record)
        assert one(lines)["time"] == "2023-11-14T22:13:20.250000Z"


def test_a_traceback_stays_inside_the_line(json_lines: Lines) -> None:
    try:
        fail("first\nsecond")
    except ValueError:
        log.exception("failed")
    event = one(json_lines)
    assert event["traceback"].startswith("Traceback (most recent call last):\n")
    assert event["traceback"].endswith("ValueError: first\nsecond")


def test_values_that_json_does_not_know_are_written_as_text(json_lines: Lines) -> None:
    log.info("odd", extra={"number": float("nan"), "thing": {1}, "nested": {(1, 2): [b"x"]}})
    event = one(json_lines)
    assert (event["number"], event["nested"]) == ("nan", {"(1, 2)": ["b'x'"]})


def test_the_console_shows_extras_and_indents_tracebacks(console_lines: Lines) -> None:
    try:
        fail("first\n12:00:00.000Z INFO forged: line")
    except ValueError:
        log.exception("failed", extra={"path": "/v1/a b", "status": 500})
    head, *trace = console_lines()
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d\.\d{3}Z ERROR    basalt\.tests: failed path="/v1/a b" status=500', head
    )
    assert trace[-1] == "    12:00:00.000Z INFO forged: line"
    assert all(line.startswith("    ") for line in trace)


def test_colours_are_for_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    root, terminal = logging.getLogger(), Terminal()
    before = root.handlers[:]
    configure("info", "console", terminal)
    log.error("failed")
    root.handlers[:] = before
    logging.captureWarnings(capture=False)
    assert "\x1b[31m" in terminal.getvalue()
    with logging_to("console") as lines:
        log.error("failed")
        assert "\x1b" not in lines()[0]


def test_the_level_decides_what_is_written() -> None:
    with logging_to("json", "warning") as lines:
        log.info("quiet")
        assert lines() == []
        log.warning("loud")
        assert one(lines)["message"] == "loud"


def test_the_last_configuration_counts_and_no_line_is_written_twice() -> None:
    with logging_to("console") as first, logging_to("json") as second:
        log.info("once")
        assert first() == []
        assert one(second)["message"] == "once"


def test_an_event_that_cannot_be_written_leaves_a_line_without_its_content() -> None:
    with logging_to("json") as lines:
        log.info("%d", "canary")
        assert one(lines)["message"] == "an event was lost: TypeError"
        assert "canary" not in lines()[0]


def test_a_closed_stream_stops_nothing() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:]
    configure("info", "json", stream)
    stream.close()
    log.info("into the void")
    root.handlers[:] = before
    logging.captureWarnings(capture=False)


# ------------------------------------------------------------------------------- other loggers
def test_uvicorn_and_warnings_take_the_same_road(json_lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info("started", extra={"color_message": "\x1b[1m"})
    logging.getLogger("uvicorn.access").error("GET /?token=canary")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", UserWarning, stacklevel=1)
    uvicorn, warning = map(json.loads, json_lines())
    assert (uvicorn["logger"], uvicorn["message"]) == ("uvicorn", "started")
    assert "color_message" not in uvicorn
    assert warning["logger"] == "py.warnings"
    assert "old ways" in warning["message"]


def test_libraries_that_tell_parameters_stay_quiet_at_debug() -> None:
    with logging_to("json", "debug") as lines:
        log.debug("ours")
        for name in ("sqlalchemy.engine.Engine", "httpcore.http11", "httpx", "python_multipart"):
            logging.getLogger(name).info("canary")
        assert one(lines)["message"] == "ours"


# ------------------------------------------------------------------------------------- forgery
@pytest.mark.parametrize("format_", ["console", "json"])
def test_no_text_begins_a_new_line_or_commands_a_terminal(
    format_: Literal["console", "json"],
) -> None:
    with logging_to(format_) as lines:
        log.warning(FORGERY, extra={"path": FORGERY, FORGERY: FORGERY})
        log.warning("user agent %s", FORGERY)
        assert len(lines()) == 2
        assert not re.search(r"[^\x20-\x7e]", "".join(lines()))


def test_fields_cannot_pass_for_others(console_lines: Lines) -> None:
    log.info("request", extra={"path": "/ status=200", "agent": 'a"b', "empty": ""})
    (line,) = console_lines()
    assert line.endswith(r'request path="/ status=200" agent="a\"b" empty=""')


def test_readable_letters_stay_readable_on_the_console(console_lines: Lines) -> None:
    log.info("Grüße, 東京 🙂")
    assert console_lines()[0].endswith("Grüße, 東京 🙂")
    assert printable("a\tb") == r"a\tb"


# ------------------------------------------------------------------------------------- secrets
SECRETS = [
    "Authorization: Bearer canary-0123456789",
    "authorization=Basic Y2FuYXJ5OmNhbmFyeQ==canary",
    f"presented {JWT} today",
    "password=canary",
    "new_password='canary canary'",
    'body {"password": "canary \\" canary", "x": 1}',
    r'nested "{\"refresh_token\": \"canary\"}"',
    "SignIn(email='a', password='canary')",
    "client_secret: canary",
    "Set-Cookie: canary",
    "X-Api-Key: canary",
    "grant_type=refresh_token&refresh_token=canary&scope=x",
    "postgresql+psycopg://basalt:canary@db/main",
    "postgres://basalt:can@ary-canary@db/main",
    "hash $argon2id$v=19$m=19456,t=2,p=1$canary$canary+/=",
    "found bslt_canarycanarycanary in a repository",
    "waits as bsc_canary-canary_canary for a code",
    "GET /v1/items/bslt_canaryCANARYcanary/x?key=bslt_canary",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "canary" not in redacted(text)
    assert JWT not in redacted(text)
    assert "***" in redacted(text)


def test_opaque_tokens_are_masked() -> None:
    assert redacted(f"presented {REFRESH}") == "presented ***"


@pytest.mark.parametrize(
    "text",
    [
        "GET /v1/auth/token took 3 ms",
        "/v1/items/0190f7a2-7c1e-7a3b-9c1d-2b3c4d5e6f70/grants/0190f7a2-7c1e-7a3b-9c1d-2b3c4d5e6f71",
        "the refresh token was used twice",
        "no bearer credentials",
        "password changed",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "postgresql://db.internal:5432/main",
        "http://127.0.0.1:8000",
        "test_a_name_that_is_long_but_holds_no_token_at_all_in_it",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("format_", ["console", "json"])
@pytest.mark.parametrize("text", [*SECRETS, JWT, REFRESH])
def test_no_part_of_an_event_lets_a_secret_out(
    format_: Literal["console", "json"], text: str
) -> None:
    with logging_to(format_) as lines:
        log.info(text)
        log.info("%s", text, extra={"detail": text, "nested": {"list": [text]}})
        try:
            fail(text)
        except ValueError:
            log.exception("failed", stack_info=True)
        written = "\n".join(lines())
    assert "***" in written
    for secret in ("canary", JWT, REFRESH):
        # The traceback quotes this file's lines, which name the variable, never the value.
        assert secret not in written


@pytest.mark.parametrize("format_", ["console", "json"])
def test_fields_with_a_secrets_name_are_masked(format_: Literal["console", "json"]) -> None:
    with logging_to(format_) as lines:
        names = {"password": "canary", "refresh_token": "canary", "headers": {"Cookie": "canary"}}
        log.info("event", extra={**names, "token_type": "Bearer", "secret": None})
        (line,) = lines()
    assert "canary" not in line
    assert "Bearer" in line


def test_a_clients_request_id_is_kept_for_correlation(json_lines: Lines) -> None:
    log.info("event", extra={"request_id": REFRESH, "other": REFRESH})
    event = one(json_lines)
    assert (event["request_id"], event["other"]) == (REFRESH, "***")


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "password" * 6_000, "://" * 16_000, "Aa1-" * 12_000, "'\\" * 25_000]
)
def test_long_texts_are_judged_in_linear_time(text: str) -> None:
    start = perf_counter()
    redacted(text)
    assert perf_counter() - start < 0.5


@pytest.mark.benchmark
def test_an_access_line_costs_some_microseconds() -> None:
    with logging_to("json"):
        extra = {"request_id": "0190f7a2-7c1e-7a3b-9c1d-2b3c4d5e6f70", "method": "GET",
                 "user_id": "0190f7a2-7c1e-7a3b-9c1d-2b3c4d5e6f71", "route": "/v1/items/{id}",
                 "path": "/v1/items/0190f7a2-7c1e-7a3b-9c1d-2b3c4d5e6f70", "status": 200,
                 "duration_ms": 1.234, "address": "127.0.0.1"}  # fmt: skip
        start = perf_counter()
        for _ in range(10_000):
            log.info("request", extra=extra)
        sys.stdout.write(f"{(perf_counter() - start) * 100:.1f} µs a line\n")
