"""The tables. Rows are not entities: they know columns and constraints, and no rule.

Limits come from the domain, so that a column is as wide as what may be put into it.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from domain.access import USER_AGENT_MAX
from domain.attributes import compact
from domain.audit import TARGET_ID_MAX
from domain.email import EMAIL_MAX
from domain.item import DESCRIPTION_MAX, TITLE_MAX
from domain.user import DISPLAY_NAME_MAX

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


def _user_key() -> Column[UUID]:
    """A column that names a user and goes with them."""
    return Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


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

    __table_args__ = (
        Index(None, "user_id", "last_used_at"),
        Index(None, "last_used_at"),
        Index(None, "created_at"),
    )


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

    __table_args__ = (Index(None, "owner_id", "created_at", "id"),)


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
