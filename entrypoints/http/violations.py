"""What is wrong with a request's values, in our own words: never in the client's.

Pydantic's messages and its `input` can repeat what was submitted, a password included. So only
the place and the kind of each violation are taken from it; the sentence comes from this table.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_SENTENCES = {
    "missing": "This is required.",
    "extra_forbidden": "There is a field that is not known here.",
    "string_type": "This must be text.",
    "string_too_short": "This text is too short.",
    "string_too_long": "This text is too long.",
    "string_pattern_mismatch": "This text does not have the required form.",
    "string_unicode": "This text has a lone surrogate or is not valid Unicode.",
    "string_nul": "The text has a NUL character.",
    "email_invalid": "This is not a valid e-mail address.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "too_long": "There are too many entries.",
    "too_short": "There are too few entries.",
    "greater_than_equal": "This number is too small.",
    "less_than_equal": "This number is too large.",
    "finite_number": "A number is out of range.",
    "datetime_invalid": "This must be a time with its offset, as RFC 3339 writes it.",
    "uuid_canonical": "This must be a UUID in lower case, with hyphens.",
    "enum": "This is not one of the values that are known here.",
    "literal_error": "This is not one of the values that are known here.",
    "repeated": "This may be given only once.",
}
_OTHERWISE = "This value is not valid."
_PLACES = {"body": "body", "query": "query", "path": "path", "header": "header", "cookie": "cookie"}


VIOLATIONS_MAX = 100
"""Violations that are told of one request: a large body can have one in every few bytes."""


def violations(found: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return pydantic's errors as fields, codes and sentences of ours, each once."""
    told: dict[tuple[str, ...], dict[str, str]] = {}
    for error in found:
        violated = _violation(error)
        told.setdefault(tuple(violated.values()), violated)
        if len(told) == VIOLATIONS_MAX:
            break
    return list(told.values())


def violation(field: str, code: str) -> dict[str, str]:
    """Return one violation with the sentence for its code."""
    return {"field": field, "code": code, "message": _SENTENCES.get(code, _OTHERWISE)}


def _violation(error: Mapping[str, Any]) -> dict[str, str]:
    code = str(error["type"])
    place, *path = error["loc"]
    if code == "extra_forbidden":
        path = path[:-1]  # the unknown name itself came from the client
    names = [_PLACES.get(str(place), "request"), *(str(step) for step in path)]
    sentence = error.get("ctx", {}).get("explanation") if "ctx" in error else None
    told = violation(".".join(names), code)
    return told | {"message": sentence} if isinstance(sentence, str) else told
