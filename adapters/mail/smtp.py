"""Mail by SMTP (RFC 5321), encrypted from the start (RFC 8314) or by STARTTLS (RFC 3207)."""

import logging
import smtplib
import ssl
from contextlib import suppress
from functools import cached_property
from urllib.parse import unquote, urlsplit

from adapters.mail.mime import mime
from application.ports.mail import Message, Postman, Undelivered

TIMEOUT = 10.0
"""Seconds that a server may take for each of its answers."""

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_PERMANENT = 500

log = logging.getLogger("basalt.mail")


class SmtpPostman(Postman):
    """Hands mails to a server: smtp://, smtp+starttls:// or smtps://[user:password@]host[:port].

    What is to be encrypted is never sent in the clear: a server that offers no STARTTLS, or has
    a certificate that nobody vouches for, gets nothing.
    """

    def __init__(
        self, url: str, *, sender: str, own_host: str, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = None if parts.username is None else unquote(parts.username)
        self._password = unquote(parts.password or "")
        self._sender = sender
        self._own_host = own_host
        self._given_tls = tls

    def send(self, message: Message) -> None:
        try:
            smtp = self._connected()
            try:
                smtp.send_message(mime(message, sender=self._sender), to_addrs=[message.to])
            finally:
                with suppress(OSError, smtplib.SMTPException):  # it has, or has not, taken it
                    smtp.quit()
        except (OSError, smtplib.SMTPException) as failure:
            cause, for_good = _meaning(failure)
            log.warning("mail not taken", extra={"mail": message.id, "cause": cause})
            raise Undelivered(cause, for_good=for_good) from failure
        log.info("mail sent", extra={"mail": message.id, "subject": message.subject})

    def _connected(self) -> smtplib.SMTP:
        smtp = (
            smtplib.SMTP_SSL(
                self._host, self._port, self._own_host, timeout=TIMEOUT, context=self._tls
            )
            if self._scheme == "smtps"
            else smtplib.SMTP(self._host, self._port, self._own_host, timeout=TIMEOUT)
        )
        try:
            if self._scheme == "smtp+starttls":
                smtp.starttls(context=self._tls)
            if self._user is not None:
                smtp.login(self._user, self._password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()


def _meaning(failure: Exception) -> tuple[str, bool]:
    """Return a name for what went wrong, and whether it will go wrong again for this mail."""
    kind = type(failure).__name__
    match failure:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in failure.recipients.values()]
            return f"{kind} {codes[0]}", codes[0] >= _PERMANENT
        case smtplib.SMTPResponseException():
            return f"{kind} {failure.smtp_code}", False
        case _:
            return kind, False
