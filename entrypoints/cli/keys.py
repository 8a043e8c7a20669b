"""`basalt keys`: the keys that access tokens are signed with."""

import time
from typing import Annotated, Any

import typer

from entrypoints.cli.house import AsJson, opened, said, written

app = typer.Typer(help="Signing keys.", no_args_is_help=True)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys. It says which one signs, which one is next, which ones still verify."""
    with opened(as_json) as house:
        listed = house.list_keys()()
    shapes = [
        {
            "id": one.key.id,
            "state": one.state.value,
            "created_at": written(one.key.created_at),
            "signs_from": written(one.key.signs_from),
        }
        for one in listed
    ]
    lines = [f"{shape['id']}  {shape['state']:<9}  since {shape['signs_from']}" for shape in shapes]
    said("\n".join(lines), {"data": shapes, "next_cursor": None}, as_json=as_json)


@app.command()
def rotate(
    now: Annotated[
        bool, typer.Option("--now", help="Sign with it at once, not only in five minutes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a key and let it take over. Running workers follow by themselves.

    Without --now it is published first, for as long as others cache the key set. With it,
    others may meet tokens that they cannot verify until they fetch the key set again.
    """
    with opened(as_json) as house:
        key = house.rotate_keys()(in_a_hurry=now)
        if now:  # return when it signs: by then every worker has it
            time.sleep(max(0.0, (key.signs_from - house.clock()()).total_seconds()))
    shape: dict[str, Any] = {"id": key.id, "signs_from": written(key.signs_from)}
    said(f"{key.id} signs from {shape['signs_from']} on.", shape, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
def retire(
    kid: Annotated[str, typer.Argument(help="The key's id, as `basalt keys list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Remove a key: tokens that it signed fail within seconds. Never the one that signs."""
    with opened(as_json) as house:
        house.retire_key()(kid)  # type: ignore[arg-type]  # an id is an id only once it is found
    said(f"{kid} is retired.", {"id": kid, "retired": True}, as_json=as_json)
