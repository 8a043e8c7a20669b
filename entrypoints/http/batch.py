"""/v1/items/batch: many operations at once, all of them or none."""

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Response
from pydantic import ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from application.batch import BATCH_MAX, Create, Delete, Operation, Outcome, Update
from domain.access import Scope
from domain.errors import BatchFailed
from domain.item import Expected, ItemId
from entrypoints.http.answers import REPEATABLE, private
from entrypoints.http.dependencies import Call, signed_in
from entrypoints.http.errors import ValidationFailed
from entrypoints.http.fields import Answer, Id, Shape
from entrypoints.http.items import ItemAnswer, ItemPatch, NewItem, item_answer, replayed
from entrypoints.http.openapi import success, takes
from entrypoints.http.revisions import expected
from entrypoints.http.route import strict_router
from entrypoints.http.violations import violation, violations

router = strict_router("/v1/items/batch", tag="items")

Writer = Annotated[Call, signed_in(Scope.ITEMS_WRITE)]
T = TypeVar("T", bound=Shape)


class CreateOperation(Shape):
    """Add an item."""

    op: Literal["create"]
    id: None = None
    if_match: None = None
    item: NewItem


class UpdateOperation(Shape):
    """Change parts of an item, by a merge patch; `if_match` is what the header would be."""

    op: Literal["update"]
    id: Id
    item: ItemPatch
    if_match: str | None = None


class DeleteOperation(Shape):
    """Remove an item; `if_match` is what the header would be, and `item` is not looked at."""

    op: Literal["delete"]
    id: Id
    if_match: str | None = None
    item: dict[str, Any] | None = None


class BatchOperation(Shape):
    """One operation, read in two steps: what is wrong with it is one of the batch's results.

    Clients are shown the three operations that there are.
    """

    op: Literal["create", "update", "delete"]
    id: Id | None = None
    if_match: str | None = None
    item: dict[str, Any] | None = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(_SHOWN.core_schema)

    def operation(self) -> Operation:
        """Return the operation, or what is wrong with it."""
        try:
            return self._operation()
        except ValidationFailed as failed:
            return failed

    def _operation(self) -> Operation:
        if self.op == "create":
            if self.id is not None or self.if_match is not None:
                raise ValidationFailed([violation("body", "extra_forbidden")])
            return Create(self._body(NewItem).draft())
        if self.id is None:
            raise ValidationFailed([violation("body.id", "missing")])
        if self.op == "update":
            return Update(ItemId(self.id), self._body(ItemPatch).edit(), self._expected())
        return Delete(ItemId(self.id), self._expected())

    def _expected(self) -> Expected:
        return expected(None if self.if_match is None else [self.if_match])

    def _body(self, shape: type[T]) -> T:
        if self.item is None:
            raise ValidationFailed([violation("body", "missing")])
        try:
            return shape.model_validate(self.item)
        except ValidationError as error:
            found = [told | {"loc": ("body", *told["loc"])} for told in error.errors()]
            raise ValidationFailed(violations(found)) from None


_SHOWN: TypeAdapter[Any] = TypeAdapter(CreateOperation | UpdateOperation | DeleteOperation)


class Batch(Shape):
    """Operations in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "operations": [
                    {"op": "create", "item": {"title": "Lamp oil"}},
                    {"op": "create", "item": {"title": "Wicks", "tags": ["winter"]}},
                ]
            }
        }
    )

    operations: Annotated[
        list[BatchOperation], Field(fail_fast=True, min_length=1, max_length=BATCH_MAX)
    ]


class KeptAnswer(Answer):
    """An item that was made (201) or changed (200)."""

    status: Literal[200, 201]
    item: ItemAnswer


class RemovedAnswer(Answer):
    """An item that was removed."""

    status: Literal[204] = 204


class BatchAnswer(Answer):
    """The outcome of each operation, in their order."""

    data: list[KeptAnswer | RemovedAnswer]


@router.post(
    "",
    responses=private(BatchFailed, *REPEATABLE, body=True) | success(200, "Idempotent-Replayed"),
    openapi_extra=takes("Idempotency-Key"),
)
async def run_batch(call: Writer, body: Batch, response: Response) -> BatchAnswer:
    """Do up to 100 operations in one transaction: all, or none if one of them fails."""
    operations = [step.operation() for step in body.operations]
    done = await call.change(lambda use: use.run_batch, operations, await call.attempt())
    replayed(done, response)
    return BatchAnswer(data=[_answer(outcome) for outcome in done.result.outcomes])


def _answer(outcome: Outcome) -> KeptAnswer | RemovedAnswer:
    if outcome.seen is None:
        return RemovedAnswer()
    return KeptAnswer(status=201 if outcome.created else 200, item=item_answer(outcome.seen))
