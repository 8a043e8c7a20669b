"""/v1/items: what a user keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from application.pages import PAGE_DEFAULT
from application.replaying import Done
from domain import item as rules
from domain.access import Caller, Scope, UserId
from domain.attributes import attributes, attributes_patch
from domain.errors import Forbidden, InvalidCursor, ItemNotFound, PreconditionFailed
from domain.item import (
    DESCRIPTION_MAX,
    TAG_MAX,
    TITLE_MAX,
    Access,
    ItemDraft,
    ItemEdit,
    ItemId,
    SeenItem,
)
from domain.listing import SEARCH_MAX, SEARCH_TAGS_MAX, ItemQuery, Sort, Whose
from domain.text import storable, within
from entrypoints.http.answers import REPEATABLE, private
from entrypoints.http.dependencies import Call, signed_in
from entrypoints.http.examples import ITEM, example
from entrypoints.http.fields import LINE, Answer, Id, Shape, Time, ruled, text
from entrypoints.http.openapi import ITEM_LINKS, success, takes
from entrypoints.http.paging import PageQuery, next_page
from entrypoints.http.revisions import entity_tag, expected, is_known
from entrypoints.http.route import strict_router

router = strict_router("/v1/items", tag="items")

Reader = Annotated[Call, signed_in(Scope.ITEMS_READ)]
Writer = Annotated[Call, signed_in(Scope.ITEMS_WRITE)]

Title = Annotated[
    str, ruled(rules.title), text(longest=TITLE_MAX, example="Lamp oil", pattern=LINE)
]
Description = Annotated[
    str, ruled(rules.description), text(longest=DESCRIPTION_MAX, example="For the long nights.")
]
Tags = Annotated[
    list[Annotated[str, text(longest=TAG_MAX, example="winter", pattern=LINE)]],
    # A large body has room for very many tags that are none; the first one is told.
    Field(fail_fast=True, json_schema_extra={"maxItems": rules.TAGS_MAX}),
    ruled(rules.tags),
]
Attributes = Annotated[dict[str, Any], Field(examples=[{"colour": "amber"}])]
Search = Annotated[
    str,
    ruled(lambda words: within(storable(words, field="q"), field="q", longest=SEARCH_MAX)),
    text(longest=SEARCH_MAX, example="lamp"),
]
SearchTags = Annotated[
    list[Annotated[str, ruled(rules.tag), text(longest=TAG_MAX, example="winter", pattern=LINE)]],
    Field(max_length=SEARCH_TAGS_MAX),
]
PatchedAttributes = Annotated[Attributes, ruled(attributes_patch)]
WholeAttributes = Annotated[Attributes, ruled(attributes)]


@dataclass(slots=True, kw_only=True)
class ItemAnswer:
    """An item, as the caller sees it."""

    # Not a model, nor frozen: a page has up to a hundred, and what we made needs no check.
    __pydantic_config__ = example(**ITEM)

    id: UUID
    owner_id: UUID
    title: str
    description: str
    tags: tuple[str, ...]
    attributes: Mapping[str, Any]
    access: Access
    version: int
    created_at: Time
    updated_at: Time


class ItemPageAnswer(Answer):
    """One page of a list; `next_cursor` is null on the last one."""

    data: list[ItemAnswer]
    next_cursor: str | None


class NewItem(Shape):
    """The contents of an item; only the title is required."""

    title: Title
    description: Description = ""
    tags: Tags = Field(default_factory=list)
    attributes: WholeAttributes = Field(default_factory=dict)

    def draft(self) -> ItemDraft:
        """Return the contents as the domain has them."""
        return ItemDraft(
            title=self.title,
            description=self.description,
            tags=tuple(self.tags),
            attributes=self.attributes,
        )


class ItemPatch(Shape):
    """A merge patch (RFC 7396): what is absent stays, null clears, attributes merge by key."""

    title: Title = Field(default="", json_schema_extra={"default": None})
    description: Description | None = None
    tags: Tags | None = None
    attributes: PatchedAttributes | None = None

    def edit(self) -> ItemEdit:
        """Return the change, with only the fields that were sent."""
        return ItemEdit(**{name: getattr(self, name) for name in self.model_fields_set})


class ItemListQuery(PageQuery):
    """Which items a list shows."""

    sort: Sort = Field(default=Sort.NEWEST, description="A leading `-` turns the order round")
    q: Search | None = Field(default=None, description="Words that begin words of the item")
    tag: SearchTags | None = Field(default=None, description="May be repeated: all must match")
    access: Whose = Field(
        default=Whose.ALL, description="`any` is every item, for the scope items:admin"
    )
    owner_id: Id | None = Field(default=None, description="Another's needs `access=any`")

    def wanted(self, caller: Caller) -> ItemQuery:
        """Return what the caller may ask for. Raises InsufficientScope, Forbidden."""
        return ItemQuery.of(
            caller,
            whose=self.access,
            owner_id=None if self.owner_id is None else UserId(self.owner_id),
            tags=tuple(self.tag or ()),
            search=self.q or "",
            sort=self.sort,
        )


@router.post(
    "",
    status_code=201,
    responses=private(*REPEATABLE, body=True)
    | success(201, "Location", "ETag", "Idempotent-Replayed", links=ITEM_LINKS),
    openapi_extra=takes("Idempotency-Key"),
)
async def create_item(call: Writer, body: NewItem, response: Response) -> ItemAnswer:
    """Add an item to one's own. Send an Idempotency-Key to repeat it without doing it twice."""
    done = await call.change(lambda use: use.create_item, body.draft(), await call.attempt())
    replayed(done, response)
    response.headers["Location"] = f"/v1/items/{done.result.item.id}"
    return shown(done.result, response)


@router.get("", responses=private(Forbidden, InvalidCursor) | success(200, "Link"))
async def list_items(
    call: Reader, asked: Annotated[ItemListQuery, Query()], response: Response
) -> ItemPageAnswer:
    """Look at one's own items and those shared with one. Follow `next_cursor` until it is null."""
    wanted = asked.wanted(call.caller)
    is_short = asked.limit <= PAGE_DEFAULT and not wanted.is_narrowed
    find = call.app.look if is_short else call.app.run
    page = await find(lambda use: use.list_items, wanted, limit=asked.limit, cursor=asked.cursor)
    next_page(call, response, page.next_cursor)
    return ItemPageAnswer(
        data=[item_answer(seen) for seen in page.entries], next_cursor=page.next_cursor
    )


@router.get(
    "/{id}",
    responses=private(ItemNotFound, Forbidden)
    | success(200, "ETag")
    | success(304, "ETag", description="You have this one."),
    response_model=ItemAnswer,
    openapi_extra=takes("If-None-Match"),
)
async def read_item(call: Reader, id: Id, response: Response) -> ItemAnswer | Response:
    """Look at one item."""
    seen = await call.look(lambda use: use.read_item, ItemId(id))
    if is_known(call.lines("if-none-match"), seen.revision):
        return Response(status_code=304, headers={"ETag": entity_tag(seen.revision)})
    return shown(seen, response)


@router.patch(
    "/{id}",
    responses=private(ItemNotFound, Forbidden, PreconditionFailed, body=True)
    | success(200, "ETag"),
    openapi_extra=takes("If-Match"),
)
async def edit_item(
    call: Writer,
    id: Id,
    body: ItemPatch,
    response: Response,
) -> ItemAnswer:
    """Change parts of an item. Send If-Match so as not to overwrite somebody else's change."""
    seen = await call.change(
        lambda use: use.edit_item, ItemId(id), body.edit(), expected(call.lines("if-match"))
    )
    return shown(seen, response)


@router.put(
    "/{id}",
    responses=private(ItemNotFound, Forbidden, PreconditionFailed, body=True)
    | success(200, "ETag"),
    openapi_extra=takes("If-Match"),
)
async def replace_item(
    call: Writer,
    id: Id,
    body: NewItem,
    response: Response,
) -> ItemAnswer:
    """Replace the contents of an item; what is left out takes its default."""
    seen = await call.change(
        lambda use: use.replace_item, ItemId(id), body.draft(), expected(call.lines("if-match"))
    )
    return shown(seen, response)


@router.delete(
    "/{id}",
    status_code=204,
    responses=private(ItemNotFound, Forbidden, PreconditionFailed),
    openapi_extra=takes("If-Match"),
)
async def delete_item(call: Writer, id: Id) -> None:
    """Remove an item for good."""
    await call.change(lambda use: use.delete_item, ItemId(id), expected(call.lines("if-match")))


def replayed(done: Done[Any], response: Response) -> None:
    """Say so if this is the first attempt's answer."""
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"


def shown(seen: SeenItem, response: Response) -> ItemAnswer:
    """Return an item as its reader sees it, with its entity tag."""
    response.headers["ETag"] = entity_tag(seen.revision)
    return item_answer(seen)


def item_answer(seen: SeenItem) -> ItemAnswer:
    """Return an item as its reader sees it."""
    item = seen.item
    return ItemAnswer(
        id=item.id,
        owner_id=item.owner_id,
        title=item.title,
        description=item.description,
        tags=item.tags,
        attributes=item.attributes,
        access=seen.access,
        version=item.version,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
