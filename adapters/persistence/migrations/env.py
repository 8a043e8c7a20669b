"""What Alembic runs: the steps that are missing, on the connection that it was given.

Steps never use Alembic's batch mode: it drops and makes a SQLite table anew, and dropping one
deletes the rows of every table that refers to it.

Alembic's own command line works too, on the database that `-x url=…` names.
"""

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlmodel import SQLModel

import adapters.persistence.tables  # noqa: F401  # fills the metadata


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        transactional_ddl=True,  # SQLite can, although Alembic does not count on it
    )
    context.run_migrations()


def _run() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    engine = create_engine(context.get_x_argument(as_dictionary=True)["url"])
    with engine.begin() as own_connection:
        _migrate(own_connection)


_run()
