"""Taking the store elsewhere: backup, restore, and the move to another database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.auditing import Auditor
from application.ports.moving import CopiedTable, Mover, Snapshots, Told
from application.ports.security import Sealer
from application.ports.store import Reading, Schema, SchemaState, UnitsOfWork
from application.ports.surroundings import Clock
from application.starting import AUDIT_KEY, Migrate, PrepareStore
from domain.access import Origin
from domain.audit import Action, Target, TargetType
from domain.errors import StoreUnfit, Unavailable
from domain.second_factor import STEPS_APART, step_at


@dataclass(frozen=True, slots=True)
class BackUp:
    """Write the store into a file while it is at work."""

    snapshots: Snapshots

    def __call__(self, file: str) -> int:
        """Return the file's bytes. Raises StoreUnfit, Unavailable."""
        return self.snapshots.save(file)


@dataclass(frozen=True, slots=True)
class Restore:
    """Put a backup in the place of what is stored.

    Every session ends: the counters of refresh tokens are those of then, so tokens that were
    superseded since would be good again. So would links in mails, codes of second factors, and
    sign-ins that wait for one or for an identity provider, if they were used since: they are void,
    all recovery codes with them. And so is every place that was given out in a change feed: its
    numbers will be given out again.
    """

    snapshots: Snapshots
    schema: Schema
    reading: Reading
    sealer: Sealer
    clock: Clock
    prepare_keys: Callable[[UnitsOfWork], Callable[[], None]]
    auditor: Callable[[Reading], Auditor]

    def __call__(self, file: str) -> int:
        """Return how many sessions ended. Raises StoreUnfit, Unavailable."""
        with self.snapshots.loaded(file) as copy:
            if copy.schema.state() is SchemaState.EMPTY:
                raise StoreUnfit(f"{file} is no backup of Basalt.")
            PrepareStore(copy.schema)()
            self.prepare_keys(copy.unit_of_work)()
            self._check_origin(copy.reading)
            now = self.clock()
            with copy.unit_of_work() as work:
                ended = work.sessions.remove_everybodys()
                work.one_time_tokens.remove_everybodys()
                work.flows.remove_all()
                work.challenges.remove_everybodys()
                work.second_factors.void_everybodys_codes(until=step_at(now) + STEPS_APART)
                work.changes.begin_anew(now=now)
                self.auditor(copy.reading).record(
                    work,
                    Action.STORE_RESTORED,
                    Target(TargetType.STORE, None),
                    origin=Origin(),
                )
                work.commit()
            copy.take_over()
        return ended

    def _check_origin(self, copy: Reading) -> None:
        """Refuse another instance's backup: a server that runs here would go on with our keys."""
        try:
            state = self.schema.state()
            if state in {SchemaState.NEWER, SchemaState.FOREIGN}:
                raise StoreUnfit(
                    "The database that is here is of a newer version, or of something else: move "
                    "it away first, with no server running."
                )
            own = None if state is SchemaState.EMPTY else self._audit_key(self.reading)
        except StoreUnfit:
            raise
        except Unavailable as failure:
            raise StoreUnfit(
                "The database that is here cannot be read: stop the server, move its file away "
                "together with those that end in -wal and -shm, and restore again."
            ) from failure
        if own is not None and own != self._audit_key(copy):
            raise StoreUnfit(
                "This is the backup of another instance: move the database that is here away "
                "first, with no server running."
            )

    def _audit_key(self, reading: Reading) -> bytes | None:
        with reading() as see:
            sealed = see.vault.get(AUDIT_KEY)
        return None if sealed is None else self.sealer.open(AUDIT_KEY, sealed)


@dataclass(frozen=True, slots=True)
class CopyStore:
    """Bring all that is stored into another database, and compare both sides.

    What is there already is not written again, so it may be run while the service is at work, and
    once more, for the rest, when that has stopped. What was worked on since is left alone.
    """

    def __call__(self, mover: Mover, told: Told) -> Sequence[CopiedTable]:
        """Return every table as it is on both sides. Raises StoreUnfit, Unavailable."""
        mover.check()
        Migrate(mover.schema)()
        return mover.copy(told)
