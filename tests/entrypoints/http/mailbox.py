"""Everybody's mailbox: what the service has sent, found in its folder."""

import asyncio
import email
import re
from email import policy
from email.message import Message
from pathlib import Path
from typing import Any

from tests.entrypoints.http.api import Api

PATIENCE = 10.0
LOOK = 0.01

TOPICS = {
    "verification": "Confirm your e-mail address",
    "recovery": "Choose a new password",
    "new_address": "Confirm your new e-mail address",
    "old_address": "The e-mail address of your account was changed",
    "password_changed": "Your password was changed",
    "key_created": "A key for your account was made",
    "second_factor_added": "A second factor protects your account",
    "second_factor_removed": "Your account has no second factor any more",
    "recovery_codes_made": "Your account has new recovery codes",
    "recovery_code_used": "A recovery code of your account was used",
    "identity_linked": "A way to sign in to your account was added",
    "identity_unlinked": "A way to sign in to your account was taken away",
    "known_address": "You have an account already",
}


class Mailbox:
    """What arrived for whom; a mail is read once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        folder = api.container.settings().mail_folder
        assert folder
        self._folder: Path = folder
        self._read: set[Path] = set()

    async def settled(self) -> None:
        """Return once nothing is waiting to be sent."""
        house = self._api.container

        def is_settled() -> bool:
            return not house.deliver_mail()() and not house.list_outbox()()

        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_settled):  # noqa: ASYNC110  # no event tells it
                await asyncio.sleep(LOOK)  # the service's own worker may be at it

    async def arrived(self) -> list[tuple[str, str]]:
        """Return whom mails were for that arrived since the last look, and their subjects."""
        return [(str(mail["To"]), str(mail["Subject"])) for mail in await self.new()]

    async def text(self, topic: str, to: str) -> str:
        """Return what the one new mail about a topic to somebody says."""
        (found,) = [
            mail
            for mail in await self.new()
            if (mail["To"], mail["Subject"]) == (to, TOPICS[topic])
        ]
        return str(_plain(found))

    async def token(self, topic: str, to: str) -> str:
        """Return the token in the one new mail about a topic to somebody."""
        found = re.search(r"#token=(\S+)", await self.text(topic, to))
        assert found
        return found[1]

    async def new(self) -> list[Message]:
        """Return the mails that arrived since the last look, in that order."""
        await self.settled()
        new = sorted(set(self._folder.glob("*.eml")) - self._read)
        self._read |= set(new)
        return [email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in new]


def _plain(mail: Any) -> Any:
    return mail.get_body(("plain",)).get_content()
