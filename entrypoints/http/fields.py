"""Types of fields that more than one router speaks, checked by the domain's own rules."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from domain.errors import InvalidValue

T = TypeVar("T")

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def ruled(rule: Callable[[T], T]) -> AfterValidator:
    """Check a field by a rule of the domain, and keep the canonical form that it returns."""

    def check(value: T) -> T:
        try:
            return rule(value)
        except InvalidValue as broken:
            raise PydanticCustomError(
                broken.reason, "{explanation}", {"explanation": broken.explanation}
            ) from None

    return AfterValidator(check)


STORABLE = r"^[^\u0000]*$"
"""Text as `domain.text.storable` has it."""

LINE = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"
"""Text as `domain.text.line` has it: something is left of it when it is trimmed."""


def text(*, longest: int, example: str, pattern: str | None = STORABLE) -> FieldInfo:
    """Describe a text field to clients; the domain's rule is what checks it."""
    described: dict[str, Any] = {"maxLength": longest, "examples": [example]}
    if pattern == LINE:
        described["minLength"] = 1
    if pattern is not None:
        described["pattern"] = pattern
    info: FieldInfo = Field(json_schema_extra=described)
    return info


def _canonical(value: Any) -> UUID:
    if not isinstance(value, str) or not _CANONICAL_UUID.fullmatch(value):
        raise PydanticCustomError("uuid_canonical", "uuid")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_canonical)]
"""A UUID in the one spelling that the service uses."""


def _written(m: datetime) -> str:
    """Return a moment, which the store keeps in UTC: in a third of the time of `isoformat`.

    Its numbers are looked up; to format each of them takes most of the time otherwise.
    """
    century, year = divmod(m.year, 100)
    thousandth, millionth = divmod(m.microsecond, 1000)
    return (
        f"{_TWO[century]}{_TWO[year]}-{_TWO[m.month]}-{_TWO[m.day]}"
        f"T{_TWO[m.hour]}:{_TWO[m.minute]}:{_TWO[m.second]}.{_THREE[thousandth]}{_THREE[millionth]}Z"
    )


_TWO = [f"{number:02}" for number in range(100)]
_THREE = [f"{number:03}" for number in range(1000)]


Time = Annotated[
    datetime,
    PlainSerializer(_written, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A time in UTC as RFC 3339 writes it, always with six decimals and Z."""


def _moment(value: object) -> object:
    """Take what RFC 3339 writes, and no number; a time that UTC cannot write is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("datetime_invalid", "time")


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time that a client sends, with its offset."""


class Shape(BaseModel):
    """What a client sends: no unknown fields, and no value taken for one of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


Password = Annotated[str, Field(examples=["an orchard of quiet lamps"])]
"""A password that is compared, and so may be anything."""


def _given(value: object) -> object:
    """Refuse null as well: a field is left out, or has text."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "text")
    return value


OptionalPassword = Annotated[Password | SkipJsonSchema[None], BeforeValidator(_given)]
"""As Password, for whoever may have none."""

OptionalText = Annotated[str | SkipJsonSchema[None], BeforeValidator(_given)]
"""Text that may be left out; null is none."""


Code = Annotated[str, Field(examples=["492039"])]
"""A code of an authenticator app, or a recovery code: it is compared, and so may be anything."""

OptionalCode = Annotated[Code | SkipJsonSchema[None], BeforeValidator(_given)]
"""As Code, where something else may do."""


class Parameters(BaseModel):
    """What a client sends as a form: unknown parameters are ignored, and none comes twice.

    Empty ones never get here: the route leaves them out (RFC 6749 §3.2).
    """

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "string"}})


Parameter = Annotated[str, Field(min_length=1)]
"""A parameter that a form cannot do without."""

OptionalParameter = str
"""A parameter that may be left out, and is empty then: `Field(default_factory=str)`."""


class Answer(BaseModel):
    """What the service sends."""

    model_config = ConfigDict(from_attributes=True)
