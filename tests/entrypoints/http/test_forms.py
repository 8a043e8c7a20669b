"""Proves how forms are read: each parameter once, percent-encoded UTF-8, empty ones ignored."""

import httpx
import pytest

from tests.entrypoints.http.api import PASSWORD, Api, Person, told


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=password&grant_type=password",
        b"grant_type=refresh_token&refresh_token=a&refresh_token=a",
        b"grant_type=password&x=1&x=2",
        b"grant_type=%ff",
        b"grant_type=%ED%A0%80",
        b"grant_type=pass\xc3\xa9",
        b"grant_type=password&username=%zz",
        b"grant_type=password&username=100%",
        b"&".join(b"f%d=1" % number for number in range(200)),
    ],
)
async def test_what_is_no_form_is_refused(nobody: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await nobody.post("/v1/auth/token", content=body, headers=headers)
    assert told(answer) == (400, "MALFORMED_REQUEST")


async def test_a_form_knows_plus_percent_and_empty_parameters(api: Api, ada: Person) -> None:
    nobody = await api.client()
    password = PASSWORD.replace(" ", "+")
    body = f"&grant_type=%70assword&username=ada%40example.com&password={password}&scope=&x=&x="
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    answer = await nobody.post("/v1/auth/token", content=body, headers=headers)
    assert (answer.status_code, ada.email) == (200, "ada@example.com"), answer.text
