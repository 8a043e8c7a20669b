"""`basalt`: the commands, each of which runs the same use cases as HTTP does.

Only what a command needs is loaded, inside it: `basalt --help` loads neither the web framework
nor the database layer.
"""

import gc
import json
from typing import Annotated

import typer

from entrypoints.cli import audit, keys, moving, outbox, users
from entrypoints.cli.house import AsJson, opened, said, settings_or_exit

app = typer.Typer(
    name="basalt",
    help="Accounts, sign-in that can be trusted, and the items that people own.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(outbox.app, name="outbox")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; above 1 needs PostgreSQL.")] = 1,
) -> None:
    """Serve the REST API."""
    from entrypoints.cli.serving import serve as run  # loads the web framework

    run(settings_or_exit(), host=host, port=port, workers=workers)


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database's schema up to date."""
    with opened(as_json, prepare=False) as house:
        changed = house.migrate()()
    said(
        "The schema is up to date now." if changed else "The schema was up to date already.",
        {"migrated": changed},
        as_json=as_json,
    )


for command in (outbox.work, moving.backup, moving.restore, moving.copy):
    app.command()(command)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from entrypoints.http.app import create_app  # loads the web framework
    from entrypoints.settings import Settings

    typer.echo(json.dumps(create_app(Settings()).openapi(), indent=2))


_COLLECTOR_THRESHOLDS = (50_000, 20, 50)


def main() -> None:
    """Run the command line.

    What is loaded at the start stays, and looking for garbage in it takes a sixth of that time:
    the collector looks less often.
    """
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    app()
