"""Transactions and looks: the one place that hands out repositories."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Self

from adapters.persistence.audit import SqlAuditTrail
from adapters.persistence.changes import SqlChanges
from adapters.persistence.commit_members import Committing
from adapters.persistence.database import Database
from adapters.persistence.deferred import DeferredStatements
from adapters.persistence.driver import Driver
from adapters.persistence.grants import SqlGrants
from adapters.persistence.identities import SqlFlows, SqlIdentities
from adapters.persistence.items import SqlItems
from adapters.persistence.keys import SqlSigningKeys
from adapters.persistence.machine_keys import SqlMachineKeys
from adapters.persistence.mail import SqlOneTimeTokens, SqlOutbox
from adapters.persistence.replays import SqlReplays
from adapters.persistence.second_factors import SqlChallenges, SqlSecondFactors
from adapters.persistence.sessions import SqlSessions
from adapters.persistence.statements import Statements
from adapters.persistence.tallies import SqlTallies
from adapters.persistence.users import SqlUsers
from adapters.persistence.vault import SqlVault
from application.ports.store import Repositories, UnitOfWork


class SqlRepositories(Repositories):
    """The repositories of one connection, each made when it is first asked for."""

    _statements: Statements

    @cached_property
    def users(self) -> SqlUsers:
        return SqlUsers(self._statements)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._statements)

    @cached_property
    def machine_keys(self) -> SqlMachineKeys:
        return SqlMachineKeys(self._statements)

    @cached_property
    def second_factors(self) -> SqlSecondFactors:
        return SqlSecondFactors(self._statements)

    @cached_property
    def challenges(self) -> SqlChallenges:
        return SqlChallenges(self._statements)

    @cached_property
    def identities(self) -> SqlIdentities:
        return SqlIdentities(self._statements)

    @cached_property
    def flows(self) -> SqlFlows:
        return SqlFlows(self._statements)

    @cached_property
    def items(self) -> SqlItems:
        return SqlItems(self._statements)

    @cached_property
    def grants(self) -> SqlGrants:
        return SqlGrants(self._statements)

    @cached_property
    def changes(self) -> SqlChanges:
        return SqlChanges(self._statements)

    @cached_property
    def replays(self) -> SqlReplays:
        return SqlReplays(self._statements)

    @cached_property
    def keys(self) -> SqlSigningKeys:
        return SqlSigningKeys(self._statements)

    @cached_property
    def tallies(self) -> SqlTallies:
        return SqlTallies(self._statements)

    @cached_property
    def audit(self) -> SqlAuditTrail:
        return SqlAuditTrail(self._statements)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._statements)

    @cached_property
    def one_time_tokens(self) -> SqlOneTimeTokens:
        return SqlOneTimeTokens(self._statements)

    @cached_property
    def vault(self) -> SqlVault:
        return SqlVault(self._statements)


class SqlReading(SqlRepositories):
    """What is committed now."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._statements = Statements(driver)


class _Glances:
    """Looks, one at a time, that are over before a generator's context would have begun."""

    __slots__ = ("_lent", "_reading")

    def __init__(self, lent: AbstractContextManager[Driver]) -> None:
        self._lent = lent
        self._reading: SqlReading | None = None

    def __enter__(self) -> Repositories:
        driver = self._lent.__enter__()
        if self._reading is None or self._reading.driver is not driver:
            self._reading = SqlReading(driver)
        return self._reading

    def __exit__(self, *failure: object) -> None:
        self._lent.__exit__(None, None, None)


class SqlUnitOfWork(SqlRepositories, UnitOfWork):
    """One transaction on one connection."""

    def __init__(self, database: Database) -> None:
        self._begun: AbstractContextManager[Committing] = database.unit_of_work()
        self._kind = Statements if database.is_sqlite else DeferredStatements
        self._last = deque[Callable[[], None]]()

    def __enter__(self) -> Self:
        self._transaction = self._begun.__enter__()
        self._statements = self._kind(self._transaction.driver)
        return self

    def __exit__(self, *failure: object) -> None:
        self._begun.__exit__(*failure)  # type: ignore[arg-type]  # as the port has it

    def at_the_end(self, step: Callable[[], None]) -> None:
        self._statements.check()
        self._last.append(step)

    def commit(self) -> None:
        while self._last:
            self._last.popleft()()
        if "changes" in self.__dict__:
            self.changes.number()
        self._statements.end()
        self._transaction.commit()


class SqlStore:
    """Begins units of work on a database, and looks into it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unit_of_work(self) -> UnitOfWork:
        """Return a unit of work that begins when it is entered."""
        return SqlUnitOfWork(self._database)

    @contextmanager
    def reading(self) -> Iterator[Repositories]:
        """Look at what is committed now."""
        with self._database.connect() as connection:
            yield SqlReading(Driver(connection))

    @property
    def is_embedded(self) -> bool:
        """Whether the database is in this process: `glancing` and `together` are worth it then."""
        return self._database.is_sqlite

    def together(self, *, each_alone: bool = False) -> AbstractContextManager[None]:
        """Store what this thread's units of work commit meanwhile at the end, all at once.

        Raises Unavailable if that is not certain, and Conflicted if none is stored because one
        was not committed, though it had changed something: they are to be done anew, `each_alone`.
        Only where the database is embedded.
        """
        return self._database.together(each_alone=each_alone)

    @cached_property
    def _glances(self) -> _Glances:
        return _Glances(self._database.glance())

    def glancing(self) -> AbstractContextManager[Repositories]:
        """As `reading`, without waiting: raises Unavailable where that would wait."""
        return self._glances
