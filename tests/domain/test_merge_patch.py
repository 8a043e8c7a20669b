"""Attributes are patched as RFC 7396 has it."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attributes import merged, same

# Appendix A, all of it, one level down: attributes are an object, and so is their patch.
APPENDIX_A = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]

KEYS = st.sampled_from("abc")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}


@pytest.mark.parametrize(("target", "patch", "result"), APPENDIX_A)
def test_every_case_of_the_appendix_comes_out_as_written(
    target: str, patch: str, result: str
) -> None:
    patched = merged({"x": json.loads(target)}, {"x": json.loads(patch)})
    assert json.dumps(patched) == json.dumps({"x": json.loads(result)})


@pytest.mark.parametrize(
    ("target", "patch", "result"), [case for case in APPENDIX_A if set("[") & set(case[0]) == set()]
)
def test_every_case_between_objects_holds_for_the_whole(
    target: str, patch: str, result: str
) -> None:
    if not patch.startswith("{"):
        patch, result = json.dumps({"a": json.loads(patch)}), json.dumps({"a": json.loads(result)})
        target = "{}"
    assert same(merged(json.loads(target), json.loads(patch)), json.loads(result))


def test_the_case_that_patches_with_null_removes() -> None:
    assert merged({"x": {"a": "foo"}}, {"x": None}) == {}


def test_nulls_within_arrays_are_values() -> None:
    assert merged({}, {"a": [None, {"b": None}]}) == {"a": [None, {"b": None}]}


def test_a_number_is_replaced_by_an_equal_one_of_another_kind() -> None:
    patched = merged({"a": 1, "b": True, "c": 0.0}, {"a": 1.0, "b": 1, "c": -0.0})
    assert json.dumps(patched) == '{"a": 1.0, "b": 1, "c": -0.0}'


def test_keys_keep_their_places_and_new_ones_come_last() -> None:
    patched = merged({"c": 1, "a": 2, "b": 3}, {"z": 4, "a": 5, "c": None})
    assert list(patched.items()) == [("a", 5), ("b", 3), ("z", 4)]


def test_a_patch_may_be_as_deep_as_attributes_are() -> None:
    deep: Any = {"gone": 1, "kept": 2}
    patch: Any = {"gone": None}
    for _ in range(7):
        deep, patch = {"a": deep}, {"a": patch}
    result: Any = merged(deep, patch)
    for _ in range(7):
        result = result["a"]
    assert result == {"kept": 2}


def test_endless_depth_is_no_danger() -> None:
    patch: Any = 1
    for _ in range(20_000):
        patch = {"a": patch}
    assert "a" in merged({}, patch)


@given(OBJECTS)
def test_an_empty_patch_changes_nothing(target: dict[str, Any]) -> None:
    assert same(merged(target, {}), target)


@given(OBJECTS, OBJECTS)
def test_a_second_time_the_same_patch_changes_nothing(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    once = merged(target, patch)
    assert same(merged(once, patch), once)


@given(OBJECTS)
def test_into_an_empty_object_a_patch_puts_itself_without_its_nulls(patch: dict[str, Any]) -> None:
    assert same(merged({}, patch), without_nulls(patch))


@given(OBJECTS, OBJECTS)
def test_keys_that_a_patch_does_not_name_stay_and_those_it_nulls_go(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    result = merged(target, patch)
    assert set(result) == (set(target) | set(patch)) - {
        key for key, value in patch.items() if value is None
    }
    untouched = set(target) - set(patch)
    assert same({key: result[key] for key in untouched}, {key: target[key] for key in untouched})


@given(OBJECTS, OBJECTS)
def test_neither_side_is_changed_by_the_merging(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = copy.deepcopy((target, patch))
    merged(target, patch)
    assert same({"both": (target, patch)}, {"both": before})
