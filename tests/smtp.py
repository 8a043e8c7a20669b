"""A mail server as a process of its own: it keeps what it takes in a folder, and can misbehave.

What it does with a recipient is said by the local part: `nobody@` has no mailbox, `later@` has
one that is busy, and for `hang@` the first mail is kept and never acknowledged.
"""

import argparse
import asyncio
import base64
import email
import socket
import ssl
import subprocess
import sys
import time
from email import policy
from email.message import EmailMessage
from pathlib import Path

PATIENCE = 20.0
USER, PASSWORD = "basalt", "a relay's pass:word/@"


class SmtpServer:
    """Runs the process; what it took stays when it is stopped, and so does its port."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self._words = words
        folder.mkdir(exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; return once it does."""
        words = [sys.executable, "-m", "tests.smtp", str(self.folder), str(self.port)]
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            [*words, *self._words], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """Refuse everybody from now on."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def mails(self) -> list[EmailMessage]:
        """Return what arrived, in that order."""
        return [_read(path) for path in sorted(self.folder.glob("*.eml"))]

    def await_mails(self, count: int) -> list[EmailMessage]:
        """Return what arrived once it is so many."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.mails()) < count:
            assert time.monotonic() < deadline, [mail["Subject"] for mail in found]
            time.sleep(0.02)
        return found


def _read(path: Path) -> EmailMessage:
    found = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def token_of(mail: EmailMessage) -> str:
    """Return the token in a mail's link."""
    body = mail.get_body(("plain",))
    assert body
    text: str = body.get_content()
    return text.partition("#token=")[2].split()[0]


class _Dialogue:
    """What is said over one connection (RFC 5321 §4.1)."""

    def __init__(
        self,
        folder: Path,
        tls: ssl.SSLContext | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._folder, self._tls = folder, tls
        self._reader, self._writer = reader, writer
        self._is_encrypted = writer.get_extra_info("ssl_object") is not None
        self._is_known = False
        self._recipient = b""

    async def hold(self, *, needs_login: bool) -> None:
        await self._say("220 ready")
        while line := (await self._reader.readline()).strip():
            verb = line.split(b" ")[0].upper()
            if verb == b"QUIT":
                await self._say("221 bye")
                return
            if verb == b"EHLO":
                offers = [] if self._is_encrypted or not self._tls else ["STARTTLS"]
                await self._say("250-here", *(f"250-{each}" for each in offers), "250 AUTH PLAIN")
            elif verb == b"STARTTLS" and self._tls:
                await self._say("220 go ahead")
                await self._writer.start_tls(self._tls)
                self._is_encrypted = True
            elif verb == b"AUTH":
                proof = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())
                self._is_known = line.split(b" ")[-1] == proof
                await self._say("235 welcome" if self._is_known else "535 who are you?")
            elif verb == b"MAIL" and needs_login and not self._is_known:
                await self._say("530 sign in first")
            elif verb == b"RCPT":
                await self._recipient_named(line.partition(b"<")[2].rstrip(b">"))
            elif verb == b"DATA":
                await self._take()
            else:
                await self._say("250 fine")

    async def _recipient_named(self, address: bytes) -> None:
        self._recipient = address
        answers = {b"nobody": "550 no such mailbox", b"later": "451 come back"}
        await self._say(answers.get(address.partition(b"@")[0], "250 fine"))

    async def _take(self) -> None:
        await self._say("354 go on")
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line.removeprefix(b"."))
        is_first = not any(self._folder.glob("*.eml"))
        path = self._folder / f"{time.monotonic_ns():020}.draft"
        path.write_bytes(b"".join(lines))
        path.rename(path.with_suffix(".eml"))
        if is_first and self._recipient.startswith(b"hang@"):
            await asyncio.sleep(PATIENCE)
        await self._say("250 taken")

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()


async def _serve(arguments: argparse.Namespace) -> None:
    tls = None
    if arguments.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.certificate)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialogue = _Dialogue(arguments.folder, tls, reader, writer)
        try:
            await dialogue.hold(needs_login=arguments.needs_login)
        finally:
            writer.close()

    server = await asyncio.start_server(
        talk, "127.0.0.1", arguments.port, ssl=tls if arguments.implicit else None
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--implicit", action="store_true")
    parser.add_argument("--needs-login", action="store_true")
    asyncio.run(_serve(parser.parse_args()))
