"""Proves that a token is never called valid by a service that cannot ask its database.

OWASP ASVS 5.0 §16.5.3: fail closed.
"""

import httpx
import pytest

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
