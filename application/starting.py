"""What must be true of the store before the first request."""

from contextlib import suppress
from dataclasses import dataclass

from application.codes import sealed_today
from application.ports.security import KeyForge, Sealer
from application.ports.store import Schema, SchemaState, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Randomness
from domain.access import UserId
from domain.errors import StoreUnfit


@dataclass(frozen=True, slots=True)
class PrepareStore:
    """Make the schema right where that is safe, and refuse to work on one that is not."""

    schema: Schema

    def __call__(self) -> None:
        state = self.schema.state()
        if state is SchemaState.CURRENT:
            return
        if state is SchemaState.NEWER:
            raise StoreUnfit(
                "The database was migrated by a newer version of Basalt: start that version."
            )
        if state is SchemaState.FOREIGN:
            raise StoreUnfit(
                "The database has tables of another application: give Basalt one of its own."
            )
        if state is SchemaState.OUTDATED and not self.schema.migrates_by_itself:
            raise StoreUnfit("The database's schema is outdated: run 'basalt migrate' first.")
        self.schema.migrate()


@dataclass(frozen=True, slots=True)
class Migrate:
    """Bring the schema up to date, whichever database it is."""

    schema: Schema

    def __call__(self) -> bool:
        """Return whether anything had to be done."""
        state = self.schema.state()
        if state is SchemaState.OUTDATED:
            self.schema.migrate()
        else:
            PrepareStore(self.schema)()
        return state is not SchemaState.CURRENT


AUDIT_KEY = "audit chain"
"""The name of the secret that the audit trail is chained with."""

AUDIT_KEY_BYTES = 32
"""As strong as the MAC."""

PLACE = "place"
"""The name under which a database knows that it was worked on: copies of it have none."""

PLACE_BYTES = 16

FACTORS = "second factors"
"""The name of an empty secret: what it is sealed with, all secrets of second factors are."""

_FACTORS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PrepareKeys:
    """See that every key there has to be is there, sealed with the operator's secret of today.

    So are the secrets of the users' second factors, as far as they can be opened: one that cannot
    keeps its user from signing in by the app, and nobody else.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    random: Randomness
    forge: KeyForge
    sealer: Sealer

    def __call__(self) -> None:
        with self.unit_of_work() as work:
            self._prepare_signing(work)
            self._prepare_secret(work, AUDIT_KEY, AUDIT_KEY_BYTES)
            self._prepare_secret(work, PLACE, PLACE_BYTES)
            mark = work.vault.get(FACTORS)
            work.commit()
        if mark is None or not self.sealer.is_current(mark):
            self._reseal_factors()

    def _prepare_signing(self, work: UnitOfWork) -> None:
        now = self.clock()
        keys = work.keys.lock_all()  # one process at a time comes past this
        if not keys:
            work.keys.add(self.forge.make(now=now, signs_from=now))
        for key in keys:
            resealed = self.forge.resealed(key)
            if resealed is not key:
                work.keys.save(resealed)

    def _prepare_secret(self, work: UnitOfWork, name: str, size: int) -> None:
        sealed = work.vault.get(name)
        if sealed is None:
            plain = self.random(size)
        elif not self.sealer.is_current(sealed):
            plain = self.sealer.open(name, sealed)
        else:
            return
        work.vault.put(name, self.sealer.seal(name, plain))

    def _reseal_factors(self) -> None:
        """Seal the secrets of second factors anew, some at a time, and note that it was done."""
        behind: UserId | None = None
        is_done = False
        while not is_done:
            with self.unit_of_work() as work:
                factors = work.second_factors.lock_behind(behind, limit=_FACTORS_AT_ONCE)
                for factor in factors:
                    with suppress(StoreUnfit):
                        work.second_factors.put(sealed_today(self.sealer, factor))
                is_done = len(factors) < _FACTORS_AT_ONCE
                if is_done:
                    work.keys.lock_all()  # as above: two who note it would collide
                    work.vault.put(FACTORS, self.sealer.seal(FACTORS, b""))
                else:
                    behind = factors[-1].user_id
                work.commit()
