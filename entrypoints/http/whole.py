"""Models of queries and forms, each read and checked as a whole.

The framework looks for each of their parameters by itself, several times over. What a route
declares stays the framework's own, and so does what OpenAPI says of it:
`asked: Annotated[ItemListQuery, Query()]`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, get_args, get_origin

from fastapi import params
from fastapi.dependencies.models import Dependant
from pydantic import AliasChoices, AliasPath, BaseModel, Json
from pydantic.fields import FieldInfo

from entrypoints.http.request import StrictRequest

_OTHER_NAMES = {"populate_by_name", "validate_by_name", "validate_by_alias"}
_JSON: Any = Json
"""What pydantic notes of a value that is JSON in a text."""


class Whole:
    """Reads a model from the form of a request, or from its query."""

    def __init__(self, field: Any) -> None:
        self._validate = field.validate
        self._is_form = isinstance(field.field_info, params.Form)
        self._place = ("body",) if self._is_form else ("query",)
        self._lists = [
            name for name, one in _named(field.field_info.annotation) if takes_many(one.annotation)
        ]

    def __call__(self, request: StrictRequest) -> tuple[Any, Sequence[Any]]:
        """Return the model, and what is wrong with what was sent.

        What may not come twice was refused before.
        """
        sent = request.fields if self._is_form else request.query_params
        values: dict[str, Any] = dict(sent.multi_items())
        for name in self._lists:
            if name in values:
                values[name] = sent.getlist(name)
        found: tuple[Any, Sequence[Any]] = self._validate(values, loc=self._place)
        return found


def query_parameters(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters that a route knows by name, and whether each takes a list.

    Those that its dependencies ask for are the route's too.
    """
    own = {
        name: takes_many(field.annotation)
        for parameter in dependant.query_params
        for name, field in (
            _named(parameter.field_info.annotation)
            if is_model(parameter.field_info)
            else ((name, parameter.field_info) for name in _names(parameter.field_info))
        )
    }
    return reduce(or_, map(query_parameters, dependant.dependencies), own)


def is_whole(field: FieldInfo) -> bool:
    """Whether a parameter is a model of a query or a form that can be read as a whole.

    What the framework would look for in another way is left to it.
    """
    if not isinstance(field, params.Query | params.Form) or not is_model(field) or field.metadata:
        return False
    model: Any = field.annotation
    has_other_names = _OTHER_NAMES & model.model_config.keys()
    takes_others = model.model_config.get("extra") == "allow"
    return (
        not has_other_names
        and not takes_others
        and all(
            has_one_name(one)
            and not any(_is_json(each) for each in one.metadata)
            and _is_plain(one.annotation)
            for one in model.model_fields.values()
        )
    )


def is_model(field: FieldInfo) -> bool:
    """Whether the values of a parameter are the fields of a model."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def has_one_name(field: FieldInfo) -> bool:
    """Whether a field is read by the name that it is shown by."""
    return field.validation_alias in (None, field.alias)  # an alias of several has no hash


def takes_many(annotation: Any) -> bool:
    """Whether a type is a list or the like, perhaps an annotated or optional one."""
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Collection):
        return not issubclass(origin, str | bytes | bytearray | Mapping)
    return any(map(takes_many, get_args(annotation)))


def _is_plain(annotation: Any) -> bool:
    """Whether a type is one value, or a list of them whose type is said."""
    if annotation is list or _is_json(annotation):
        return False
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Collection | BaseModel):
        return issubclass(origin, str | list)
    return all(map(_is_plain, get_args(annotation)))


def _is_json(noted: Any) -> bool:
    return noted is _JSON or isinstance(noted, _JSON)


def _named(model: Any) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the fields of a model by the names that clients know them by."""
    for name, field in model.model_fields.items():
        for known_as in _names(field) or [name]:
            yield known_as, field


def _names(field: FieldInfo) -> list[str]:
    """Return the names that a field has besides its own, if it has any."""
    known_as = field.validation_alias or field.alias
    match known_as:
        case AliasChoices():
            paths = list(known_as.choices)
        case None:
            paths = []
        case _:
            paths = [known_as]
    return [str(path.path[0]) if isinstance(path, AliasPath) else path for path in paths]
