"""Second factors, recovery codes and waiting sign-ins in their tables."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from adapters.persistence.prepared import Prepared
from adapters.persistence.statements import Statements
from adapters.persistence.tables import ChallengeRow, RecoveryCodeRow, SecondFactorRow, table
from application.ports.second_factor import Challenges, SecondFactors
from domain.access import UserId, names_of, scopes_named
from domain.second_factor import Challenge, SecondFactor

_FACTORS = table(SecondFactorRow)
_ONE = select(_FACTORS).where(_FACTORS.c.user_id == bindparam("user_id"))
_FACTOR = Prepared(_ONE)
_LOCKED = Prepared(_ONE.with_for_update())
_PAGE = select(_FACTORS).order_by(_FACTORS.c.user_id).limit(bindparam("at_most")).with_for_update()
_FIRST = Prepared(_PAGE)
_BEHIND = Prepared(_PAGE.where(_FACTORS.c.user_id > bindparam("behind")))
_INSERT = Prepared(insert(_FACTORS))
_UPDATE = Prepared(update(_FACTORS).where(_FACTORS.c.user_id == bindparam("key")))
_DELETE = Prepared(delete(_FACTORS).where(_FACTORS.c.user_id == bindparam("user_id")))
_SPEND_EVERYBODYS = Prepared(update(_FACTORS))

_CODES = table(RecoveryCodeRow)
_OF_USER = _CODES.c.user_id == bindparam("user_id")
_COUNT_CODES = Prepared(select(func.count()).select_from(_CODES).where(_OF_USER))
_INSERT_CODE = Prepared(insert(_CODES))
_DELETE_CODE = Prepared(delete(_CODES).where(_OF_USER, _CODES.c.digest == bindparam("digest")))
_DELETE_CODES = Prepared(delete(_CODES).where(_OF_USER))
_DELETE_ALL_CODES = Prepared(delete(_CODES))

_CHALLENGES = table(ChallengeRow)
_CHALLENGE = Prepared(select(_CHALLENGES).where(_CHALLENGES.c.digest == bindparam("digest")))
_CHALLENGES_OF = Prepared(
    select(_CHALLENGES)
    .where(_CHALLENGES.c.user_id == bindparam("user_id"))
    .order_by(_CHALLENGES.c.begun_at, _CHALLENGES.c.digest)
)
_INSERT_CHALLENGE = Prepared(insert(_CHALLENGES))
_GUESSED = Prepared(update(_CHALLENGES).where(_CHALLENGES.c.digest == bindparam("key")))
_DELETE_CHALLENGE = Prepared(delete(_CHALLENGES).where(_CHALLENGES.c.digest == bindparam("digest")))
_DELETE_CHALLENGES_OF = Prepared(
    delete(_CHALLENGES).where(_CHALLENGES.c.user_id == bindparam("user_id"))
)
_DELETE_ALL_CHALLENGES = Prepared(delete(_CHALLENGES))
_DELETE_BEGUN = Prepared(
    delete(_CHALLENGES).where(
        _CHALLENGES.c.digest.in_(
            select(_CHALLENGES.c.digest)
            .where(_CHALLENGES.c.begun_at <= bindparam("before"))
            .limit(bindparam("at_most"))
        )
    )
)


class SqlSecondFactors(SecondFactors):
    """Second factors on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, user_id: UserId) -> SecondFactor | None:
        return _factor(self._sql.one(_FACTOR, {"user_id": user_id}))

    def lock(self, user_id: UserId) -> SecondFactor | None:
        return _factor(self._sql.one(_LOCKED, {"user_id": user_id}))

    def put(self, factor: SecondFactor) -> None:
        values = asdict(factor)
        if not self._sql.change(_UPDATE, values | {"key": factor.user_id}):
            self._sql.change(_INSERT, values)

    def remove(self, user_id: UserId) -> None:
        self._sql.change(_DELETE_CODES, {"user_id": user_id})
        self._sql.change(_DELETE, {"user_id": user_id})

    def count_codes(self, user_id: UserId) -> int:
        return int(self._sql.value(_COUNT_CODES, {"user_id": user_id}))

    def put_codes(self, user_id: UserId, digests: Collection[bytes]) -> None:
        self._sql.change(_DELETE_CODES, {"user_id": user_id})
        for digest in digests:
            self._sql.change(_INSERT_CODE, {"user_id": user_id, "digest": digest})

    def take_code(self, user_id: UserId, digest: bytes) -> bool:
        return self._sql.change(_DELETE_CODE, {"user_id": user_id, "digest": digest}) == 1

    def lock_behind(self, user_id: UserId | None, *, limit: int) -> Sequence[SecondFactor]:
        if user_id is None:
            rows = self._sql.all(_FIRST, {"at_most": limit})
        else:
            rows = self._sql.all(_BEHIND, {"behind": user_id, "at_most": limit})
        return [_made(row) for row in rows]

    def void_everybodys_codes(self, *, until: int) -> None:
        self._sql.change(_SPEND_EVERYBODYS, {"spent_step": until})
        self._sql.change(_DELETE_ALL_CODES)


class SqlChallenges(Challenges):
    """Waiting sign-ins on SQLite and PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def get(self, digest: bytes) -> Challenge | None:
        row = self._sql.one(_CHALLENGE, {"digest": digest})
        return None if row is None else _challenge(row)

    def of_user(self, user_id: UserId) -> Sequence[Challenge]:
        return [_challenge(row) for row in self._sql.all(_CHALLENGES_OF, {"user_id": user_id})]

    def add(self, challenge: Challenge) -> None:
        values = asdict(challenge)
        values["scope"] = " ".join(names_of(values.pop("scopes")))
        self._sql.change(_INSERT_CHALLENGE, values)

    def save(self, challenge: Challenge) -> None:
        self._sql.change(_GUESSED, {"key": challenge.digest, "guesses": challenge.guesses})

    def take(self, digest: bytes) -> bool:
        return self._sql.change(_DELETE_CHALLENGE, {"digest": digest}) == 1

    def remove_begun(self, *, before: datetime, at_most: int) -> int:
        return self._sql.change(_DELETE_BEGUN, {"before": before, "at_most": at_most})

    def remove_all_of(self, user_id: UserId) -> None:
        self._sql.change(_DELETE_CHALLENGES_OF, {"user_id": user_id})

    def remove_everybodys(self) -> int:
        return self._sql.change(_DELETE_ALL_CHALLENGES)


def _factor(row: Any) -> SecondFactor | None:
    return None if row is None else _made(row)


def _made(row: Any) -> SecondFactor:
    return SecondFactor(
        user_id=row.user_id,
        sealed=row.sealed,
        confirmed_at=row.confirmed_at,
        spent_step=row.spent_step,
        proved_address=row.proved_address,
    )


def _challenge(row: Any) -> Challenge:
    return Challenge(
        digest=row.digest,
        user_id=row.user_id,
        scopes=scopes_named(row.scope.split()),
        account_at=row.account_at,
        guesses=row.guesses,
        begun_at=row.begun_at,
    )
