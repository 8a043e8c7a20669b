"""A message in the form in which mail travels (RFC 5322, RFC 2045)."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from application.ports.mail import Message


def mime(message: Message, *, sender: str) -> EmailMessage:
    """Return a message as text and HTML, with the id and the date that it always has."""
    mail = EmailMessage(policy.SMTP)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = message.at
    mail["Message-ID"] = message.id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
    mail.set_content(message.text, cte=_encoding(message.text))
    mail.add_alternative(message.html, subtype="html", cte=_encoding(message.html))
    return mail


def _encoding(text: str) -> str | None:
    """Say that plain ASCII travels as it is, so that a link stands on one line also in the raw."""
    return "7bit" if text.isascii() else None
