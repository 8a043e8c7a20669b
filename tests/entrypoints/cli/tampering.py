"""Changes a database behind the service's back."""

from entrypoints.container import Container
from entrypoints.settings import Settings


def rewrite(settings: Settings, statement: str) -> None:
    """Run one statement."""
    database = Container(settings=settings).database()
    try:
        with database.transaction() as connection:
            connection.exec_driver_sql(statement)
            connection.commit()
    finally:
        database.close()
