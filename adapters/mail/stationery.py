"""What letters say: one template a topic, from which the text and the HTML are made."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from application.ports.mail import Message, Stationery
from domain.mail import Letter, Topic

_TEMPLATES = Path(__file__).parent / "templates"
_LINK = "$link"

_PAGES = {
    Topic.VERIFICATION: ("confirm-email", "POST /v1/auth/email-verification"),
    Topic.NEW_ADDRESS: ("confirm-email", "POST /v1/auth/email-verification"),
    Topic.OLD_ADDRESS: ("restore-email", "POST /v1/auth/email-verification"),
    Topic.RECOVERY: ("reset-password", "PUT /v1/auth/password-reset"),
    Topic.PASSWORD_CHANGED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.KEY_CREATED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.SECOND_FACTOR_ADDED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.SECOND_FACTOR_REMOVED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.RECOVERY_CODES_MADE: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.SECOND_STEP_LOCKED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.RECOVERY_CODE_USED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.IDENTITY_LINKED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.ACCOUNT_HANDED_OVER: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.IDENTITY_UNLINKED: ("reset-password", "POST /v1/auth/password-reset"),
    Topic.KNOWN_ADDRESS: ("reset-password", "POST /v1/auth/password-reset"),
}
"""The page of a front end that a letter leads to, and the operation that is behind it."""


class TemplateStationery(Stationery):
    """Letters from templates.

    Links lead to the front end, or, without one, to the docs page. A token stands behind the #,
    so that no server on the way to the page ever gets to see it, and no log.
    """

    def __init__(self, *, base_url: str, frontend_url: str | None) -> None:
        self._site = frontend_url or base_url
        self._frontend_url = frontend_url
        self._docs_url = f"{base_url}/docs"
        self._host = host_of(base_url)

    def write(self, letter: Letter, *, to: str, token: str | None) -> Message:
        subject, body = _template(letter.topic)
        page, operation = _PAGES[letter.topic]
        place = f"{self._frontend_url}/{page}" if self._frontend_url else self._docs_url
        known = {
            "address": to,
            "site": self._site,
            "link": place if token is None else f"{place}#token={token}",
        }
        if self._frontend_url is None:
            body += f"\n\n{_for_developers(operation, has_token=token is not None)}"
        return Message(
            id=f"<{letter.id}@{self._host}>",
            at=letter.created_at,
            to=to,
            subject=subject,
            text=Template(body).substitute(known) + "\n",
            html=_html(subject, body, known),
        )


def host_of(base_url: str) -> str:
    """Return the host of an address as it stands behind an @: an IPv6 one in brackets."""
    host = urlsplit(base_url).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


@cache
def _template(topic: Topic) -> tuple[str, str]:
    """Return a topic's subject and what follows it."""
    head, _, body = (_TEMPLATES / f"{topic}.txt").read_text().partition("\n\n")
    return head.removeprefix("Subject: "), body.strip()


@cache
def _layout() -> Template:
    return Template((_TEMPLATES / "layout.html").read_text())


def _for_developers(operation: str, *, has_token: bool) -> str:
    what = "takes what stands behind token=" if has_token else "is where to ask"
    return f"(There is no front end: set BASALT_FRONTEND_URL. In the API, {operation}\n{what}.)"


def _html(subject: str, body: str, known: dict[str, str]) -> str:
    safe = {name: escape(value) for name, value in known.items()}
    paragraphs = [
        f'<p><a href="{safe["link"]}">{safe["link"]}</a></p>'
        if part == _LINK
        else f"<p>{Template(escape(part, quote=False)).substitute(safe)}</p>"
        for part in body.split("\n\n")
    ]
    return _layout().substitute(subject=escape(subject), paragraphs="\n".join(paragraphs))
