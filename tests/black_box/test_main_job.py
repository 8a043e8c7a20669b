"""Proves the service's main job over a real connection, and what survives a restart of it."""

import subprocess
import time
import uuid

import pytest

from tests.black_box.server import (
    BASALT,
    PASSWORD,
    PATIENCE,
    Server,
    Start,
    refreshed,
    sign_in,
    sign_up,
)

pytestmark = pytest.mark.black_box


def test_a_person_signs_up_and_keeps_items(shared: Server, email: str) -> None:
    with shared.client(sign_up(shared, email).access) as ada:
        assert ada.get("/v1/users/me").json()["email"] == email
        created = ada.post("/v1/items", json={"title": "Lamp oil", "tags": ["Winter"]})
        assert created.status_code == 201
        path = created.headers["Location"]
        assert ada.get(path).json() == created.json()
        again = ada.get(path, headers={"If-None-Match": created.headers["ETag"]})
        assert again.status_code == 304
        headers = {"If-Match": created.headers["ETag"]}
        changed = ada.patch(path, json={"title": "Candles"}, headers=headers)
        assert (changed.json()["title"], changed.json()["version"]) == ("Candles", 2)
        assert ada.patch(path, json={"title": "Late"}, headers=headers).status_code == 412
        assert ada.get("/v1/items").json()["data"] == [changed.json()]
        assert ada.delete(path).status_code == 204
        assert ada.get(path).status_code == 404
        assert ada.post("/v1/auth/logout").status_code == 204
        assert ada.get("/v1/users/me").status_code == 401


def test_a_crash_costs_no_account_session_key_or_item_and_revives_no_session(
    start: Start, database: str
) -> None:
    before = start(DATABASE_URL=database)
    tokens = sign_up(before)
    with before.client(tokens.access) as ada:
        item = ada.post("/v1/items", json={"title": "Lamp oil"}).json()
        keys = ada.get("/.well-known/jwks.json").json()
        tokens = refreshed(ada, tokens)
        ended = sign_in(ada)
    with before.client(ended.access) as elsewhere:
        assert elsewhere.post("/v1/auth/logout").status_code == 204
    before.kill()
    after = start(DATABASE_URL=database)
    with after.client(tokens.access) as ada:
        assert ada.get(f"/v1/items/{item['id']}").json() == item
        assert ada.get("/.well-known/jwks.json").json() == keys
        assert refreshed(ada, tokens).refresh != tokens.refresh
        assert sign_in(ada).refresh
    with after.client(ended.access) as elsewhere:
        assert elsewhere.get("/v1/users/me").json()["error"]["code"] == "TOKEN_REVOKED"


def test_a_command_runs_beside_a_live_server(shared: Server, email: str) -> None:
    with shared.client(sign_up(shared, email).access) as ada:
        for number in range(2):
            made = subprocess.run(
                [BASALT, "users", "create", f"{number}{email}", "--password-stdin"],
                input=PASSWORD,
                capture_output=True,
                text=True,
                check=False,
                cwd=shared.folder,
                env=shared.environ,
                timeout=PATIENCE,
            )
            assert (made.returncode, made.stderr) == (0, "")
            assert ada.post("/v1/items", json={"title": str(number)}).status_code == 201
            assert sign_in(ada, f"{number}{email}").access
        assert len(ada.get("/v1/items").json()["data"]) == 2


def test_the_log_has_one_line_for_each_request_and_believes_no_forwarded_address(
    shared: Server,
) -> None:
    path = f"/{uuid.uuid4()}"
    with shared.client() as nobody:
        headers = {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4"}
        for number in range(3):
            answer = nobody.get(path, headers=headers | {"X-Request-ID": f"r{number}"})
            assert answer.status_code == 404
            assert "server" not in answer.headers
    deadline = time.monotonic() + PATIENCE
    while len(lines := [event for event in shared.events() if event.get("path") == path]) < 3:
        assert time.monotonic() < deadline, lines
        time.sleep(0.01)
    assert [line["request_id"] for line in lines] == ["r0", "r1", "r2"]
    assert {line["address"] for line in lines} == {"127.0.0.1"}
