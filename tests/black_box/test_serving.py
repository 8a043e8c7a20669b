"""Proves how a server starts, refuses to start, and treats clients who take their time."""

import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import BASALT, CHEAP, PATIENCE, Server, Start, environment

pytestmark = pytest.mark.black_box

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def serve(folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BASALT, "serve", *words],
        cwd=folder,
        env=environment(folder, **CHEAP | settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_it_says_where_to_look_and_for_whom_it_waits(sqlite_server: Server) -> None:
    said = sqlite_server.log.read_text()
    assert "/docs" in said
    assert "users create" in said
    assert httpx.get(f"{sqlite_server.url}/docs").status_code == 200


@ONE_DATABASE
def test_a_port_that_is_taken_is_refused_without_a_trace(tmp_path: Path, database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        finished = serve(tmp_path, "--port", port, BASALT_DATABASE_URL=database)
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert line.startswith(f"basalt: cannot listen on 127.0.0.1:{port} (Address already in use): ")
    assert "choose another with --port" in line


def test_bad_settings_are_refused_in_a_line_each(tmp_path: Path) -> None:
    bad = {"BASALT_SESSION_CAP": "x", "BASALT_DATABASE_URL": "mysql://x", "BASALT_NONSENSE": "1"}
    finished = serve(tmp_path, **bad)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert len(finished.stderr.splitlines()) == 3
    assert not list(tmp_path.iterdir())


@ONE_DATABASE
def test_production_starts_only_with_a_secret(tmp_path: Path, database: str) -> None:
    finished = serve(tmp_path, BASALT_ENV="production", BASALT_DATABASE_URL=database)
    assert finished.returncode == 2
    assert "BASALT_SECRET_KEY" in finished.stderr
    assert "BASALT_BASE_URL" in finished.stderr


def test_the_folder_and_the_secret_are_the_owners_alone(sqlite_server: Server) -> None:
    data = sqlite_server.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_body_that_never_comes_is_not_waited_for(impatient_server: Server) -> None:
    address = httpx.URL(impatient_server.url)
    with socket.create_connection((address.host, address.port), PATIENCE) as slow:
        slow.sendall(
            b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"email"'
        )
        begun = time.monotonic()
        answer = slow.recv(1000)
    assert 0.5 < time.monotonic() - begun < 10
    assert answer.startswith(b"HTTP/1.1 4")


@ONE_DATABASE
def test_what_was_begun_is_finished_before_the_end(start: Start, database: str) -> None:
    server = start(DATABASE_URL=database)
    address = httpx.URL(server.url)
    body = b'{"email": "ada@example.com", "password": "an orchard of quiet lamps"}'
    with socket.create_connection((address.host, address.port), PATIENCE) as slow:
        head = (
            "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        slow.sendall(head.encode() + body[:10])
        time.sleep(0.3)  # until the request has begun
        server.process.terminate()
        time.sleep(0.3)  # until the end has begun
        slow.sendall(body[10:])
        assert slow.recv(1000).startswith(b"HTTP/1.1 201")
    assert server.process.wait(PATIENCE) == 0
