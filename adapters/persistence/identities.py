"""Identities and flows in their tables."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import FlowRow, IdentityRow, table
from application.ports.identities import Flows, Identities
from domain.access import UserId
from domain.identity import Flow, Identity, IdentityId

_IDENTITIES = table(IdentityRow)
_FLOWS = table(FlowRow)

_KNOWN = Prepared(
    select(_IDENTITIES).where(
        _IDENTITIES.c.issuer == bindparam("issuer"), _IDENTITIES.c.subject == bindparam("subject")
    )
)
_OF_USER = Prepared(
    select(_IDENTITIES)
    .where(_IDENTITIES.c.user_id == bindparam("user_id"))
    .order_by(_IDENTITIES.c.created_at.desc(), _IDENTITIES.c.id.desc())
)
_INSERT = Prepared(insert(_IDENTITIES))
_UPDATE = Prepared(update(_IDENTITIES).where(_IDENTITIES.c.id == bindparam("key")))
_DELETE = Prepared(delete(_IDENTITIES).where(_IDENTITIES.c.id == bindparam("id")))
_DELETE_ALL = Prepared(delete(_IDENTITIES).where(_IDENTITIES.c.user_id == bindparam("user_id")))

_FLOW = Prepared(select(_FLOWS).where(_FLOWS.c.digest == bindparam("digest")))
_INSERT_FLOW = Prepared(insert(_FLOWS))
_DELETE_FLOW = Prepared(delete(_FLOWS).where(_FLOWS.c.digest == bindparam("digest")))
_DELETE_FLOWS = Prepared(delete(_FLOWS))
_DELETE_EXPIRED = Prepared(
    delete(_FLOWS).where(
        _FLOWS.c.digest.in_(
            select(_FLOWS.c.digest)
            .where(_FLOWS.c.expires_at <= bindparam("now"))
            .limit(bindparam("at_most"))
        )
    )
)


class SqlIdentities(Identities):
    """Identities on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def known_by(self, issuer: str, subject: str) -> Identity | None:
        row = self._sql.one(_KNOWN, {"issuer": issuer, "subject": subject})
        return None if row is None else _identity(row)

    def of_user(self, user_id: UserId) -> Sequence[Identity]:
        return [_identity(row) for row in self._sql.all(_OF_USER, {"user_id": user_id})]

    def add(self, identity: Identity) -> None:
        self._sql.change(_INSERT, asdict(identity))

    def save(self, identity: Identity) -> None:
        self._sql.change(_UPDATE, asdict(identity) | {"key": identity.id})

    def remove(self, id: IdentityId) -> None:
        self._sql.change(_DELETE, {"id": id})

    def remove_all_of(self, user_id: UserId) -> None:
        self._sql.change(_DELETE_ALL, {"user_id": user_id})


class SqlFlows(Flows):
    """Flows on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, digest: bytes) -> Flow | None:
        row = self._sql.one(_FLOW, {"digest": digest})
        return None if row is None else _flow(row)

    def add(self, flow: Flow) -> None:
        self._sql.change(_INSERT_FLOW, asdict(flow))

    def take(self, digest: bytes) -> bool:
        return self._sql.change(_DELETE_FLOW, {"digest": digest}) == 1

    def remove_expired(self, *, now: datetime, at_most: int) -> int:
        return self._sql.change(_DELETE_EXPIRED, {"now": now, "at_most": at_most})

    def remove_all(self) -> int:
        return self._sql.change(_DELETE_FLOWS)


def _identity(row: Any) -> Identity:
    return Identity(
        id=row.id,
        user_id=row.user_id,
        provider=row.provider,
        issuer=row.issuer,
        subject=row.subject,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


def _flow(row: Any) -> Flow:
    return Flow(
        digest=row.digest,
        provider=row.provider,
        redirect_uri=row.redirect_uri,
        expires_at=row.expires_at,
    )
