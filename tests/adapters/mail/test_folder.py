"""Mail for development is a file that mail programs read; mail for nobody is thrown away."""

import email
import logging
import stat
from email import policy
from pathlib import Path

import pytest

from adapters.mail.folder import FolderPostman
from adapters.mail.nowhere import NoPostman
from application.ports.mail import Undelivered
from tests.adapters.mail.test_smtp import MESSAGE

SENDER = "Basalt <no-reply@example.org>"


def test_a_mail_is_one_file_for_its_owner_alone_however_often_it_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "data" / "mail"
    for _ in range(2):
        FolderPostman(folder, sender=SENDER).send(MESSAGE)
    (path,) = folder.iterdir()
    assert path.name == "019ab1f2-7c3e-7d10-8a55-3f0c1d2e4b6a.eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (mail["Message-ID"], mail["To"]) == (MESSAGE.id, MESSAGE.to)
    (told, _) = caplog.records
    assert vars(told)["path"] == str(path)
    assert "x" * 68 not in caplog.text


def test_a_folder_that_cannot_be_written_into_delivers_nothing(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    with pytest.raises(Undelivered) as refused:
        FolderPostman(tmp_path / "mail", sender=SENDER).send(MESSAGE)
    assert not refused.value.for_good


def test_a_service_without_mail_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    postman = NoPostman()
    postman.send(MESSAGE)
    postman.send(MESSAGE)
    assert [record.message for record in caplog.records] == [
        "no mail is sent: BASALT_SMTP_URL is not set"
    ]
