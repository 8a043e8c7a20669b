"""An item: a thing that one user owns, with a version that counts its changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Literal, NewType, Self, TypeAlias, TypeVar
from uuid import UUID

from domain.access import Caller, Scope, UserId
from domain.attributes import Attributes, attributes, merged, same
from domain.errors import Forbidden, InvalidValue, PreconditionFailed
from domain.text import line, storable, within
from domain.words import words_of

ItemId = NewType("ItemId", UUID)
T = TypeVar("T")

TITLE_MAX = 200
"""Characters in a title, after trimming."""

DESCRIPTION_MAX = 10_000
"""Characters in a description."""

TAGS_MAX = 20
"""Tags on one item, after merging duplicates."""

TAG_MAX = 50
"""Characters in a tag, after trimming."""


def title(text: str) -> str:
    """Return a title trimmed. Raises InvalidValue."""
    return line(text, field="title", longest=TITLE_MAX)


def description(text: str) -> str:
    """Return a description unchanged. Raises InvalidValue."""
    return within(storable(text, field="description"), field="description", longest=DESCRIPTION_MAX)


def tags(texts: Iterable[str]) -> tuple[str, ...]:
    """Return tags trimmed, in lower case, duplicates merged in first order. Raises InvalidValue."""
    merged_tags = tuple(dict.fromkeys(tag(text) for text in texts))
    if len(merged_tags) > TAGS_MAX:
        raise InvalidValue("tags", "too_long", f"An item may have at most {TAGS_MAX} tags.")
    return merged_tags


def tag(text: str) -> str:
    """Return one tag trimmed and in lower case. Raises InvalidValue."""
    return line(text.strip().lower(), field="tags", longest=TAG_MAX)


class Access(StrEnum):
    """What a caller is to an item."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"
    ADMIN = "admin"

    def permits(self, act: "Act") -> bool:
        """Whether somebody who is this to an item may do that to it."""
        return act in PERMITTED[self]


class Act(Enum):
    """What can be done to an item."""

    READ = auto()
    EDIT = auto()
    DELETE = auto()
    SHARE = auto()


PERMITTED: dict[Access, frozenset[Act]] = {
    Access.OWNER: frozenset(Act),
    Access.EDITOR: frozenset({Act.READ, Act.EDIT}),
    Access.VIEWER: frozenset({Act.READ}),
    Access.ADMIN: frozenset({Act.READ, Act.EDIT, Act.DELETE}),
}
"""Who may do what: the whole policy."""


class Unchanged(Enum):
    """The mark of a field that an edit does not mention."""

    UNCHANGED = auto()


UNCHANGED: Literal[Unchanged.UNCHANGED] = Unchanged.UNCHANGED

ANY_REVISION = "*"
"""The expectation that any existing item meets."""

Expected: TypeAlias = frozenset[str] | None
"""The revisions one of which an item must be at; None where the caller does not mind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """The parts of an item that its user writes, within their limits."""

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring every part into its canonical form. Raises InvalidValue."""
        object.__setattr__(self, "title", title(self.title))
        object.__setattr__(self, "description", description(self.description))
        object.__setattr__(self, "tags", tags(self.tags))
        object.__setattr__(self, "attributes", attributes(self.attributes))


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEdit:
    """A merge patch (RFC 7396): UNCHANGED leaves a part, None clears it to its default."""

    title: str | Literal[Unchanged.UNCHANGED] = UNCHANGED
    description: str | Literal[Unchanged.UNCHANGED] | None = UNCHANGED
    tags: tuple[str, ...] | Literal[Unchanged.UNCHANGED] | None = UNCHANGED
    attributes: Attributes | Literal[Unchanged.UNCHANGED] | None = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A thing that one user owns. Every change makes a new version."""

    id: ItemId
    owner_id: UserId
    title: str
    description: str
    tags: tuple[str, ...]
    attributes: Attributes
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def create(cls, *, id: ItemId, owner_id: UserId, draft: ItemDraft, now: datetime) -> Self:
        """Return the first version of a new item."""
        return cls(
            id=id,
            owner_id=owner_id,
            title=draft.title,
            description=draft.description,
            tags=draft.tags,
            attributes=draft.attributes,
            version=1,
            created_at=now,
            updated_at=now,
        )

    @property
    def title_key(self) -> str:
        """What lists by title go by: case-folded code points."""
        return self.title.casefold()

    @property
    def words(self) -> frozenset[str]:
        """The words that searches find the item by."""
        return words_of(self.title, self.description)

    def edited(self, edit: ItemEdit, *, now: datetime) -> Self:
        """Return the item after a merge patch; the same item if nothing changes."""
        return self.replaced(
            ItemDraft(
                title=self.title if edit.title is UNCHANGED else edit.title,
                description=_chosen(edit.description, self.description, ""),
                tags=_chosen(edit.tags, self.tags, ()),
                attributes=self._attributes_after(edit),
            ),
            now=now,
        )

    def _attributes_after(self, edit: ItemEdit) -> Attributes:
        patch = edit.attributes
        if patch is UNCHANGED:
            return self.attributes
        return {} if patch is None else merged(self.attributes, patch)

    def replaced(self, draft: ItemDraft, *, now: datetime) -> Self:
        """Return the item with other contents; the same item if they are equal."""
        written = (self.title, self.description, self.tags)
        is_equal = written == (draft.title, draft.description, draft.tags)
        if is_equal and same(self.attributes, draft.attributes):
            return self
        return replace(
            self,
            title=draft.title,
            description=draft.description,
            tags=draft.tags,
            attributes=draft.attributes,
            version=self.version + 1,
            updated_at=now,
        )

    def access_for(self, caller: Caller, act: Act, granted: Access | None = None) -> Access:
        """Return what the caller is to this item. Raises Forbidden if that does not allow `act`.

        `granted` is what the owner granted the caller, if anything. Who may more in another
        part counts as that: an administrator with a grant is an administrator.
        """
        if caller.user_id == self.owner_id:
            access: Access | None = Access.OWNER
        elif Scope.ITEMS_ADMIN in caller.scopes:
            access = Access.ADMIN
        else:
            access = granted
        if access is None or not access.permits(act):
            raise Forbidden
        return access

    def revision(self, access: Access) -> str:
        """Return the name of this version as somebody with that access sees it."""
        return f"{self.version}-{access.value}"

    def expect(self, expected: Expected, access: Access) -> None:
        """Raise PreconditionFailed unless the item is at one of the expected revisions."""
        if expected is None or ANY_REVISION in expected or self.revision(access) in expected:
            return
        raise PreconditionFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenItem:
    """An item as one caller sees it."""

    item: Item
    access: Access

    @property
    def revision(self) -> str:
        """The name of this version as this caller sees it."""
        return self.item.revision(self.access)


def _chosen(wanted: T | Literal[Unchanged.UNCHANGED] | None, present: T, default: T) -> T:
    if wanted is UNCHANGED:
        return present
    return default if wanted is None else wanted
