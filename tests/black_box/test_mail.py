"""Proves that every mail arrives, whatever happens to the mail server and to those who send.

Mails are told apart by their Message-ID: one may come twice, under the same one.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import (
    BASALT,
    CHEAP,
    PASSWORD,
    PATIENCE,
    Server,
    Start,
    environment,
    sign_up,
)
from tests.smtp import SmtpServer, token_of

pytestmark = pytest.mark.black_box

NEW = "a river of patient stones"
EVERYBODY = [f"{number}@example.com" for number in range(12)]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[SmtpServer]:
    relay = SmtpServer(tmp_path / "mails")
    yield relay
    relay.stop()


def url(relay: SmtpServer) -> str:
    return f"smtp://127.0.0.1:{relay.port}"


def command(folder: Path, *words: str, **settings: str) -> str:
    own = {f"BASALT_{name}": value for name, value in settings.items()}
    done = subprocess.run(
        [BASALT, *words],
        cwd=folder,
        env=environment(folder, **CHEAP | own),
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout.decode()


def ask(server: Server, *emails: str) -> None:
    """Sign up; everybody is sent a mail for it."""
    with server.client() as nobody:
        for email in emails:
            account = {"email": email, "password": PASSWORD}
            assert nobody.post("/v1/users", json=account).status_code == httpx.codes.CREATED


def ids(relay: SmtpServer) -> dict[str, set[str]]:
    """Return the ids under which mails arrived, by whom they are for."""
    found: dict[str, set[str]] = {}
    for mail in relay.mails():
        found.setdefault(str(mail["To"]), set()).add(str(mail["Message-ID"]))
    return found


def await_nothing_waiting(folder: Path, **settings: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while command(folder, "outbox", "list", **settings) != "Nothing is waiting.\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_mail_is_lost_while_the_mail_server_is_down(
    start: Start, database: str, relay: SmtpServer, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": database, "SMTP_URL": url(relay)}
    server = start(**own)
    ask(server, *EVERYBODY)
    with server.client() as nobody:
        began = time.perf_counter()
        assert nobody.get("/health/ready").status_code == httpx.codes.OK
        assert time.perf_counter() - began < 1
    relay.start()
    relay.await_mails(len(EVERYBODY))
    await_nothing_waiting(tmp_path, **own)
    assert {to: len(each) for to, each in ids(relay).items()} == dict.fromkeys(EVERYBODY, 1)
    assert len(relay.mails()) == len(EVERYBODY)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_is_killed_between_sending_and_marking_sends_the_same_mail_again(
    start: Start, database: str, relay: SmtpServer, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": database, "SMTP_URL": url(relay)}
    relay.start()
    server = start(**own)
    ask(server, "hang@example.com", "ada@example.com")
    relay.await_mails(1)
    server.kill()
    waiting = command(tmp_path, "outbox", "list", **own)
    assert waiting.count("@example.com") == 2
    command(tmp_path, "outbox", "retry", **own)
    start(**own)
    mails = relay.await_mails(3)
    await_nothing_waiting(tmp_path, **own)
    assert {to: len(each) for to, each in ids(relay).items()} == {
        "hang@example.com": 1,
        "ada@example.com": 1,
    }
    tokens = {token_of(mail) for mail in mails if mail["To"] == "hang@example.com"}
    assert len(tokens) == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_servers_and_a_worker_share_the_mail_and_send_each_once(
    start: Start, database: str, relay: SmtpServer, tmp_path: Path
) -> None:
    secret = {"SECRET_KEY": "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A"}
    own = {"DATABASE_URL": database, "SMTP_URL": url(relay), **secret}
    server = start("--workers", "2", **own)
    ask(server, *EVERYBODY)
    environ = environment(tmp_path, **{f"BASALT_{name}": value for name, value in own.items()})
    worker = subprocess.Popen([BASALT, "work"], cwd=tmp_path, env=environ)
    try:
        relay.start()
        relay.await_mails(len(EVERYBODY))
        await_nothing_waiting(tmp_path, **own)
    finally:
        worker.terminate()
        assert worker.wait(PATIENCE) == 0
    assert {to: len(each) for to, each in ids(relay).items()} == dict.fromkeys(EVERYBODY, 1)
    assert len(relay.mails()) == len(EVERYBODY)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lost_password_is_found_again_by_mail_and_no_token_is_in_the_log(
    start: Start, database: str, relay: SmtpServer
) -> None:
    relay.start()
    server = start(DATABASE_URL=database, SMTP_URL=url(relay), LOG_LEVEL="debug")
    sign_up(server)
    relay.await_mails(1)
    with server.client() as nobody:
        path = "/v1/auth/password-reset"
        assert nobody.post(path, json={"email": "ada@example.com"}).status_code == 202
        token = token_of(relay.await_mails(2)[-1])
        answer = nobody.put(path, json={"token": token, "new_password": NEW})
        assert answer.status_code == 204
        form = {"grant_type": "password", "username": "ada@example.com", "password": NEW}
        assert nobody.post("/v1/auth/token", data=form).status_code == 200
    assert relay.await_mails(3)[-1]["Subject"] == "Your password was changed"
    log = server.log.read_text()
    assert "mail sent" in log
    assert token not in log
    assert token.removeprefix("bot_") not in log
