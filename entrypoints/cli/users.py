"""`basalt users`: what the operator does for accounts: the first one, and the last way in."""

import sys
from typing import Annotated

import typer

from domain.access import Role
from entrypoints.cli.house import AsJson, opened, said

app = typer.Typer(help="Accounts.", no_args_is_help=True)


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="The e-mail address.")],
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.MEMBER,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open an account. The password is asked for, or read from standard input."""
    password = _password(from_stdin=password_stdin)
    with opened(as_json) as house:
        user = house.register()(email, password, role=role)
    shape = {}
    if as_json:
        from entrypoints.http.users import UserAnswer  # loads the web framework

        shape = UserAnswer.model_validate(user).model_dump(mode="json")
    said(f"Created {user.role} {user.email} with the id {user.id}.", shape, as_json=as_json)


@app.command("let-in")
def let_in(
    email: Annotated[str, typer.Argument(help="The e-mail address.")],
    as_json: AsJson = False,
) -> None:
    """Remove the second factor of somebody who has lost theirs. A mail tells them."""
    with opened(as_json) as house:
        user = house.let_in()(email)
    said(f"{user.email} signs in without a second factor.", {}, as_json=as_json)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        given = typer.get_binary_stream("stdin").read().decode(errors="surrogateescape")
        return given.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        typer.echo("basalt: there is no terminal to ask on: use --password-stdin", err=True)
        raise typer.Exit(2)
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
