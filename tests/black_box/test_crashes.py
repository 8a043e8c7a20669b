"""Proves that what was acknowledged is there after `kill -9`, each time."""

import threading
from pathlib import Path

import httpx
import pytest

from tests.black_box.server import Server, Start, sign_up

pytestmark = pytest.mark.black_box

CRASHES = 20
WRITERS = 3


class Writer(threading.Thread):
    """Creates items until the server is gone, and remembers what was acknowledged."""

    def __init__(self, server: Server, token: str, acknowledged: threading.Event) -> None:
        super().__init__()
        self.server, self.token, self.acknowledged = server, token, acknowledged
        self.ids: list[str] = []

    def run(self) -> None:
        with self.server.client(self.token) as client:
            while True:
                try:
                    answer = client.post("/v1/items", json={"title": "Lamp oil"})
                except httpx.TransportError:
                    return
                assert answer.status_code == httpx.codes.CREATED
                self.ids.append(answer.json()["id"])
                self.acknowledged.set()


def test_no_acknowledged_item_is_lost_however_often_the_server_is_killed(
    start: Start, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/data/basalt.db"
    server = start(DATABASE_URL=url)
    token = sign_up(server).access
    kept: set[str] = set()
    for _ in range(CRASHES):
        acknowledged = threading.Event()
        writers = [Writer(server, token, acknowledged) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert acknowledged.wait(30)
        server.kill()
        for writer in writers:
            writer.join(30)
        last = {id for writer in writers for id in writer.ids}
        assert last
        kept |= last
        server = start(DATABASE_URL=url)
        with server.client(token) as client:
            for id in last:
                assert client.get(f"/v1/items/{id}").status_code == httpx.codes.OK
    with server.client(token) as client:
        for id in kept:
            assert client.get(f"/v1/items/{id}").status_code == httpx.codes.OK
