"""How much a client's app may keep with an item, and of which kind."""

from typing import Any

import pytest

from domain.attributes import (
    ATTRIBUTES_BYTES_MAX,
    ATTRIBUTES_DEPTH_MAX,
    ATTRIBUTES_KEYS_MAX,
    attributes,
    compact,
    same,
)
from domain.errors import InvalidValue

LEVELS_INSIDE = ATTRIBUTES_DEPTH_MAX - 1


def nested(levels: int, *, innermost: Any, by_lists: bool = False) -> dict[str, Any]:
    value = innermost
    for _ in range(levels - 1):
        value = [value] if by_lists else {"a": value}
    return {"a": value}


def refused(value: dict[str, Any]) -> str:
    with pytest.raises(InvalidValue) as refusal:
        attributes(value)
    assert refusal.value.field == "attributes"
    return refusal.value.reason


def test_the_limits_are_those_that_clients_were_told() -> None:
    limits = (ATTRIBUTES_BYTES_MAX, ATTRIBUTES_DEPTH_MAX, ATTRIBUTES_KEYS_MAX)
    assert limits == (16 * 1024, 8, 256)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"": ""},
        {"a": None, "b": True, "c": False},
        {"a": 0, "b": -1, "c": 2**64, "d": 10**100},
        {"a": 0.1, "b": -0.0, "c": 5e-324, "d": 1.7976931348623157e308},
        {"\U0001f512": "\U0001f512", "\u2028": "\u00fc\ud7ff\ue000\uffff"},
        {"a": [[], {}, [{"b": [1, "x", None]}]]},
        {"a b": {"$ref": "#/c", "__proto__": {}, "a.b[0]": 1}},
    ],
)
def test_any_json_object_is_left_as_it_is(value: dict[str, Any]) -> None:
    before = compact(value)
    assert attributes(value) is value
    assert compact(value) == before


@pytest.mark.parametrize("fill", ["x", "\u00fc", "\U0001f512", '"', "\n"])
def test_sixteen_kibibytes_of_compact_utf_8_fit_and_one_more_does_not(fill: str) -> None:
    room = ATTRIBUTES_BYTES_MAX - len(compact({"a": ""}))
    width = len(compact({"a": fill}).encode()) - len(compact({"a": ""}))
    full = {"a": fill * (room // width) + "x" * (room % width)}
    assert len(compact(full).encode()) == ATTRIBUTES_BYTES_MAX
    assert attributes(full) is full
    assert refused({"a": full["a"] + "x"}) == "too_large"


def test_white_space_between_the_values_does_not_count() -> None:
    assert compact({"a": [1, 2, {"b": " "}]}) == '{"a":[1,2,{"b":" "}]}'


def test_a_number_of_many_digits_counts_like_any_text() -> None:
    assert attributes({"a": 10**4000})
    assert refused({"a": [10**4000] * 5}) == "too_large"


def test_a_number_of_more_digits_than_python_writes_is_refused() -> None:
    assert refused({"a": 10**5000})


@pytest.mark.parametrize("by_lists", [False, True])
@pytest.mark.parametrize("innermost", [1, "x", None])
def test_eight_levels_fit_and_a_ninth_does_not(innermost: Any, by_lists: bool) -> None:
    eight = nested(8, innermost=innermost, by_lists=by_lists)
    assert attributes(eight) is eight
    assert refused(nested(9, innermost=innermost, by_lists=by_lists)) == "too_deep"


@pytest.mark.parametrize("empty", [{}, []])
def test_an_empty_object_or_array_is_a_level_too(empty: Any) -> None:
    assert attributes(nested(LEVELS_INSIDE, innermost=empty))
    assert refused(nested(ATTRIBUTES_DEPTH_MAX, innermost=empty)) == "too_deep"


def test_endless_depth_is_refused_like_any_other() -> None:
    assert refused(nested(20_000, innermost=1)) == "too_deep"
    assert refused(nested(20_000, innermost=1, by_lists=True)) == "too_deep"


def test_256_keys_fit_and_one_more_does_not_wherever_it_is() -> None:
    flat = {str(number): None for number in range(256)}
    assert attributes(flat) is flat
    assert refused(flat | {"one more": None}) == "too_many_keys"
    many, few = ({str(number): number for number in range(count)} for count in (155, 99))
    assert attributes({"a": [many], "b": few})
    assert refused({"a": [many, {"one more": 1}], "b": few}) == "too_many_keys"


def test_values_that_are_no_keys_may_be_many() -> None:
    assert attributes({"a": list(range(3000))})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_cannot_write_is_refused_at_any_level(number: float) -> None:
    assert refused({"a": number}) == "finite_number"
    assert refused(nested(ATTRIBUTES_DEPTH_MAX, innermost=number)) == "finite_number"
    assert refused({"a": [1, {"b": number}]}) == "finite_number"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("\x00", "string_nul"), ("a\x00b", "string_nul"), ("\ud800", "string_unicode")],
)
def test_text_that_no_database_holds_is_refused_in_keys_and_values(text: str, reason: str) -> None:
    assert refused({text: 1}) == reason
    assert refused({"a": text}) == reason
    assert refused({"a": [{"b": {text: 1}}]}) == reason
    assert refused({"a": [{"b": [text]}]}) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (1.0, True),
        (0, False),
        (0, None),
        (0.0, -0.0),
        ("1", 1),
        ([], {}),
        ([1, 2], [2, 1]),
        ([1], [1.0]),
        ({"b": 1}, {"b": 1.0}),
        ({"b": None}, {}),
        ("\u00fc", "u\u0308"),
        (2**53, 2**53 + 1),
    ],
)
def test_values_that_json_tells_apart_are_not_the_same(one: Any, other: Any) -> None:
    assert not same({"a": one}, {"a": other})
    assert not same({"a": other}, {"a": one})
    assert same({"a": one}, {"a": one})


def test_the_order_of_keys_makes_no_difference() -> None:
    assert same({"a": {"b": 1, "c": 2}, "d": 3}, {"d": 3, "a": {"c": 2, "b": 1}})
