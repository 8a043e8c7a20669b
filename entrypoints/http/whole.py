"""Models of queries and forms, each read and checked as a whole.

The framework looks for each of their parameters by itself, several times over. What a route
declares stays the framework's own, and so does what OpenAPI says of it:
`asked: Annotated[ItemListQuery, Query()]`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any, get_args, get_origin

from fastapi import params
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from entrypoints.http.request import StrictRequest


class Whole:
    """Reads a model from the form of a request, or from its query."""

    def __init__(self, field: FieldInfo) -> None:
        model: Any = field.annotation
        self._model: type[BaseModel] = model
        self._is_form = isinstance(field, params.Form)
        self._lists = [name for name, field in _named(model) if _takes_list(field.annotation)]

    def __call__(self, request: StrictRequest) -> tuple[BaseModel | None, Sequence[Any]]:
        """Return the model, and what is wrong with what was sent.

        What may not come twice was refused before.
        """
        sent = request.fields if self._is_form else request.query_params
        values: dict[str, Any] = dict(sent.multi_items())
        for name in self._lists:
            if name in values:
                values[name] = sent.getlist(name)
        try:
            return self._model.model_validate(values), ()
        except ValidationError as broken:
            errors = broken.errors(include_url=False)
        place = "body" if self._is_form else "query"
        return None, [{**error, "loc": (place, *error["loc"])} for error in errors]


def query_parameters(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters that a route knows by name, and whether each takes a list.

    Those that its dependencies ask for are the route's too.
    """
    own = {
        name: _takes_list(field.annotation)
        for parameter in dependant.query_params
        for name, field in (
            _named(parameter.field_info.annotation)
            if _is_model(parameter.field_info)
            else [(parameter.alias, parameter.field_info)]
        )
    }
    return reduce(or_, map(query_parameters, dependant.dependencies), own)


def is_whole(field: FieldInfo) -> bool:
    """Whether a parameter is a model of a query or a form, and nothing else checks it."""
    return (
        isinstance(field, params.Query | params.Form)
        and _is_model(field)
        and not field.metadata
        and all(_is_taken(one.annotation) for _, one in _named(field.annotation))
    )


def _is_model(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _named(model: Any) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the fields of a model by the names that clients know them by."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _is_taken(annotation: Any) -> bool:
    """Whether a type is none of the collections that are no list."""
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Collection):
        return issubclass(origin, str | list)
    return all(map(_is_taken, get_args(annotation)))


def _takes_list(annotation: Any) -> bool:
    """Whether a type is a list, perhaps an annotated or optional one."""
    if get_origin(annotation) is list:
        return True
    return any(_takes_list(part) for part in get_args(annotation))
