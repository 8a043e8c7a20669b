"""Proves that a token is never called valid by a service that cannot ask its database.

OWASP ASVS 5.0 §16.5.3: fail closed.
"""

import time
from collections.abc import Sequence

import httpx
import pytest

from domain.access import Caller, Origin
from domain.errors import NotAuthenticated, Unavailable
from entrypoints.http.application import LOST_WITHIN
from tests.entrypoints.http.api import Api, Person, refresh_form, sign_in_form, told
from tests.postgresql import PostgresServer


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_without_its_database_the_service_says_so_and_nothing_else(
    api: Api,
    nobody: httpx.AsyncClient,
    admin: Person,
    ada: Person,
    *,
    database: str,
    postgresql: PostgresServer,
) -> None:
    assert (await ada.http.get("/v1/users/me")).status_code == 200
    assert (await nobody.get("/health/ready")).status_code == 200
    postgresql.drop_database(database)
    token = {"token": ada.tokens["access_token"]}
    for answer in (
        await ada.http.get("/v1/users/me"),
        await ada.http.get("/v1/users/me"),
        await ada.http.post("/v1/auth/logout"),
        await admin.http.post("/v1/auth/introspect", data=token),
        await nobody.post("/v1/auth/revoke", data=token),
        await nobody.post("/v1/auth/token", data=refresh_form(ada.tokens["refresh_token"])),
        await nobody.post("/v1/auth/token", data=sign_in_form(ada.email)),
        await nobody.get("/health/ready"),
    ):
        assert told(answer) == (503, "SERVICE_UNAVAILABLE"), answer.request.url
        assert int(answer.headers["Retry-After"]) > 0
    assert (await nobody.get("/health/live")).status_code == 200


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.parametrize(("lost", "status"), [(1, 200), (2, 503)])
async def test_callers_whose_connection_is_lost_are_looked_up_once_more(
    api: Api, ada: Person, *, lost: int, status: int
) -> None:
    look, left = api.container.identify_many(), [Unavailable() for _ in range(lost)]

    def losing(calls: Sequence[tuple[str, Origin]]) -> Sequence[Caller | NotAuthenticated]:
        if left:
            raise left.pop()
        answers: Sequence[Caller | NotAuthenticated] = look(calls)
        return answers

    assert (await ada.http.get("/v1/users/me")).status_code == 200
    with api.container.identify_many.override(losing):
        assert (await ada.http.get("/v1/users/me")).status_code == status
    assert not left


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_who_has_waited_for_the_database_already_is_not_made_to_wait_twice(
    api: Api, ada: Person
) -> None:
    asked: list[int] = []

    def waiting(calls: Sequence[tuple[str, Origin]]) -> Sequence[Caller | NotAuthenticated]:
        asked.append(len(calls))
        time.sleep(LOST_WITHIN + 0.01)
        raise Unavailable

    assert (await ada.http.get("/v1/users/me")).status_code == 200
    with api.container.identify_many.override(waiting):
        assert (await ada.http.get("/v1/users/me")).status_code == 503
    assert asked == [1]
