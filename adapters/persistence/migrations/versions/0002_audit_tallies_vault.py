"""The audit trail, counted attempts, the service's own secrets, and searching for users."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and fold what searches look into."""
    op.add_column("users", sa.Column("search", sa.Text(), nullable=False, server_default=""))
    _fold_users()
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    op.create_index("ix_sessions_last_used_at", "sessions", ["last_used_at"])
    op.create_index("ix_sessions_created_at", "sessions", ["created_at"])
    op.create_table(
        "vault",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_vault"),
    )
    op.create_table(
        "tallies",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("closed_until", _TIME, nullable=True),
        sa.Column("forget_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_tallies"),
    )
    op.create_index("ix_tallies_forget_at", "tallies", ["forget_at"])
    _make_audit_tables()


def _fold_users() -> None:
    users = sa.table(
        "users",
        sa.column("id", sa.Uuid()),
        sa.column("email", sa.String()),
        sa.column("display_name", sa.String()),
        sa.column("search", sa.Text()),
    )
    connection = op.get_bind()
    for id, email, name in connection.execute(
        sa.select(users.c.id, users.c.email, users.c.display_name)
    ).all():
        folded = f"{email}\n{name or ''}".casefold()
        connection.execute(users.update().where(users.c.id == id).values(search=folded))


def _make_audit_tables() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("target_type", sa.String(16), nullable=False),
        sa.Column("target_id", sa.String(256), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("personal_digest", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_entries"),
        sa.UniqueConstraint("id", name="uq_audit_entries_id"),
    )
    for columns in (["actor_id", "number"], ["target_id", "number"], ["action", "number"], ["at"]):
        op.create_index(f"ix_audit_entries_{'_'.join(columns)}", "audit_entries", columns)
    op.create_table(
        "audit_personal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(512), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_audit_personal"),
        sa.ForeignKeyConstraint(
            ["number"], ["audit_entries.number"], name="fk_audit_personal_number_audit_entries"
        ),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "mac": b""}])


def downgrade() -> None:
    """Drop them, with all that is in them."""
    for table in ("audit_head", "audit_personal", "audit_entries", "tallies", "vault"):
        op.drop_table(table)
    op.drop_index("ix_sessions_created_at", "sessions")
    op.drop_index("ix_sessions_last_used_at", "sessions")
    op.drop_index("ix_users_created_at_id", "users")
    op.drop_column("users", "search")
