"""The index by which what is long gone is forgotten holds nothing but what is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OLD, _NEW = "ix_changes_is_gone_at", "ix_changes_at"


def upgrade() -> None:
    """Put it in the place of one over all changes, which every change of an item had to move."""
    op.create_index(
        _NEW,
        "changes",
        ["at"],
        sqlite_where=sa.text("is_gone = 1"),
        postgresql_where=sa.text("is_gone"),
    )
    op.drop_index(_OLD, "changes")


def downgrade() -> None:
    """Index all changes again."""
    op.create_index(_OLD, "changes", ["is_gone", "at"])
    op.drop_index(_NEW, "changes")
