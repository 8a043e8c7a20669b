"""`basalt outbox` and `basalt work`: mail that is still to be sent, and sending it."""

import signal
import threading
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from domain.mail import LetterId
from entrypoints.cli.house import AsJson, opened, said, written
from entrypoints.mail_work import deliver_until

app = typer.Typer(help="Mail that is still to be sent.", no_args_is_help=True)


@app.command("list")
def list_outbox(as_json: AsJson = False) -> None:
    """List the mails that wait or were given up, oldest first."""
    with opened(as_json) as house:
        waiting = house.list_outbox()()
    shapes: list[dict[str, Any]] = [
        {
            "id": str(each.letter.id),
            "topic": each.letter.topic.value,
            "to": each.to,
            "state": "given_up" if each.letter.is_given_up else "waiting",
            "attempts": each.letter.attempts,
            "due_at": _written(each.letter.due_at),
            "cause": each.letter.cause,
            "created_at": _written(each.letter.created_at),
        }
        for each in waiting
    ]
    lines = [
        f"{shape['id']}  {shape['state']:<8}  {shape['topic']:<16}  {shape['to'] or '(sealed)'}  "
        f"attempts {shape['attempts']}, {shape['cause'] or 'none failed'}"
        for shape in shapes
    ]
    said(
        "\n".join(lines) or "Nothing is waiting.",
        {"data": shapes, "next_cursor": None},
        as_json=as_json,
    )


@app.command()
def retry(
    ids: Annotated[
        list[UUID] | None, typer.Argument(help="Mails, as `basalt outbox list` names them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let mails be tried at once. The ones named, or all; also those that were given up."""
    with opened(as_json) as house:
        count = house.retry_mail()([LetterId(id) for id in ids] if ids else None)
    mails = "1 mail is" if count == 1 else f"{count} mails are"
    said(f"{mails} due now.", {"due": count}, as_json=as_json)


def work() -> None:
    """Send mail, apart from the servers.

    Those do so as well, so this is for where they should not. It ends at SIGTERM or SIGINT.
    """
    from entrypoints import logs

    stop = threading.Event()
    with opened(as_json=False) as house:
        settings = house.settings()
        logs.configure(settings.log_level, settings.log_format)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        deliver_until(stop, house.deliver_mail())


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
