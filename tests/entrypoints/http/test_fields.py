"""Proves what every shape does alike: strict types, no unknown fields, six decimals of a second."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, just
from pydantic import Field, TypeAdapter, ValidationError

from entrypoints.http.fields import Shape, Time
from tests.entrypoints.http.api import Api


class Probe(Shape):
    """A shape with a field of each type that JSON has."""

    number: int = 0
    share: float = 0.0
    flag: bool = False
    text: str = ""
    many: list[int] = Field(default_factory=list)


@pytest.mark.parametrize(
    "sent",
    [
        {"number": 1, "share": 1.5, "flag": True, "text": "1", "many": [1]},
        {"share": 1},
        {},
    ],
)
def test_values_of_the_right_types_are_taken(sent: dict[str, Any]) -> None:
    assert Probe.model_validate(sent).model_dump(exclude_unset=True) == sent


@pytest.mark.parametrize(
    "sent",
    [
        {"number": "1"},
        {"number": 1.0},
        {"number": True},
        {"share": "1.5"},
        {"flag": 1},
        {"flag": "true"},
        {"flag": "on"},
        {"text": 1},
        {"many": "1"},
        {"many": ["1"]},
        {"many": {"1": 1}},
        {"number": None},
        {"other": 1},
    ],
)
def test_no_value_is_taken_for_one_of_another_type(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Probe.model_validate(sent)


@pytest.mark.parametrize("microsecond", [0, 1, 120_000, 999_999])
async def test_times_have_six_decimals_whatever_the_time(api: Api, microsecond: int) -> None:
    ada = await api.join("ada")
    api.clock.stop_at(api.clock().replace(microsecond=microsecond))
    item = await ada.item()
    assert item["created_at"].endswith(f".{microsecond:06}Z")
    assert (await ada.http.get(f"/v1/items/{item['id']}")).json() == item


@given(datetimes(timezones=just(UTC)))
def test_a_time_is_written_digit_by_digit_as_iso_8601_has_it(moment: datetime) -> None:
    written = TypeAdapter(Time).dump_json(moment).decode()
    assert written == f'"{moment.replace(tzinfo=None).isoformat(timespec="microseconds")}Z"'
