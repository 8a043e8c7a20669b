"""Writes what happens as one line an event, with nothing in it that forges lines or opens doors."""

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, TextIO

from pydantic_core import to_json

_MASK = "***"
_USUAL = vars(logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO"}))
_STANDARD = frozenset(_USUAL) | {"message", "asctime", "taskName"}
_NOT_SHOWN = _STANDARD | {"color_message"}  # uvicorn's second copy of its message
# Libraries that tell parameters, headers or addresses with their queries when they are talkative.
_CHATTY = ("alembic", "asyncio", "authlib", "hpack", "httpcore", "httpx", "multipart",
           "python_multipart", "sqlalchemy", "urllib3")  # fmt: skip
_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"

# Controls, line and paragraph separators, what reverses or hides text, and halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_CREDENTIAL = r"(?:password|passwd|secret|token|authorization|cookie|api[_-]?key|credential)s?"
_NAMES_SECRET = re.compile(rf"(?i).*{_CREDENTIAL}\Z")
_VALUE = (
    r"""\\{1,9}["'].{0,999}?\\{1,9}["']|'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\s&,;"')}\]]+"""
)
_OPAQUE = re.compile(
    r"(?<![\w-])(?=[\w-]{0,99}[a-z])(?=[\w-]{0,99}[A-Z])(?=[\w-]{0,99}[0-9])[\w-]{40,}"
)
_SECRETS = (
    (re.compile(r"(://[^\s:/@]{0,200}):[^\s/]{1,500}@"), rf"\1:{_MASK}@"),  # a database's address
    (  # `bearer credentials` are words
        re.compile(
            r"(?i)\b(bearer|basic)\s+(?=[a-z._~+/=-]{0,99}[0-9]|[a-z._~+/=-]{20})[\w.~+/=-]{6,}"
        ),
        rf"\1 {_MASK}",
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}"), _MASK),  # a JWT or JWE
    (re.compile(r"bslt_[0-9A-Za-z]{6,}"), _MASK),  # a machine key, also a part of one
    (re.compile(r"bsc_[0-9A-Za-z_-]{6,}"), _MASK),  # a challenge, also a part of one
    (re.compile(r"\$argon2\w{1,2}\$[\w+/=,.$-]+"), _MASK),
    (  # password=…, {"refresh_token": "…"}, X-Api-Key: …
        re.compile(
            rf"(?i)({_CREDENTIAL}\\{{0,9}}[\"']?\s{{0,9}}[=:]\s{{0,9}}b?)"
            rf"(?!\*\*\*|(?:bearer|basic)\b)(?:{_VALUE})"
        ),
        rf"\1{_MASK}",
    ),
    (_OPAQUE, _MASK),  # a refresh token: long, of capitals, small letters and digits
)
# A line of lower-case letters without any of these holds nothing of the above but opaque tokens;
# with one that only names a credential, it does if a value follows.
_HINTS = ("://", "bearer", "basic", "eyj", "bslt_", "bsc_", "$argon2")
_NAMES = ("passw", "secret", "token", "authorization", "cookie", "api", "credential")
_NAMED_VALUE = re.compile(rf"{_CREDENTIAL}\\{{0,9}}[\"']?\s{{0,9}}[=:]")
_OPAQUE_LENGTH = 40
_LONG = re.compile(rf"[\w-]{{{_OPAQUE_LENGTH}}}")
_OWN = ("time", "level", "logger", "request_id")  # ours, or checked when it arrived
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


def configure(level: str, format: Literal["console", "json"], stream: TextIO | None = None) -> None:  # noqa: A002
    """Send every event of this process, uvicorn's and warnings included, to one stream.

    The stream is standard error by default. May be called again: the last call counts. Start
    uvicorn with `log_config=None`, or it takes its own loggers back.
    """
    target = sys.stderr if stream is None else stream
    handler = _LineHandler(target)
    handler.setFormatter(JsonLines() if format == "json" else ConsoleLines(colour=target.isatty()))
    root = logging.getLogger()
    for other in root.handlers[:]:
        if isinstance(other, _LineHandler):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").disabled = True  # Basalt's own access line says more
    logging.captureWarnings(capture=True)
    # What no line shows need not be found out for each event.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def redacted(text: str) -> str:
    """Return the text without anything that looks like a secret: the last resort, not a plan."""
    for pattern, mask in _SECRETS:
        text = pattern.sub(mask, text)
    return text


def printable(text: str) -> str:
    """Return the text with every character escaped that could end a line or command a terminal."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def safe(text: str) -> str:
    """Return the text as a line may show it: redacted, if it looks as if it held a secret."""
    return redacted(text) if _suspect(f'"{text}"') else text


class Event(logging.LogRecord):
    """A record of what happens very often, made without looking up where in the code it did.

    Its fields hold no secret: whoever makes it has seen to that.
    """

    fields: Mapping[str, object]

    def __init__(self, name: str, message: str, fields: Mapping[str, object]) -> None:
        now = time.time()  # noqa: TID251  # as every other record does
        known = {"name": name, "msg": message, "created": now, "msecs": now % 1 * 1000}
        self.__dict__ = {**_USUAL, **known, "fields": fields}


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII: time, level, logger, message, and what came as `extra`."""

    def __init__(self) -> None:
        super().__init__()
        self._encode = json.JSONEncoder(default=str, separators=(",", ":"), allow_nan=False).encode

    def format(self, record: logging.LogRecord) -> str:
        """Return the event's line; whatever looks like a secret is masked."""
        second = int(record.created)
        event: dict[str, object] = {
            "time": f"{_utc(second)}.{int((record.created - second) * 1e6):06}Z",
            "level": record.levelname.lower(),
            "logger": _source(record),
            "message": record.getMessage(),
            **_extras(record),
        }
        if isinstance(record, Event):
            quick = to_json(event)  # in a quarter of the time, but not in ASCII
            return quick.decode() if quick.isascii() else self._encode(event)
        if trace := _trace(self, record):
            event["traceback"] = trace
        try:
            line = self._encode(event)
        except (TypeError, ValueError):  # a key that is no text, an infinite number
            return self._encode(_clean(event))
        return self._encode(_clean(event)) if _suspect(line) else line


class ConsoleLines(logging.Formatter):
    """A line that people read; a traceback follows it, indented, so that nothing passes for it."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the event's text; secrets are masked and control characters escaped."""
        level = f"{record.levelname:<8}"
        if self._colour and record.levelname in _COLOURS:
            level = f"{_COLOURS[record.levelname]}{level}{_PLAIN}"
        fields = "".join(
            f" {key}={_field(value)}" for key, value in _clean(_extras(record)).items()
        )
        message = printable(redacted(record.getMessage().rstrip("\n")))
        clock = f"{_utc(int(record.created))[11:]}.{int(record.msecs):03}Z"
        trace = redacted(_trace(self, record))
        below = "".join(f"\n    {printable(line)}" for line in trace.splitlines())
        return f"{clock} {level} {_source(record)}: {message}{printable(fields)}{below}"


class _LineHandler(logging.StreamHandler[TextIO]):
    """Writes to one stream; an event that cannot be written leaves its name, never its content."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        cause = type(sys.exc_info()[1]).__name__
        told = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname}
        substitute = logging.makeLogRecord(told | {"msg": f"an event was lost: {cause}"})
        with contextlib.suppress(OSError, ValueError):  # the stream itself is gone
            self.stream.write(self.format(substitute) + self.terminator)


@lru_cache(maxsize=2)
def _utc(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _source(record: logging.LogRecord) -> str:
    """The logger's name; uvicorn calls its general one `uvicorn.error`, which misleads."""
    return "uvicorn" if record.name == "uvicorn.error" else record.name


def _extras(record: logging.LogRecord) -> Mapping[str, object]:
    if isinstance(record, Event):
        return record.fields
    return {key: value for key, value in record.__dict__.items() if key not in _NOT_SHOWN}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0]:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _suspect(line: str) -> bool:
    """Tell in a few microseconds whether a line could hold a secret."""
    lower = line.lower()
    for hint in _HINTS:
        if hint in lower:
            return True
    for name in _NAMES:
        if name in lower and _NAMED_VALUE.search(lower):
            return True
    for text in line.split('"'):  # noqa: SIM110 (any() takes twice the time)
        if len(text) >= _OPAQUE_LENGTH and _LONG.search(text):
            return True
    return False


def _clean(fields: Mapping[Any, object]) -> dict[str, object]:
    """Return the fields with secrets masked, by their names and in their texts."""
    return {
        str(key): value
        if key in _OWN
        else _MASK
        if value is not None and _NAMES_SECRET.match(str(key))
        else _cleaned(value)
        for key, value in fields.items()
    }


def _cleaned(value: object) -> object:
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return _clean(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item) for item in value]
    return redacted(str(value))


def _field(value: object) -> str:
    """A value that cannot pass for two fields."""
    text = str(value)
    return text if re.fullmatch(r"[^\s=\"]+", text) else json.dumps(text, ensure_ascii=False)
