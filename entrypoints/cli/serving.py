"""`basalt serve`: making ready, saying where to look, and handing over to uvicorn."""

import os
import signal
import socket
import sys
from functools import partial
from typing import Any

import typer
import uvicorn

from domain.errors import BasaltError
from entrypoints import logs
from entrypoints.cli.house import failed
from entrypoints.container import Container
from entrypoints.settings import Settings, SettingsError

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than load balancers commonly keep theirs."""


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT. Exits with one clear line if that cannot begin."""
    logs.configure(settings.log_level, settings.log_format)
    if workers > 1 and settings.database_label.startswith("sqlite:"):
        typer.echo(
            "basalt: several workers need PostgreSQL: set BASALT_DATABASE_URL=postgresql://… "
            "or leave out --workers",
            err=True,
        )
        raise typer.Exit(2)
    _prepare(settings)
    _ensure_free(host, port)
    if settings.env == "development":
        _welcome(settings, host, port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again at its end
    uvicorn.run(
        "entrypoints.http.served:served_app",
        factory=True,
        host=host,
        port=port,
        http=_protocol(settings),
        ws="none",
        workers=workers,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.shutdown_grace,
    )


def _protocol(settings: Settings) -> Any:
    """Return how connections are heard."""
    if sys.platform == "win32":
        return "h11"  # httptools is not for Windows; this one has bounds of its own
    from entrypoints.cli.connection import room_for_connections
    from entrypoints.cli.hearing import Hearing

    return partial(Hearing, patience=settings.receive_timeout, room=room_for_connections())


def _ensure_free(host: str, port: int) -> None:
    """Exit with one clear line if nothing can listen there: a mistake that is made every day."""
    try:
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            socket.create_server(address, family=family).close()
    except OSError as error:
        typer.echo(
            f"basalt: cannot listen on {host}:{port} ({str(error.strerror).partition(' (')[0]}): "
            "stop what does, or choose another with --port",
            err=True,
        )
        raise typer.Exit(1) from None


def _prepare(settings: Settings) -> None:
    """Do what must be done once, before the first worker starts."""
    container = Container(settings=settings)
    try:
        container.prepare_store()()
        container.prepare_keys()()
    except SettingsError as error:
        typer.echo(f"basalt: {error}", err=True)
        raise typer.Exit(2) from None
    except BasaltError as error:
        failed(error, settings)
    finally:
        container.database().close()


def _welcome(settings: Settings, host: str, port: int) -> None:
    place = settings.database_label
    if place.startswith("sqlite:"):
        place = f"SQLite in {os.path.relpath(settings.data_dir)}/"
    here = f"http://{host}:{port}"
    typer.echo(f"Basalt on {place}")
    typer.echo(f"  docs page            {here}/docs")
    if settings.base_url != here:
        typer.echo(f"  tokens and links     {settings.base_url} (set BASALT_BASE_URL to change it)")
    if settings.mail_folder:
        typer.echo(f"  mail                 {os.path.relpath(settings.mail_folder)}/")
    typer.echo(
        f"  first administrator  {os.path.relpath(sys.argv[0])} users create you@example.com "
        "--role admin"
    )
