"""Second factors: authenticator apps, recovery codes, and sign-ins that wait for one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _goes_with_its_user(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("spent_step", sa.BigInteger(), nullable=True),
        sa.Column("proved_address", sa.String(254), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
        _goes_with_its_user("fk_second_factors_user_id_users"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "digest", name="pk_recovery_codes"),
        _goes_with_its_user("fk_recovery_codes_user_id_users"),
    )
    op.create_table(
        "challenges",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(512), nullable=False),
        sa.Column("account_at", _TIME, nullable=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_challenges"),
        _goes_with_its_user("fk_challenges_user_id_users"),
    )
    op.create_index("ix_challenges_user_id", "challenges", ["user_id"])
    op.create_index("ix_challenges_begun_at", "challenges", ["begun_at"])


def downgrade() -> None:
    """Drop them, with all that is in them."""
    op.drop_table("challenges")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
