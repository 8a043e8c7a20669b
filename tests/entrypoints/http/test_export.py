"""Proves that one gets all that is held about oneself, and nobody else's, however much it is."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from application.exporting import AT_ONCE, Part
from domain.access import Person as Somebody
from domain.access import UserId
from domain.errors import Unavailable
from domain.item import DESCRIPTION_MAX, Item, ItemDraft, ItemId
from entrypoints.http import excerpts
from entrypoints.http.export import ExportAnswer
from tests.entrypoints.http.api import EVERY_DATABASE, Api, Person, Start, told
from tests.entrypoints.http.authenticator import challenge, protect

EXPORT = "/v1/users/me/export"
MIB = 1024 * 1024


async def exported(person: Person) -> dict[str, Any]:
    answer = await person.http.get(EXPORT)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    ExportAnswer.model_validate_json(answer.content)
    return found


async def fill(api: Api, person: Person, count: int, description: str = "") -> None:
    """Give somebody many items at once."""
    owner = UserId(UUID(await person.id()))

    def add() -> None:
        house = api.container
        draft = ItemDraft(title="Lamp oil", description=description, tags=(), attributes={})
        with house.unit_of_work()() as work:
            for _ in range(count):
                item = Item.create(
                    id=ItemId(house.ids()()), owner_id=owner, draft=draft, now=house.clock()()
                )
                work.items.add(item)
            work.commit()

    await asyncio.to_thread(add)


@EVERY_DATABASE
async def test_everything_is_in_it_and_nobody_elses(api: Api, ada: Person, bob: Person) -> None:
    mine, theirs = await ada.item("Mine"), await bob.item("Theirs")
    for person, item, other in ((ada, mine, bob), (bob, theirs, ada)):
        grant = {"email": other.email, "role": "viewer"}
        await person.http.post(f"/v1/items/{item['id']}/grants", json=grant)
    await ada.http.post("/v1/users/me/keys", json={"name": "nightly", "scopes": ["items:read"]})
    await ada.http.post("/v1/users/me/email-verification")
    await protect(api, ada)
    await protect(api, bob)
    await challenge(api, ada.email, scope="items:read account:read")
    await challenge(api, bob.email, scope="account:read")
    found = await exported(ada)
    assert list(found) == ["exported_at", "user", "second_factor", *Part]
    assert found["user"] == (await ada.http.get("/v1/users/me")).json()
    assert found["second_factor"] == (await ada.http.get("/v1/users/me/second-factor")).json()
    assert found["sessions"] == (await ada.http.get("/v1/auth/sessions")).json()["data"]
    assert found["keys"] == (await ada.http.get("/v1/users/me/keys")).json()["data"]
    assert found["items"] == [(await ada.http.get(f"/v1/items/{mine['id']}")).json()]
    (given,), (received,) = found["grants_given"], found["grants_received"]
    assert (given["item_id"], given["user_id"], given["display_name"]) == (
        mine["id"],
        await bob.id(),
        "Bob",
    )
    assert (received["item_id"], received["role"]) == (theirs["id"], "viewer")
    assert {link["topic"] for link in found["links"]} == {"verification"}
    (waiting,) = found["waiting_sign_ins"]
    assert waiting["scopes"] == ["account:read", "items:read"]
    activity = (await ada.http.get("/v1/users/me/activity?limit=100")).json()["data"]
    assert found["activity"] == activity
    assert activity[0]["action"] == "account.exported"
    assert "Theirs" not in json.dumps(found)
    assert bob.email not in json.dumps(found)


async def test_a_mail_that_waits_is_in_it(start: Start) -> None:
    async with start(smtp_url="smtp://127.0.0.1:9") as api:
        ada = await api.join("ada")
        await ada.http.post("/v1/users/me/email-verification")
        (mail,) = (await exported(ada))["mails"]
        assert (mail["topic"], mail["to"]) == ("verification", ada.email)


@pytest.mark.parametrize("count", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE])
async def test_pages_meet_without_a_gap(api: Api, ada: Person, count: int) -> None:
    await fill(api, ada, count)
    items = (await exported(ada))["items"]
    assert len({item["id"] for item in items}) == len(items) == count


async def test_it_is_a_file_to_keep(ada: Person) -> None:
    answer = await ada.http.get(EXPORT)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="basalt-export.json"'
    assert "Content-Length" not in answer.headers
    answer = await ada.http.head(EXPORT)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


async def test_it_takes_the_user_in_person_with_both_scopes(api: Api, ada: Person) -> None:
    scopes = {"name": "all", "scopes": ada.tokens["scope"].split()}
    key = (await ada.http.post("/v1/users/me/keys", json=scopes)).json()["key"]
    assert told(await (await api.bearer(key)).get(EXPORT)) == (403, "FORBIDDEN")
    for scope in ("account:read", "items:read"):
        narrow = await api.sign_in(ada.email, scope=scope)
        assert told(await narrow.http.get(EXPORT)) == (403, "INSUFFICIENT_SCOPE")
    both = await api.sign_in(ada.email, scope="account:read items:read")
    assert (await both.http.get(EXPORT)).status_code == 200


async def test_ten_an_hour_are_enough(start: Start) -> None:
    async with start(rate_limits=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        answers = [(await ada.http.get(EXPORT)).status_code for _ in range(11)]
        assert answers == [200] * 10 + [429]
        assert (await bob.http.get(EXPORT)).status_code == 200


@dataclass
class Transfer:
    """What a server was given to send, and whether it was told that this is all."""

    size: int = 0
    largest: int = 0
    text: str = ""
    is_whole: bool = False


async def transferred(api: Api, person: Person, *, keep: bool = True) -> Transfer:
    """Get an export as a server would pass it on: one that breaks off is none to the client."""
    transfer = Transfer()

    async def passing(scope: Scope, receive: Receive, send: Send) -> None:
        async def pass_on(message: Message) -> None:
            if "body" in message:
                transfer.size += len(message["body"])
                transfer.largest = max(transfer.largest, len(message["body"]))
                transfer.text += message["body"].decode() if keep else ""
                transfer.is_whole = not message.get("more_body", False)
                message = {**message, "body": b""}
            await send(message)

        await api.app(scope, receive, pass_on)
        if not transfer.is_whole:
            await send({"type": "http.response.body"})

    headers = {"Authorization": f"Bearer {person.tokens['access_token']}"}
    transport = httpx.ASGITransport(passing)
    async with httpx.AsyncClient(transport=transport, headers=headers) as client:
        answer = await client.get(f"http://basalt.test{EXPORT}")
    assert answer.status_code == 200
    return transfer


@contextmanager
def failing(api: Api, fails: Callable[[Somebody, int], None]) -> Iterator[None]:
    """Let something happen before each page of items, which are counted from 1 on."""
    read_part, pages = api.container.read_part(), count(1)

    def read(caller: Somebody, part: Part, behind: object = None, at_most: int = AT_ONCE) -> object:
        if part is Part.ITEMS:
            fails(caller, next(pages))
        return read_part(caller, part, behind, at_most)

    with api.container.read_part.override(read):
        yield


async def test_it_ends_with_the_session_and_nobody_takes_it_for_the_whole(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(api, ada, 3 * AT_ONCE)

    def sign_out(caller: Somebody, page: int) -> None:
        if page == 2:
            api.container.sign_out()(caller)

    with failing(api, sign_out):
        transfer = await transferred(api, ada)
    assert not transfer.is_whole
    assert 0 < transfer.text.count('"title"') <= AT_ONCE
    with pytest.raises(json.JSONDecodeError):
        json.loads(transfer.text)
    (said,) = [each for each in caplog.records if each.message == "answer broken off"]
    assert vars(said)["cause"] == "TOKEN_REVOKED"
    assert said.exc_info is None


@pytest.mark.parametrize("times", [len(excerpts.PAUSES), len(excerpts.PAUSES) + 1])
async def test_a_store_that_is_unavailable_is_asked_a_few_times_more(
    api: Api,
    ada: Person,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(excerpts, "PAUSES", [0.0] * len(excerpts.PAUSES))
    await fill(api, ada, AT_ONCE)

    def be_away(_: Somebody, page: int) -> None:
        if 1 < page <= 1 + times:
            raise Unavailable("SQLITE_BUSY")

    with failing(api, be_away):
        transfer = await transferred(api, ada)
    causes = [vars(each).get("cause") for each in caplog.records if "broken" in each.message]
    assert transfer.is_whole == (times == len(excerpts.PAUSES))
    assert causes == ([] if transfer.is_whole else ["SQLITE_BUSY"])
    if transfer.is_whole:
        assert len(json.loads(transfer.text)["items"]) == AT_ONCE


async def test_five_thousand_items_take_no_more_memory_than_a_page(api: Api, ada: Person) -> None:
    """What the service holds while it sends them is a few pages, and never the document."""
    await fill(api, ada, 5000, "x" * 2000)
    tracemalloc.start()
    try:
        transfer = await transferred(api, ada, keep=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert transfer.size > 10 * MIB
    assert peak < 4 * MIB


@pytest.mark.parametrize("description", ["", "x" * 2000, "\U0001f525" * DESCRIPTION_MAX])
async def test_what_waits_for_a_client_is_small_however_large_the_items_are(
    api: Api, ada: Person, description: str
) -> None:
    """Small ones first, so that as many of the large ones are read at once as ever."""
    await fill(api, ada, 2 * AT_ONCE)
    await fill(api, ada, AT_ONCE + 1, description)
    transfer = await transferred(api, ada)
    assert len(json.loads(transfer.text)["items"]) == 3 * AT_ONCE + 1
    assert transfer.largest < excerpts.ROOM + len(description.encode()) + 1000


async def test_a_page_is_held_by_nothing_else_while_a_client_takes_its_time(
    api: Api, ada: Person
) -> None:
    """Of the largest items it was a page of them, as entities, as texts and as one text."""
    await fill(api, ada, AT_ONCE, "\U0001f525" * DESCRIPTION_MAX)
    holds = list[int]()

    async def stalling(scope: Scope, receive: Receive, send: Send) -> None:
        async def stall(message: Message) -> None:
            if len(message.get("body", b"")) > excerpts.ROOM:
                holds.append(tracemalloc.get_traced_memory()[0])
            await send({**message, "body": b""} if "body" in message else message)

        await api.app(scope, receive, stall)

    headers = {"Authorization": f"Bearer {ada.tokens['access_token']}"}
    transport = httpx.ASGITransport(stalling)
    async with httpx.AsyncClient(transport=transport, headers=headers) as client:
        await client.get(f"http://basalt.test{EXPORT}")  # what is made once, is made
        tracemalloc.start()
        try:
            holds.clear()
            await client.get(f"http://basalt.test{EXPORT}")
        finally:
            tracemalloc.stop()
    assert len(holds) >= AT_ONCE // 3
    assert max(holds) < MIB
