"""What the databases' failures mean to the application."""

from typing import Any

from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError

from domain.errors import (
    AlreadyShared,
    BasaltError,
    Conflicted,
    EmailTaken,
    IdentityTaken,
    TokenRevoked,
    Unavailable,
    UserNotFound,
)

_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL waited for a lock for as long as it may."""

_LOST_TO_ANOTHER = frozenset({"40001", "40P01"})
"""PostgreSQL undid a transaction for another's sake: serialization, deadlock."""

_MAY_NOT = "42501"
"""PostgreSQL's role lacks a right: the operator's mistake and not the statement's."""

_BROKEN_CONSTRAINTS: dict[str, type[BasaltError]] = {
    "uq_users_email": EmailTaken,
    "users.email": EmailTaken,  # SQLite names the columns, PostgreSQL the constraint
    "pk_grants": AlreadyShared,
    "grants.item_id, grants.user_id": AlreadyShared,
    "uq_identities_issuer": IdentityTaken,
    "identities.issuer, identities.subject": IdentityTaken,
    "fk_grants_user_id_users": UserNotFound,
    "_users": TokenRevoked,  # a foreign key to a user who was deleted meanwhile
    "FOREIGN KEY": TokenRevoked,
}


def meaning(failure: SQLAlchemyError) -> Exception:
    """Return the domain's error for a database's failure, or the failure itself if it is ours.

    A constraint that a rule names is that rule's error. Conflicted is what was undone and may be
    done anew. Whatever else the database or the way to it did is Unavailable: the client may try
    again. A mistake in a statement is a bug.
    """
    if isinstance(failure, IntegrityError):
        broken = _constraint(failure.orig)
        for name, error in _BROKEN_CONSTRAINTS.items():
            if name in broken:
                return error()
        return failure
    original = getattr(failure, "orig", None) or failure
    state = getattr(original, "sqlstate", None)
    if state in _LOST_TO_ANOTHER:
        return Conflicted()
    if isinstance(failure, StatementError) and state != _MAY_NOT and _is_a_mistake(failure):
        return failure
    return Unavailable(getattr(original, "sqlite_errorname", type(original).__name__))


def waited_too_long(failure: BaseException | None) -> bool:
    """Whether a statement gave up because another transaction held what it needed."""
    original = getattr(failure, "orig", failure)
    return getattr(original, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _constraint(original: Any) -> str:
    diagnosis = getattr(original, "diag", None)
    return str(diagnosis.constraint_name if diagnosis else original)


def _is_a_mistake(failure: StatementError) -> bool:
    kind = type(failure).__name__
    return kind in {"ProgrammingError", "DataError", "NotSupportedError", "StatementError"}
