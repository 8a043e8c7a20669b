"""The JSON object that a client's own app keeps with an item: its limits, and how it is merged."""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from domain.errors import InvalidValue
from domain.text import storable

ATTRIBUTES_BYTES_MAX = 16 * 1024
"""Bytes of the whole object as compact JSON in UTF-8."""

ATTRIBUTES_DEPTH_MAX = 8
"""Levels of objects and arrays, the outermost counted."""

ATTRIBUTES_KEYS_MAX = 256
"""Keys of all objects together."""

Attributes: TypeAlias = Mapping[str, Any]

_FIELD = "attributes"
_WHOLE_NUMBER_BITS_MAX = 14_000  # a little less than the 4,300 digits that Python writes


def attributes(value: Attributes) -> Attributes:
    """Return the object unchanged if it keeps the limits. Raises InvalidValue."""
    if not value:
        return value
    if _keys_within(value, ATTRIBUTES_DEPTH_MAX) > ATTRIBUTES_KEYS_MAX:
        raise InvalidValue(
            _FIELD, "too_many_keys", f"Attributes may have at most {ATTRIBUTES_KEYS_MAX} keys."
        )
    if len(compact(value).encode()) > ATTRIBUTES_BYTES_MAX:
        raise InvalidValue(
            _FIELD, "too_large", f"Attributes may take at most {ATTRIBUTES_BYTES_MAX} bytes."
        )
    return value


def attributes_patch(value: Attributes) -> Attributes:
    """Return a merge patch unchanged if an object could ever come of it. Raises InvalidValue.

    Its size says nothing yet: that is judged when it is merged.
    """
    _keys_within(value, ATTRIBUTES_DEPTH_MAX)
    return value


def compact(value: Attributes) -> str:
    """Return the object as JSON without white space."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(one: Attributes, other: Attributes) -> bool:
    """Whether two objects are the same JSON: Python's 1 == 1.0 == True are three values there."""
    return one is other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def merged(target: Attributes, patch: Attributes) -> Attributes:
    """Return the object after a merge patch (RFC 7396 §2): null removes, objects merge by key."""
    result: Attributes = _merged(target, patch, ATTRIBUTES_DEPTH_MAX)
    return result


def _merged(target: Any, patch: Any, levels: int) -> Any:
    if not isinstance(patch, Mapping) or levels < 0:
        return patch  # deeper than any object that `attributes` lets through
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value, levels - 1)
    return result


def _keys_within(value: Any, levels: int) -> int:
    """Count the keys, and refuse what is too deep or not representable."""
    if isinstance(value, str):
        storable(value, field=_FIELD)
        return 0
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValue(_FIELD, "finite_number", "A number is out of range.")
        return 0
    if isinstance(value, int):
        if value.bit_length() > _WHOLE_NUMBER_BITS_MAX:
            raise InvalidValue(_FIELD, "finite_number", "A number is out of range.")
        return 0
    if not isinstance(value, Mapping | list):
        return 0
    if not levels:
        raise InvalidValue(
            _FIELD, "too_deep", f"Attributes may be at most {ATTRIBUTES_DEPTH_MAX} levels deep."
        )
    if isinstance(value, list):
        return sum(_keys_within(member, levels - 1) for member in value)
    for key in value:
        storable(key, field=_FIELD)
    return len(value) + sum(_keys_within(member, levels - 1) for member in value.values())
