"""Mail goes to a real server, encrypted where it is to be, and what that says is understood."""

import ssl
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import quote

import pytest

from adapters.mail.smtp import SmtpPostman
from application.ports.mail import Message, Undelivered
from tests.adapters.certificates import self_signed
from tests.domain.examples import NOW
from tests.smtp import PASSWORD, USER, SmtpServer

Serve = Callable[..., SmtpServer]
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"
MESSAGE = Message(
    id="<019ab1f2-7c3e-7d10-8a55-3f0c1d2e4b6a@api.example.com>",
    at=NOW,
    to="anna@example.com",
    subject="Choose a new password",
    text=f"Here:\n\nhttps://app.example.org/reset-password#token={'x' * 68}\n",
    html=f"<p>https://app.example.org/reset-password#token={'x' * 68}</p>\n",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this host that only those trust who are told to, with its key."""
    return self_signed(tmp_path_factory.mktemp("tls") / "certificate.pem", IPv4Address("127.0.0.1"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers: list[SmtpServer] = []

    def begin(*words: str) -> SmtpServer:
        servers.append(SmtpServer(tmp_path / "mails", *words))
        servers[-1].start()
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def postman(
    server: SmtpServer, scheme: str = "smtp", login: str = "", trusted: Path | None = None
) -> SmtpPostman:
    return SmtpPostman(
        f"{scheme}://{login}127.0.0.1:{server.port}",
        sender="Basalt <no-reply@example.org>",
        own_host="api.example.com",
        tls=None if trusted is None else ssl.create_default_context(cafile=str(trusted)),
    )


def test_a_mail_arrives_as_text_and_html_under_its_id(serve: Serve) -> None:
    server = serve()
    postman(server).send(MESSAGE)
    postman(server).send(MESSAGE)
    one, other = server.mails()
    assert one["Message-ID"] == other["Message-ID"] == MESSAGE.id
    assert (one["To"], one["From"]) == ("anna@example.com", "Basalt <no-reply@example.org>")
    assert one["Date"].datetime == NOW.replace(microsecond=0)
    assert one["Auto-Submitted"] == "auto-generated"
    for kind, said in (("plain", MESSAGE.text), ("html", MESSAGE.html)):
        body = one.get_body((kind,))
        assert body
        assert body.get_content().replace("\r\n", "\n") == said
    assert "x" * 68 in one.as_string()  # whole, on one line


@pytest.mark.parametrize(
    ("scheme", "words"), [("smtps", ["--implicit"]), ("smtp+starttls", [])], ids=["tls", "starttls"]
)
def test_a_mail_is_encrypted_and_its_sender_known(
    serve: Serve, certificate: Path, scheme: str, words: list[str]
) -> None:
    server = serve("--needs-login", "--certificate", str(certificate), *words)
    postman(server, scheme, LOGIN, certificate).send(MESSAGE)
    assert len(server.mails()) == 1
    with pytest.raises(Undelivered, match="SMTPAuthenticationError 535") as refused:
        postman(server, scheme, f"{USER}:wrong@", certificate).send(MESSAGE)
    assert not refused.value.for_good
    with pytest.raises(Undelivered, match="530"):
        postman(server, scheme, "", certificate).send(MESSAGE)
    with pytest.raises(Undelivered, match="SSLCertVerificationError"):
        postman(server, scheme, LOGIN).send(MESSAGE)
    assert len(server.mails()) == 1


def test_what_is_to_be_encrypted_is_never_sent_in_the_clear(serve: Serve) -> None:
    server = serve()
    with pytest.raises(Undelivered, match="SMTPNotSupportedError"):
        postman(server, "smtp+starttls", LOGIN).send(MESSAGE)
    assert server.mails() == []


@pytest.mark.parametrize(
    ("to", "cause", "for_good"), [("nobody", "550", True), ("later", "451", False)]
)
def test_a_mailbox_that_is_not_there_is_told_from_one_that_is_busy(
    serve: Serve, to: str, cause: str, for_good: bool
) -> None:
    message = Message(id=MESSAGE.id, at=NOW, to=f"{to}@example.com", subject="", text="", html="")
    with pytest.raises(Undelivered) as refused:
        postman(serve()).send(message)
    assert refused.value.cause == f"SMTPRecipientsRefused {cause}"
    assert refused.value.for_good is for_good


def test_a_server_that_is_not_there_takes_nothing_and_no_secret_is_told(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    server.stop()
    with pytest.raises(Undelivered) as refused:
        postman(server, "smtp", LOGIN).send(MESSAGE)
    assert refused.value.cause == "ConnectionRefusedError"
    assert not refused.value.for_good
    assert PASSWORD not in caplog.text
    assert "x" * 68 not in caplog.text


def test_a_server_that_says_nothing_is_not_waited_for_forever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.mail.smtp.TIMEOUT", 0.2)
    message = Message(id=MESSAGE.id, at=NOW, to="hang@example.com", subject="", text="", html="")
    with pytest.raises(Undelivered) as refused:
        postman(serve()).send(message)
    assert (refused.value.cause, refused.value.for_good) == ("SMTPServerDisconnected", False)
