"""What a worker does beside requests, once a minute: tidying, and logging the audit head."""

import asyncio
import logging

from domain.errors import BasaltError
from entrypoints.http.application import Application

EVERY = 60.0
"""Seconds between two rounds."""

log = logging.getLogger("basalt.chores")


async def do_chores(app: Application, *, every: float = EVERY) -> None:
    """Do one round after another until cancelled; a round that fails is told and forgotten."""
    while True:
        await asyncio.sleep(every)
        try:
            removed = await app.run(lambda use: use.tidy_up)
            head = await app.run(lambda use: use.read_head)
        except BasaltError as error:
            log.warning("chores put off: %s", error.code)
        else:
            log.info("audit head", extra={"head": str(head)})
            if removed:
                log.info("tidied up", extra={"removed": removed})
