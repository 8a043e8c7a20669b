"""Mail for development: each one is a file, which every mail program opens."""

import logging
import os
from pathlib import Path

from adapters.mail.mime import mime
from application.ports.mail import Message, Postman, Undelivered

log = logging.getLogger("basalt.mail")


class FolderPostman(Postman):
    """Writes mails into a folder as .eml files; one that is sent again takes its own place."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, message: Message) -> None:
        name = message.id.strip("<>").partition("@")[0]
        path = self._folder / f"{name}.eml"
        draft = path.with_suffix(".draft")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(mime(message, sender=self._sender).as_bytes())
            draft.replace(path)
        except OSError as failure:
            raise Undelivered(f"{type(failure).__name__} {failure.strerror}") from failure
        log.info("mail written", extra={"path": str(path.absolute()), "subject": message.subject})
