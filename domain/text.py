"""The rules that every piece of text from outside obeys, whatever field it is for."""

import unicodedata

from domain.errors import InvalidValue


def storable(text: str, *, field: str) -> str:
    """Return the text unchanged if every database can hold it and every client can read it back.

    Raises InvalidValue for NUL, which PostgreSQL refuses, and for lone surrogates, which are not
    characters at all (RFC 8259 §8.2).
    """
    if "\x00" in text:
        raise InvalidValue(field, "string_nul", "The text has a NUL character.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidValue(field, "string_unicode", "The text has a lone surrogate.")
    return text


def line(text: str, *, field: str, longest: int) -> str:
    """Return the text trimmed: 1 to `longest` characters (code points) that are storable.

    Line feeds within are kept: how they look is the client's.
    """
    trimmed = storable(text, field=field).strip()
    if not trimmed:
        raise InvalidValue(field, "string_too_short", "The text needs at least 1 character.")
    return within(trimmed, field=field, longest=longest)


def within(text: str, *, field: str, longest: int) -> str:
    """Return the text unchanged if it has at most `longest` characters (code points)."""
    if len(text) > longest:
        raise InvalidValue(
            field, "string_too_long", f"The text may have at most {longest} characters."
        )
    return text


def composed(text: str) -> str:
    """Return the text in Unicode's composed form (NFC), in which equal-looking text is equal."""
    return unicodedata.normalize("NFC", text)
