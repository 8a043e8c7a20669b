"""`basalt backup`, `restore` and `copy`: the store in a file, and in another database."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import StoreUnfit
from entrypoints.cli.house import AsJson, opened, said

if TYPE_CHECKING:
    from application.ports.moving import Told


def backup(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
    as_json: AsJson = False,
) -> None:
    """Write the SQLite database into FILE, also while it is served.

    Keep it apart from the secret (BASALT_SECRET_KEY, or secret_key in BASALT_DATA_DIR), without
    which it cannot be restored.
    """
    with opened(as_json, prepare=False) as house:
        size = house.back_up()(str(file))
    said(
        f"{file} holds everything that was committed ({size:,} bytes). To restore it you also "
        "need the secret: BASALT_SECRET_KEY, or secret_key in BASALT_DATA_DIR.",
        {"file": str(file), "bytes": size},
        as_json=as_json,
    )


def restore(
    file: Annotated[Path, typer.Argument(help="What `basalt backup` wrote.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace what is there without asking.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put FILE in the place of the SQLite database. Every session ends.

    An older schema is brought up to date. A server that runs beside it goes on with what was
    restored; clients begin their change feeds anew.
    """
    with opened(as_json, prepare=False) as house:
        if not file.exists():  # before anybody is asked whether they mean it
            raise StoreUnfit(f"There is no file {file}.")
        if not yes:
            label = house.settings().database_label
            if not sys.stdin.isatty():
                raise typer.BadParameter(f"this replaces {label}: say --yes if you mean it")
            typer.confirm(f"Replace everything in {label}?", abort=True)
        ended = house.restore()(str(file))
    said(
        f"{file} is restored. Sessions that ended: {ended}.",
        {"file": str(file), "sessions_ended": ended},
        as_json=as_json,
    )


def copy(
    to: Annotated[str, typer.Option("--to", help="An empty database: postgresql://…")],
    as_json: AsJson = False,
) -> None:
    """Copy everything from SQLite into PostgreSQL. Both sides are compared.

    May be interrupted and run again: only what differs is written. Run it once beside the
    server, stop that, run it again, and start with the new BASALT_DATABASE_URL and the same
    secret.
    """
    with (
        opened(as_json, prepare=False) as house,
        closing(house.mover()(to)) as mover,
        _shown() as told,
    ):
        tables = house.copy_store()(mover, told)
    shapes = [{"table": each.name, "rows": each.rows, "sha256": each.sha256} for each in tables]
    lines = [f"{each.name:<16} {each.rows:>9,} rows  sha256 {each.sha256[:16]}" for each in tables]
    lines.append(
        "Both sides are the same. Stop the server, run this again if it was running, and start "
        "it with BASALT_DATABASE_URL set to the new database and the same secret."
    )
    said("\n".join(lines), {"data": shapes}, as_json=as_json)


@contextmanager
def _shown() -> Iterator["Told"]:
    """Show a bar for each table on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    bars: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:

        def told(what: str, count: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what)
            progress.update(bars[what], completed=count, total=total)

        yield told
