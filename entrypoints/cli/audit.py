"""`basalt audit`: proof that nobody rewrote the audit trail."""

import re
from typing import Annotated

import typer

from domain.audit import Head
from entrypoints.cli.house import AsJson, opened, said

_HEAD = re.compile(r"[1-9][0-9]{0,17}:[0-9a-f]{64}")

app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The audit trail."""


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="N:MAC as the log told it: proves that nothing was cut off since."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go through the whole trail. Exits with 1 at the first entry that is not as it was written.

    Without --head, a trail whose newest entries were cut off looks whole.
    """
    noted = None if head is None else _head(head)
    with opened(as_json) as house:
        verdict = house.verify_audit()(noted)
    shape = {
        "head": str(verdict.head),
        "entries": verdict.head.number,
        "erased": verdict.erased,
        "damage": verdict.damage,
        "damaged": verdict.damaged,
    }
    if verdict.damage:
        said(f"Entry {verdict.damaged}: {verdict.damage}.", shape, as_json=as_json)
        raise typer.Exit(1)
    said(
        f"{verdict.head.number} entries are as they were written "
        f"({verdict.erased} with personal data erased). Head: {verdict.head}",
        shape,
        as_json=as_json,
    )


def _head(text: str) -> Head:
    if not _HEAD.fullmatch(text):
        raise typer.BadParameter("a head is N:MAC, as the log tells it")
    number, _, mac = text.partition(":")
    return Head(int(number), bytes.fromhex(mac))
