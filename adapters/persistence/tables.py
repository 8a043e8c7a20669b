"""The tables. Rows are not entities: they know columns and constraints, and no rule.

Limits come from the domain, so that a column is as wide as what may be put into it.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from domain.access import USER_AGENT_MAX
from domain.attributes import compact
from domain.audit import TARGET_ID_MAX
from domain.email import EMAIL_MAX
from domain.identity import ISSUER_MAX, PROVIDER_NAME_MAX, SUBJECT_MAX
from domain.item import DESCRIPTION_MAX, TITLE_MAX
from domain.machine_key import NAME_MAX
from domain.mail import CAUSE_MAX
from domain.user import DISPLAY_NAME_MAX
from domain.words import WORD_MAX

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class CompactJson(TypeDecorator[Any]):
    """JSON kept as the text that we wrote, so that both databases give back what went in.

    PostgreSQL's own jsonb reorders keys and rewrites numbers.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Return the text to store."""
        return compact(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return what the text says."""
        return None if value is None else json.loads(value)


BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that both databases put in the order of its code points."""

TERM_MAX = WORD_MAX + 8
TERM = String(TERM_MAX).with_variant(String(TERM_MAX, collation="C"), "postgresql")
"""A word or a tag, in the order of its code points."""


LONG_AGO = "1970-01-01 00:00:00.000000"
"""What a proof's time is for whoever writes a row without knowing of proofs: not fresh."""


def _user_key(*, primary_key: bool = False, nullable: bool = False) -> Column[UUID]:
    """A column that names a user and goes with them."""
    key = ForeignKey("users.id", ondelete="CASCADE")
    return Column(key, nullable=nullable, primary_key=primary_key)


class UserRow(SQLModel, table=True):
    """An account. The address is canonical, so that equal ones collide."""

    __tablename__ = "users"

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=EMAIL_MAX, unique=True)
    display_name: str | None = Field(max_length=DISPLAY_NAME_MAX)
    role: str = Field(max_length=16)
    status: str = Field(max_length=16)
    email_verified: bool
    password_hash: str | None = Field(max_length=512)
    created_at: datetime
    updated_at: datetime
    search: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    """Address and name, case-folded: what administrators' searches look into."""

    __table_args__ = (Index(None, "created_at", "id"),)


class SessionRow(SQLModel, table=True):
    """A live sign-in; one that is over has no row."""

    __tablename__ = "sessions"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(sa_column=_user_key())
    scope: str = Field(max_length=512)
    seed: bytes = Field(sa_type=LargeBinary)
    counter: int
    secret_id: str = Field(max_length=32)
    address: str | None = Field(max_length=64)
    user_agent: str | None = Field(max_length=USER_AGENT_MAX)
    created_at: datetime
    last_used_at: datetime
    proved_at: datetime = Field(sa_column_kwargs={"server_default": LONG_AGO})

    __table_args__ = (
        Index(None, "user_id", "last_used_at"),
        Index(None, "last_used_at"),
        Index(None, "created_at"),
    )


class MachineKeyRow(SQLModel, table=True):
    """What a program calls with in a user's name: a digest of it."""

    __tablename__ = "machine_keys"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(sa_column=_user_key())
    name: str = Field(max_length=NAME_MAX)
    scope: str = Field(max_length=512)
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    __table_args__ = (Index(None, "user_id", "created_at"),)


class SecondFactorRow(SQLModel, table=True):
    """A user's authenticator app; the secret that it shares with the service is sealed."""

    __tablename__ = "second_factors"

    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    sealed: bytes = Field(sa_type=LargeBinary)
    confirmed_at: datetime | None
    spent_step: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    proved_address: str | None = Field(max_length=EMAIL_MAX)


class RecoveryCodeRow(SQLModel, table=True):
    """A code for when the app is lost: a digest of it. One that was used has no row."""

    __tablename__ = "recovery_codes"

    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class ChallengeRow(SQLModel, table=True):
    """A sign-in that waits for its second factor."""

    __tablename__ = "challenges"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    user_id: UUID = Field(sa_column=_user_key())
    scope: str = Field(max_length=512)
    account_at: datetime
    guesses: int
    begun_at: datetime

    __table_args__ = (Index(None, "user_id"), Index(None, "begun_at"))


class IdentityRow(SQLModel, table=True):
    """A way in by an external provider: who its issuer calls by this subject."""

    __tablename__ = "identities"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(sa_column=_user_key())
    provider: str = Field(max_length=PROVIDER_NAME_MAX)
    issuer: str = Field(max_length=ISSUER_MAX)
    subject: str = Field(max_length=SUBJECT_MAX)
    created_at: datetime
    last_used_at: datetime | None

    __table_args__ = (UniqueConstraint("issuer", "subject"), Index(None, "user_id", "created_at"))


class FlowRow(SQLModel, table=True):
    """A visit to an external provider that is going on: a digest of its secret."""

    __tablename__ = "flows"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    provider: str = Field(max_length=PROVIDER_NAME_MAX)
    redirect_uri: str = Field(sa_type=Text)
    expires_at: datetime

    __table_args__ = (Index(None, "expires_at"),)


class ItemRow(SQLModel, table=True):
    """What a user keeps."""

    __tablename__ = "items"

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(sa_column=_user_key())
    title: str = Field(max_length=TITLE_MAX)
    description: str = Field(max_length=DESCRIPTION_MAX)
    tags: list[str] = Field(sa_column=Column(CompactJson, nullable=False))
    attributes: dict[str, Any] = Field(sa_column=Column(CompactJson, nullable=False))
    version: int
    created_at: datetime
    updated_at: datetime

    title_key: str = Field(sa_column=Column(BY_CODE_POINT, nullable=False, server_default=""))

    __table_args__ = (
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "owner_id", "updated_at", "id"),
        Index(None, "owner_id", "title_key", "id"),
        Index(None, "created_at", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "title_key", "id"),
    )


class ItemTermRow(SQLModel, table=True):
    """A word that an item is found by, or a tag with a hash in front, under its owner."""

    __tablename__ = "item_terms"

    owner_id: UUID = Field(sa_column=_user_key(primary_key=True))
    term: str = Field(sa_column=Column(TERM, primary_key=True))
    item_id: UUID = Field(primary_key=True)

    __table_args__ = (Index(None, "term", "item_id"), {"sqlite_with_rowid": False})


class GrantRow(SQLModel, table=True):
    """One user's access to one item of another."""

    __tablename__ = "grants"

    item_id: UUID = Field(
        sa_column=Column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    )
    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    role: str = Field(max_length=16)
    created_at: datetime

    __table_args__ = (Index(None, "user_id", "item_id"),)


class ReplayRow(SQLModel, table=True):
    """The result of a request that may be repeated; without one, its key is held."""

    __tablename__ = "replays"

    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: str = Field(max_length=64)
    result: str | None = Field(sa_type=Text)
    expires_at: datetime

    __table_args__ = (Index(None, "expires_at"),)


class FeedRow(SQLModel, table=True):
    """How far a user's change feed has come, and up to where what is gone was forgotten."""

    __tablename__ = "feeds"

    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    newest: int = Field(sa_column=Column(BigInteger, nullable=False))
    forgotten: int = Field(sa_column=Column(BigInteger, nullable=False))


class ChangeRow(SQLModel, table=True):
    """The newest change of one item in one user's view."""

    __tablename__ = "changes"

    user_id: UUID = Field(sa_column=_user_key(primary_key=True))
    item_id: UUID = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: datetime
    is_gone: bool

    __table_args__ = (
        Index(None, "user_id", "number"),
        Index(None, "at", sqlite_where=text("is_gone = 1"), postgresql_where=text("is_gone")),
    )


class SigningKeyRow(SQLModel, table=True):
    """A key that access tokens are signed with; its private part is sealed."""

    __tablename__ = "signing_keys"

    id: str = Field(primary_key=True, max_length=64)
    public: str = Field(sa_type=Text)
    sealed: bytes = Field(sa_type=LargeBinary)
    created_at: datetime
    signs_from: datetime


class VaultRow(SQLModel, table=True):
    """A secret that the service made for itself, sealed."""

    __tablename__ = "vault"

    name: str = Field(primary_key=True, max_length=64)
    sealed: bytes = Field(sa_type=LargeBinary)


class LetterRow(SQLModel, table=True):
    """A mail that is still to be sent; whom it goes to is sealed."""

    __tablename__ = "outbox"

    id: UUID = Field(primary_key=True)
    topic: str = Field(max_length=32)
    user_id: UUID | None = Field(sa_column=_user_key(nullable=True))
    sealed: bytes = Field(sa_type=LargeBinary)
    attempts: int
    due_at: datetime | None
    cause: str | None = Field(max_length=CAUSE_MAX)
    created_at: datetime

    __table_args__ = (Index(None, "due_at", "id"), Index(None, "user_id"))


class OneTimeTokenRow(SQLModel, table=True):
    """Half of a token that is out in a mail; the other half is the service's secret."""

    __tablename__ = "one_time_tokens"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(sa_column=_user_key())
    topic: str = Field(max_length=32)
    address: str = Field(max_length=EMAIL_MAX)
    seed: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime

    __table_args__ = (Index(None, "user_id", "id"), Index(None, "expires_at"))


class TallyRow(SQLModel, table=True):
    """How often something was tried; the key is a digest."""

    __tablename__ = "tallies"

    key: str = Field(primary_key=True, max_length=64)
    count: int
    closed_until: datetime | None
    forget_at: datetime

    __table_args__ = (Index(None, "forget_at"),)


class AuditEntryRow(SQLModel, table=True):
    """An entry of the audit trail: never changed, never removed."""

    __tablename__ = "audit_entries"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: UUID = Field(unique=True)
    at: datetime
    action: str = Field(max_length=64)
    result: str = Field(max_length=16)
    actor_id: UUID | None
    target_type: str = Field(max_length=16)
    target_id: str | None = Field(max_length=TARGET_ID_MAX)
    request_id: str | None = Field(max_length=64)
    personal_digest: bytes = Field(sa_type=LargeBinary)
    mac: bytes = Field(sa_type=LargeBinary)

    __table_args__ = (
        Index(None, "actor_id", "number"),
        Index(None, "target_id", "number"),
        Index(None, "action", "number"),
        Index(None, "at"),
    )


class AuditPersonalRow(SQLModel, table=True):
    """What of an entry belongs to a person; it can be erased, and the chain stays whole."""

    __tablename__ = "audit_personal"

    number: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("audit_entries.number"), primary_key=True, autoincrement=False
        )
    )
    salt: bytes = Field(sa_type=LargeBinary)
    address: str | None = Field(max_length=64)
    user_agent: str | None = Field(max_length=USER_AGENT_MAX)
    email: str | None = Field(sa_type=Text)


class AuditHeadRow(SQLModel, table=True):
    """The number and MAC of the newest entry: the one row that writers of the trail queue at."""

    __tablename__ = "audit_head"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    mac: bytes = Field(sa_type=LargeBinary)


def table(row: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements that build no row objects."""
    return SQLModel.metadata.tables[str(row.__tablename__)]
