"""Models of queries and forms, each read and checked as a whole.

The framework looks for each of their parameters by itself, several times over. What a route
declares stays the framework's own, and so does what OpenAPI says of it:
`asked: Annotated[ItemListQuery, Query()]`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args, get_origin

from fastapi import Request, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


class Whole:
    """A dependency that reads a model from the form of a request, or from its query."""

    def __init__(self, model: type[BaseModel], *, is_form: bool) -> None:
        self._model = model
        self._is_form = is_form
        self._lists = [name for name, field in _named(model) if _takes_list(field.annotation)]

    async def __call__(self, request: Request) -> BaseModel:
        """Return the model. Raises RequestValidationError.

        What may not come twice was refused before.
        """
        sent = await request.form() if self._is_form else request.query_params
        values: dict[str, Any] = dict(sent.multi_items())
        for name in self._lists:
            if name in values:
                values[name] = sent.getlist(name)
        try:
            return self._model.model_validate(values)
        except ValidationError as broken:
            errors = broken.errors(include_url=False)
        place = "body" if self._is_form else "query"
        raise RequestValidationError([{**error, "loc": (place, *error["loc"])} for error in errors])


def read_whole(dependant: Dependant) -> Dependant:
    """Return what a route depends on, with the models of its query and its form read as wholes."""
    queries, bodies = dependant.query_params, dependant.body_params
    fields = [field for field in (*queries, *bodies) if _is_whole(field.field_info)]
    return replace(
        dependant,
        query_params=[field for field in queries if field not in fields],
        body_params=[field for field in bodies if field not in fields],
        dependencies=[
            *dependant.dependencies,
            *(_reading(field.name, field.field_info) for field in fields),
        ],
    )


def query_parameters(dependant: Dependant) -> Mapping[str, bool]:
    """Return the query parameters that a route knows by name, and whether each takes a list."""
    return {
        name: _takes_list(field.annotation)
        for parameter in dependant.query_params
        for name, field in (
            _named(parameter.field_info.annotation)
            if _is_model(parameter.field_info)
            else [(parameter.alias, parameter.field_info)]
        )
    }


def _reading(name: str, field: FieldInfo) -> Dependant:
    model: Any = field.annotation
    whole = Whole(model, is_form=isinstance(field, params.Form))
    return Dependant(name=name, call=whole, request_param_name="request")


def _is_whole(field: FieldInfo) -> bool:
    return isinstance(field, params.Query | params.Form) and _is_model(field)


def _is_model(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _named(model: Any) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the fields of a model by the names that clients know them by."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _takes_list(annotation: Any) -> bool:
    """Whether a type is a list, perhaps an annotated or optional one."""
    if get_origin(annotation) is list:
        return True
    return any(_takes_list(part) for part in get_args(annotation))
