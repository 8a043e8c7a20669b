"""A service that was given no way to send mail."""

import logging

from application.ports.mail import Message, Postman

log = logging.getLogger("basalt.mail")


class NoPostman(Postman):
    """Throws mail away, and says once that it does: what nobody will ever send must not pile up."""

    def __init__(self) -> None:
        log.warning("no mail is sent: BASALT_SMTP_URL is not set")

    def send(self, message: Message) -> None:
        pass
