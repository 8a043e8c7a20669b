"""When each session's user last proved who they are, and keys for machines."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table, and the column: whoever has a session signed in when it began."""
    # A worker of the version before, which still runs, writes sessions that proved nothing.
    op.add_column(
        "sessions",
        sa.Column("proved_at", _TIME, nullable=False, server_default="1970-01-01 00:00:00.000000"),
    )
    op.execute("UPDATE sessions SET proved_at = created_at")
    op.create_table(
        "machine_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scope", sa.String(512), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_machine_keys"),
        sa.UniqueConstraint("digest", name="uq_machine_keys_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_machine_keys_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_machine_keys_user_id_created_at", "machine_keys", ["user_id", "created_at"])


def downgrade() -> None:
    """Drop them, with all that is in them."""
    op.drop_table("machine_keys")
    op.drop_column("sessions", "proved_at")
