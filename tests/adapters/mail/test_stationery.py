"""Letters say what they are about, in text and HTML, with links to the operator's own site."""

import re

import pytest

from adapters.mail.stationery import TemplateStationery
from domain.mail import Topic
from tests.domain.examples import LETTER, NOW, a_letter

BASE, FRONTEND = "https://api.example.com", "https://app.example.org/accounts"
ODD = "a&b'{}`@example.com"
TOKEN = "bot_" + "x" * 64


@pytest.mark.parametrize("topic", Topic)
@pytest.mark.parametrize("frontend", [None, FRONTEND], ids=["docs", "front end"])
def test_every_letter_leads_to_the_operators_site_and_to_nowhere_else(
    topic: Topic, frontend: str | None
) -> None:
    letter = a_letter(topic=topic)
    token = TOKEN if topic.token_lifetime else None
    stationery = TemplateStationery(base_url=BASE, frontend_url=frontend)
    message = stationery.write(letter, to=ODD, token=token)
    assert (message.to, message.at) == (ODD, NOW)
    assert message.id == f"<{LETTER}@api.example.com>"
    assert message.subject
    for body in (message.text, message.html):
        links = set(re.findall(r"https?://[^\s\"<]+", body))
        (link,) = {each for each in links if each.rstrip(".") not in {BASE, FRONTEND}}
        assert link.startswith(f"{frontend or BASE}/")
        assert link.partition("#token=")[2] == (token or "")
        assert "$" not in body.replace("$id", "")


def test_letters_say_whom_they_are_to_and_html_escapes_it() -> None:
    stationery = TemplateStationery(base_url=BASE, frontend_url=None)
    message = stationery.write(a_letter(topic=Topic.VERIFICATION), to=ODD, token=TOKEN)
    assert ODD in message.text
    assert ODD not in message.html
    assert "a&amp;b&#x27;{}`@example.com" in message.html


def test_every_letter_is_plain_ascii_with_short_lines() -> None:
    """So that it travels as it is, and its raw source can be read."""
    stationery = TemplateStationery(base_url=BASE, frontend_url=FRONTEND)
    for topic in Topic:
        message = stationery.write(a_letter(topic=topic), to="a@b.example", token=TOKEN)
        for body in (message.text, message.html):
            assert body.isascii()
            assert max(map(len, body.splitlines())) < 998


@pytest.mark.parametrize(
    ("base", "host"), [("http://127.0.0.1:8000", "127.0.0.1"), ("https://[::1]", "[::1]")]
)
def test_an_id_ends_with_the_services_host(base: str, host: str) -> None:
    stationery = TemplateStationery(base_url=base, frontend_url=None)
    message = stationery.write(a_letter(topic=Topic.PASSWORD_CHANGED), to="a@b.example", token=None)
    assert message.id == f"<{LETTER}@{host}>"
