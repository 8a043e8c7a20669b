"""When each session's user last proved who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column: who has a session signed in when it began."""
    # A worker of the version before, which still runs, writes sessions that proved nothing.
    op.add_column(
        "sessions",
        sa.Column("proved_at", _TIME, nullable=False, server_default="1970-01-01 00:00:00.000000"),
    )
    op.execute("UPDATE sessions SET proved_at = created_at")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("sessions", "proved_at")
