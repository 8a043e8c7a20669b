"""Proves that the docs page needs nothing but this server, and runs no code but Swagger UI's."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from entrypoints.http import docs
from entrypoints.http.docs import mount_docs


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(title='Basalt <"&', docs_url=None, redoc_url=None)
    mount_docs(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield client


async def named_by(client: httpx.AsyncClient) -> list[str]:
    page = (await client.get("/docs")).text
    return re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page)


async def test_the_page_and_everything_that_it_names_is_served_here(
    client: httpx.AsyncClient,
) -> None:
    names = await named_by(client)
    assert len(names) == 5
    for name in names:
        answer = await client.get(name)
        assert answer.status_code == 200
        assert answer.content
    types = {name.partition("?")[0].rpartition(".")[2]: name for name in names}
    assert types.keys() == {"png", "css", "js", "json"}


async def test_neither_page_nor_start_script_names_another_server(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/docs", "/docs/start.js"):
        assert "//" not in re.sub(r"^//.*$", "", (await client.get(path)).text, flags=re.MULTILINE)


async def test_the_page_holds_no_script_style_or_unescaped_title(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert "<title>Basalt &lt;&quot;&amp;: the API</title>" in page


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui.css"])
async def test_the_policy_allows_this_server_only(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"unsafe|http|\*", headers["Content-Security-Policy"])
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_files_are_kept_until_their_content_changes(client: httpx.AsyncClient) -> None:
    assert (await client.get("/docs")).headers["Cache-Control"] == "no-cache"
    for name in await named_by(client):
        if name.startswith("/docs/"):
            assert re.search(r"\?v=[0-9a-f]{12}$", name)
            assert "immutable" in (await client.get(name)).headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui-bundle.js"])
async def test_head_works_where_get_does(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("name", ["__init__.py", "..%2fmain.py", "", "swagger-ui.css.map", "."])
async def test_only_the_files_that_the_page_needs_are_served(
    client: httpx.AsyncClient, name: str
) -> None:
    assert (await client.get(f"/docs/assets/{name}")).status_code == 404


async def test_the_openapi_document_does_not_know_the_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["paths"] == {}


async def test_passwords_and_refresh_tokens_do_not_stay_in_the_browser(
    client: httpx.AsyncClient,
) -> None:
    """What Swagger UI keeps was seen in a browser; this only guards the lines that prevent it."""
    script = (await client.get("/docs/start.js")).text
    assert "persistAuthorizationIfNeeded" in script
    for field in ("scheme.password", "scheme.clientSecret", "scheme.token?.refresh_token"):
        assert f"delete {field};" in script


def test_an_app_without_an_openapi_address_is_refused() -> None:
    with pytest.raises(RuntimeError, match="openapi_url"):
        mount_docs(FastAPI(openapi_url=None))


def test_a_missing_package_is_named_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "_PACKAGE", "no_such_package")
    with pytest.raises(RuntimeError, match="needs the package no-such-package"):
        mount_docs(FastAPI(docs_url=None))


@pytest.mark.parametrize("ranges", ["bytes=0-0", "bytes=x", "bytes=9999999-", "lines=1"])
async def test_files_are_served_whole_whatever_part_is_asked_for(
    client: httpx.AsyncClient, ranges: str
) -> None:
    path = "/docs/assets/swagger-ui.css"
    answer = await client.get(path, headers={"Range": ranges})
    assert (answer.status_code, answer.content) == (200, (await client.get(path)).content)
