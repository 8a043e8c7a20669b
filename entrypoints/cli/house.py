"""What every command shares: opening the house, and saying what happened to people or programs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from domain.errors import BasaltError, InvalidValue, StoreUnfit, Unavailable, WeakPassword
from entrypoints.envelope import envelope

if TYPE_CHECKING:
    from entrypoints.container import Container
    from entrypoints.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, in the shapes of the REST API.")]

_REASONS = {
    "too_short": "it has too few characters (see BASALT_PASSWORD_MIN_LENGTH)",
    "too_long": "it has more than 256 characters",
    "not_text": "it is not text",
    "same_as_email": "it is the e-mail address",
    "common": "it is one that attackers try first",
}


def settings_or_exit() -> "Settings":
    """Return the settings, or say on one line each what is wrong with them and exit with 2."""
    from entrypoints.settings import Settings, SettingsError

    try:
        return Settings.load()
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"basalt: {problem}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def opened(as_json: bool, *, prepare: bool = True) -> Iterator["Container"]:
    """Open the house for one command; errors become one line, or one envelope, and exit 1."""
    settings = settings_or_exit()
    from entrypoints.container import Container  # loads the database layer
    from entrypoints.settings import SettingsError

    container = Container(settings=settings)
    try:
        if prepare:
            container.prepare_store()()
            container.prepare_keys()()
        yield container
    except BasaltError as error:
        failed(error, settings, as_json=as_json)
    except SettingsError as error:
        typer.echo(f"basalt: {error}", err=True)
        raise typer.Exit(2) from None
    finally:
        container.database().close()


def said(text: str, shape: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what happened: a sentence for people, or the shape for programs."""
    typer.echo(json.dumps(shape) if as_json else text)


def written(moment: datetime) -> str:
    """Return a time as the REST API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def failed(error: BasaltError, settings: "Settings", *, as_json: bool = False) -> NoReturn:
    """Print what went wrong on standard error, and exit with 1."""
    sentence = _sentence(error, settings)
    shape = envelope(error)
    shape["error"]["message"] = sentence  # an operator may know more than a client
    typer.echo(json.dumps(shape) if as_json else f"basalt: {sentence}", err=True)
    raise typer.Exit(1) from None


def _sentence(error: BasaltError, settings: "Settings") -> str:
    match error:
        case InvalidValue():
            return f"{error.field}: {error.explanation}"
        case WeakPassword():
            return f"This password is refused: {_REASONS.get(error.reason, error.reason)}."
        case StoreUnfit():
            return error.remedy
        case Unavailable():
            cause = f" ({error.cause})" if error.cause else ""
            return (
                f"The database at {settings.database_label} does not answer{cause}: "
                "is it there, and is BASALT_DATABASE_URL right?"
            )
        case _:
            return error.message
