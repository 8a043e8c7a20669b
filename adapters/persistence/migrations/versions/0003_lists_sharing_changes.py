"""Lists in every order, searching, sharing, repeated requests, and the change feed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from domain.words import words_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_BY_CODE_POINT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TERM = sa.String(136).with_variant(sa.String(136, collation="C"), "postgresql")
_AT_ONCE = 1000


def upgrade() -> None:
    """Make the tables and indexes, and bring every item into them."""
    op.add_column(
        "items", sa.Column("title_key", _BY_CODE_POINT, nullable=False, server_default="")
    )
    op.create_table(
        "item_terms",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("term", _TERM, nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "term", "item_id", name="pk_item_terms"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name="fk_item_terms_owner_id_users", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_item_terms_term_item_id", "item_terms", ["term", "item_id"])
    op.create_table(
        "grants",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("item_id", "user_id", name="pk_grants"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name="fk_grants_item_id_items", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_grants_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_grants_user_id_item_id", "grants", ["user_id", "item_id"])
    op.create_table(
        "replays",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_replays"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_replays_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_replays_expires_at", "replays", ["expires_at"])
    _make_feed()
    _fill()
    for key in ("updated_at", "title_key"):
        op.create_index(f"ix_items_owner_id_{key}_id", "items", ["owner_id", key, "id"])
    for key in ("created_at", "updated_at", "title_key"):
        op.create_index(f"ix_items_{key}_id", "items", [key, "id"])


def _make_feed() -> None:
    op.create_table(
        "feeds",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_feeds"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_feeds_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "item_id", name="pk_changes"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_changes_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_changes_user_id_number", "changes", ["user_id", "number"])
    op.create_index("ix_changes_is_gone_at", "changes", ["is_gone", "at"])


_items = sa.table(
    "items",
    sa.column("id", sa.Uuid()),
    sa.column("owner_id", sa.Uuid()),
    sa.column("title", sa.String()),
    sa.column("description", sa.String()),
    sa.column("tags", sa.Text()),
    sa.column("title_key", sa.Text()),
)
_terms = sa.table(
    "item_terms",
    sa.column("owner_id", sa.Uuid()),
    sa.column("term", sa.String()),
    sa.column("item_id", sa.Uuid()),
)
_feeds = sa.table(
    "feeds",
    sa.column("user_id", sa.Uuid()),
    sa.column("newest", sa.BigInteger()),
    sa.column("forgotten", sa.BigInteger()),
)
_changes = sa.table(
    "changes",
    sa.column("user_id", sa.Uuid()),
    sa.column("item_id", sa.Uuid()),
    sa.column("number", sa.BigInteger()),
    sa.column("at", _TIME),
    sa.column("is_gone", sa.Boolean()),
)


def _fill() -> None:
    connection = op.get_bind()
    now = datetime.now(UTC)  # noqa: TID251  # a migration has no clock to ask
    numbers: dict[UUID, int] = {}
    for page in _pages(connection):
        changes: list[dict[str, Any]] = []
        terms: list[dict[str, Any]] = []
        for item in page:
            connection.execute(
                _items.update()
                .where(_items.c.id == item.id)
                .values(title_key=item.title.casefold())
            )
            found = {*words_of(item.title, item.description)}
            found |= {f"#{tag}" for tag in json.loads(item.tags)}
            terms += [
                {"owner_id": item.owner_id, "term": term, "item_id": item.id} for term in found
            ]
            number = numbers[item.owner_id] = numbers.get(item.owner_id, 0) + 1
            changes.append(
                {
                    "user_id": item.owner_id,
                    "item_id": item.id,
                    "number": number,
                    "at": now,
                    "is_gone": False,
                }
            )
        connection.execute(_changes.insert(), changes)
        if terms:
            connection.execute(_terms.insert(), terms)
    if numbers:
        connection.execute(
            _feeds.insert(),
            [
                {"user_id": user, "newest": newest, "forgotten": 0}
                for user, newest in numbers.items()
            ],
        )


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    last = None
    while True:
        query = sa.select(_items).order_by(_items.c.id).limit(_AT_ONCE)
        page = connection.execute(query if last is None else query.where(_items.c.id > last)).all()
        if not page:
            return
        yield list(page)
        last = page[-1].id


def downgrade() -> None:
    """Drop them, with all that is in them."""
    for key in ("created_at", "updated_at", "title_key"):
        op.drop_index(f"ix_items_{key}_id", "items")
    for key in ("updated_at", "title_key"):
        op.drop_index(f"ix_items_owner_id_{key}_id", "items")
    for table in ("changes", "feeds", "replays", "grants", "item_terms"):
        op.drop_table(table)
    op.drop_column("items", "title_key")
