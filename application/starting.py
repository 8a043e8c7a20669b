"""What must be true of the store before the first request."""

from dataclasses import dataclass

from application.ports import Clock, KeyForge, Schema, SchemaState, UnitsOfWork
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


@dataclass(frozen=True, slots=True)
class PrepareKeys:
    """See that there is a key to sign with, and that all are sealed with today's secret."""

    unit_of_work: UnitsOfWork
    clock: Clock
    forge: KeyForge

    def __call__(self) -> None:
        now = self.clock()
        with self.unit_of_work() as work:
            keys = work.keys.lock_all()
            if not keys:
                work.keys.add(self.forge.make(now=now, signs_from=now))
            for key in keys:
                resealed = self.forge.resealed(key)
                if resealed is not key:
                    work.keys.save(resealed)
            work.commit()
