"""Writers that know, request by request, what the service has told them is stored.

Each has an account of its own and does one thing at a time. So whenever everything stops, what
is stored must be exactly what was acknowledged, or that and the one request without an answer.
"""

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.black_box.server import PASSWORD, Server, Tokens, refreshed, sign_in, sign_up, tokens_of

ITEMS_MAX = 30
"""Items that a writer keeps: beyond these it removes more than it adds."""

LOOKS = 3
"""Items that are looked for by their words and tags, of each writer after each crash."""

ENDED_MAX = 3
"""Sessions that a writer remembers to have ended."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What must be true of one item; its title is its name, and never changes."""

    version: int
    words: str
    is_shared: bool = False


Shelf = Mapping[str, Kept]
"""All items of a writer, by their titles."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request, what it is answered with, and what the shelf is like once it is done."""

    method: str
    path: str
    status: int
    after: Shelf
    body: object = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    learn: Callable[[httpx.Response], None] = lambda _: None

    @property
    def is_keyed(self) -> bool:
        """Whether it may be repeated without being done twice."""
        return "Idempotency-Key" in self.headers

    def send(self, client: httpx.Client) -> httpx.Response:
        """Ask for it."""
        form = None if self.form is None else dict(self.form)
        return client.request(
            self.method, self.path, json=self.body, data=form, headers=dict(self.headers)
        )


class Replica:
    """A copy of somebody's view that follows the change feed, as a phone would."""

    def __init__(self) -> None:
        self._since: str | None = None
        self._items: dict[str, Any] = {}

    def check(self, client: httpx.Client) -> None:
        """Catch up; then the copy must be what the list shows, and no item have come twice."""
        came: list[str] = []
        has_more = True
        while has_more:
            known = {} if self._since is None else {"since": self._since}
            page = _ok(client.get("/v1/items/changes", params={"limit": "100"} | known))
            for change in page["data"]:
                came.append(change["id"])
                self._items.pop(change["id"], None)
                if change["type"] == "put":
                    self._items[change["id"]] = change["item"]
            has_more, self._since = page["has_more"], page["next_cursor"]
        assert len(came) == len(set(came)), "the feed tells of an item twice"
        assert self._items == {item["id"]: item for item in listed(client)}, (
            "the feed and the list differ"
        )


class Friend:
    """The account with whom all writers share."""

    email = "friend@example.com"

    def __init__(self, server: Server) -> None:
        self._tokens = sign_up(server, self.email)
        self.id = _id_of(server, self._tokens)
        self._replica = Replica()

    def check(self, server: Server) -> set[tuple[str, str]]:
        """Return the owner and the title of everything that is shared with this account."""
        with server.client() as nobody:
            self._tokens = refreshed(nobody, self._tokens)
        with server.client(self._tokens.access) as client:
            self._replica.check(client)
            return {(item["owner_id"], item["title"]) for item in listed(client, access="shared")}


class Writer:
    """Does this and that until no answer comes, and remembers every one that came."""

    def __init__(self, number: int, server: Server, friend: Friend, seed: int) -> None:
        self.acknowledged = 0
        self.shelf: Shelf = {}
        self._friend = friend
        self._chance = random.Random(f"{seed} {number}")
        self._number = number
        self._names = iter(range(10**9))
        self._ids: dict[str, str] = {}
        self._tokens = sign_up(server, f"writer{number}@example.com")
        self._id = _id_of(server, self._tokens)
        self._visit: Tokens | None = None
        self._ended: list[Tokens] = []
        self._newcomers: list[str] = []
        self._unanswered: Step | None = None
        self._repeatable: tuple[Step, Any] | None = None
        self._replica = Replica()
        self._failure: BaseException | None = None

    def begin(self, server: Server) -> None:
        """Work in a thread until the service is gone, or says that it cannot."""
        self._thread = threading.Thread(target=self._run, args=[server])
        self._thread.start()

    def end(self) -> None:
        """Wait for the last answer. Raises what went wrong before."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self, server: Server) -> None:
        try:
            with server.client(self._tokens.access) as client:
                while self._is_answered(client, self._next_step()):
                    client.headers["Authorization"] = f"Bearer {self._tokens.access}"
        except BaseException as failure:  # noqa: BLE001  # whoever waits for the end is told
            self._failure = failure

    def _is_answered(self, client: httpx.Client, step: Step) -> bool:
        self._unanswered = step
        try:
            answer = step.send(client)
        except httpx.TransportError:
            return False
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return False  # it may be done all the same
        assert answer.status_code == step.status, f"{step.method} {step.path}: {answer.text}"
        self.acknowledged += 1
        self._unanswered = None
        self._done(step, answer)
        return True

    def _done(self, step: Step, answer: httpx.Response) -> None:
        self.shelf = step.after
        step.learn(answer)
        if step.is_keyed:
            self._repeatable = step, answer.json()

    # ----------------------------------------------------------------------- what it does

    def _next_step(self) -> Step:
        kinds: dict[Callable[[], Step], int] = {self._creating: 4, self._signing_up: 1}
        kinds |= {self._refreshing: 2, self._visiting: 2}
        if len(self.shelf) > 3:  # a batch takes two
            more = len(self.shelf) > ITEMS_MAX
            kinds |= {self._editing: 5, self._batch: 3, self._deleting: 9 if more else 2}
            kinds |= {self._sharing: 3}
        (step,) = self._chance.choices(list(kinds), list(kinds.values()))
        return step()

    def _draft(self) -> tuple[str, Kept]:
        return f"w{self._number}n{next(self._names)}", Kept(version=1, words=self._words())

    def _words(self) -> str:
        return f"lamp {uuid.uuid4().hex}"

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": uuid.uuid4().hex}

    def _creating(self) -> Step:
        title, item = self._draft()

        def learn(answer: httpx.Response) -> None:
            self._ids[title] = answer.json()["id"]

        key = self._key() if self._chance.random() < 0.5 else {}  # every other one
        after = {**self.shelf, title: item}
        body = _contents(title, item)
        return Step("POST", "/v1/items", 201, after, body, headers=key, learn=learn)

    def _editing(self) -> Step:
        (title,) = self._some(1)
        before = self.shelf[title]
        item = replace(before, version=before.version + 1, words=self._words())
        return Step(
            "PATCH",
            self._path(title),
            200,
            {**self.shelf, title: item},
            {"description": item.words},
            headers={"If-Match": f'"{before.version}-owner"'},
        )

    def _deleting(self) -> Step:
        (title,) = self._some(1)
        return Step("DELETE", self._path(title), 204, _without(self.shelf, title))

    def _batch(self) -> Step:
        edited, deleted = self._some(2)
        drafts = dict([self._draft(), self._draft()])
        before = self.shelf[edited]
        item = replace(before, version=before.version + 1, words=self._words())
        operations: list[dict[str, object]] = [
            {"op": "create", "item": _contents(title, draft)} for title, draft in drafts.items()
        ]
        operations += [
            {"op": "update", "id": self._ids[edited], "item": {"description": item.words}},
            {"op": "delete", "id": self._ids[deleted]},
        ]

        def learn(answer: httpx.Response) -> None:
            made = answer.json()["data"][: len(drafts)]
            for title, outcome in zip(drafts, made, strict=True):
                self._ids[title] = outcome["item"]["id"]

        after = {**_without(self.shelf, deleted), **drafts, edited: item}
        body = {"operations": operations}
        return Step("POST", "/v1/items/batch", 200, after, body, headers=self._key(), learn=learn)

    def _sharing(self) -> Step:
        (title,) = self._some(1)
        item, path = self.shelf[title], f"{self._path(title)}/grants"
        after = {**self.shelf, title: replace(item, is_shared=not item.is_shared)}
        if item.is_shared:
            return Step("DELETE", f"{path}/{self._friend.id}", 204, after)
        body = {"email": self._friend.email, "role": "viewer"}
        return Step("POST", path, 201, after, body, headers=self._key())

    def _refreshing(self) -> Step:
        def learn(answer: httpx.Response) -> None:
            self._tokens = tokens_of(answer)

        form = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh}
        return Step("POST", "/v1/auth/token", 200, self.shelf, form=form, learn=learn)

    def _visiting(self) -> Step:
        """Sign in once more, or end that session by its refresh token."""
        if self._visit is None:
            return self._signing_in()
        visit = self._visit

        def learn(_: httpx.Response) -> None:
            self._ended = [*self._ended[1 - ENDED_MAX :], visit]
            self._visit = None

        return Step(
            "POST", "/v1/auth/revoke", 200, self.shelf, form={"token": visit.refresh}, learn=learn
        )

    def _signing_in(self) -> Step:
        def learn(answer: httpx.Response) -> None:
            self._visit = tokens_of(answer)

        email = f"writer{self._number}@example.com"
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        return Step("POST", "/v1/auth/token", 200, self.shelf, form=form, learn=learn)

    def _signing_up(self) -> Step:
        email = f"newcomer{self._number}.{next(self._names)}@example.com"
        body = {"email": email, "password": PASSWORD}
        return Step(
            "POST",
            "/v1/users",
            201,
            self.shelf,
            body,
            learn=lambda _: self._newcomers.append(email),
        )

    def _some(self, count: int) -> list[str]:
        return self._chance.sample(sorted(self.shelf), count)

    def _path(self, title: str) -> str:
        return f"/v1/items/{self._ids[title]}"

    # ----------------------------------------------------------------------- what must be there

    def check(self, server: Server, shared: set[tuple[str, str]]) -> None:
        """Compare what is stored with what was acknowledged. Raises AssertionError.

        `shared` is what the friend sees, by owner and title.
        """
        with server.client() as nobody:
            self._check_sessions(nobody)
            self._check_newcomers(nobody)
        with server.client(self._tokens.access) as client:
            titles = {title for owner, title in shared if owner == self._id}
            self._check_shelf(client, titles)
            self._check_replays(client)
            self._replica.check(client)
            self._check_searches(client)

    def _check_sessions(self, nobody: httpx.Client) -> None:
        """The last acknowledged token is good, or forgiven; what was ended stays so."""
        before, self._tokens = self._tokens, refreshed(nobody, self._tokens)
        for tokens in (before, self._tokens):
            assert _is_alive(nobody, tokens), "a session was lost"
        for tokens in self._ended:
            assert not _is_alive(nobody, tokens), "a session that was ended lives"
            form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
            assert nobody.post("/v1/auth/token", data=form).status_code == httpx.codes.UNAUTHORIZED
        if self._visit is not None and not _is_alive(nobody, self._visit):
            step = self._unanswered
            assert step is not None, "a session was lost"
            assert step.path == "/v1/auth/revoke", "a session was lost"
            self._visit = None

    def _check_newcomers(self, nobody: httpx.Client) -> None:
        """Accounts since the last crash are whole: they sign in, and the trail knows both."""
        for email in self._newcomers:
            tokens = sign_in(nobody, email)
            asked = {"Authorization": f"Bearer {tokens.access}"}
            trail = _ok(nobody.get("/v1/users/me/activity", headers=asked))["data"]
            assert [one["action"] for one in trail] == ["session.started", "account.created"]
        self._newcomers.clear()

    def _check_shelf(self, client: httpx.Client, shared: set[str]) -> None:
        """What is stored is the shelf, or the shelf after the one request without an answer."""
        items = {item["title"]: item for item in listed(client, access="owned")}
        self._ids = {title: item["id"] for title, item in items.items()}
        seen = {
            title: Kept(item["version"], item["description"], title in shared)
            for title, item in items.items()
        }
        assert all(item["tags"] == [title] for title, item in items.items())
        step, self._unanswered = self._unanswered, None
        is_done = step is not None and seen == step.after
        assert is_done or seen == self.shelf, _difference(self.shelf, seen, step)
        self.shelf = seen
        if step is not None and step.is_keyed:
            self._repeat(client, step, is_done=is_done)

    def _repeat(self, client: httpx.Client, step: Step, *, is_done: bool) -> None:
        """Whoever heard no answer sends the same again: it is done by now, and not twice."""
        answer = step.send(client)
        assert answer.status_code == step.status, answer.text
        assert ("Idempotent-Replayed" in answer.headers) is is_done, "done twice, or never"
        self._done(step, answer)

    def _check_replays(self, client: httpx.Client) -> None:
        """What was answered once is answered so again."""
        if self._repeatable is not None:
            step, first = self._repeatable
            answer = step.send(client)
            assert answer.status_code == step.status, answer.text
            assert answer.headers["Idempotent-Replayed"] == "true"
            assert answer.json() == first

    def _check_searches(self, client: httpx.Client) -> None:
        """Items are found by their words and tags, and by these only."""
        for title in self._chance.sample(sorted(self.shelf), min(LOOKS, len(self.shelf))):
            for sought in ({"q": self.shelf[title].words}, {"tag": title}):
                found = _ok(client.get("/v1/items", params=sought))["data"]
                assert [item["title"] for item in found] == [title], f"{sought} finds {found}"
        assert _ok(client.get("/v1/items", params={"q": self._words()}))["data"] == []


def listed(client: httpx.Client, **wanted: str) -> Iterator[Any]:
    """Go through a whole list."""
    cursor: dict[str, str] = {}
    while True:
        page = _ok(client.get("/v1/items", params={"limit": "100"} | wanted | cursor))
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _id_of(server: Server, tokens: Tokens) -> str:
    with server.client(tokens.access) as client:
        id: str = _ok(client.get("/v1/users/me"))["id"]
    return id


def _contents(title: str, item: Kept) -> dict[str, object]:
    return {"title": title, "description": item.words, "tags": [title]}


def _without(shelf: Shelf, title: str) -> dict[str, Kept]:
    return {name: item for name, item in shelf.items() if name != title}


def _difference(shelf: Shelf, seen: Shelf, step: Step | None) -> str:
    names = sorted(shelf.keys() | seen.keys())
    told = [
        f"{name}: acknowledged {shelf.get(name)}, stored {seen.get(name)}"
        for name in names
        if shelf.get(name) != seen.get(name)
    ]
    asked = "nothing" if step is None else f"{step.method} {step.path} {step.body}"
    return "\n".join([f"lost, or half done; without an answer: {asked}", *told])


def _is_alive(nobody: httpx.Client, tokens: Tokens) -> bool:
    asked = {"Authorization": f"Bearer {tokens.access}"}
    answer = nobody.get("/v1/users/me", headers=asked)
    assert answer.status_code in {httpx.codes.OK, httpx.codes.UNAUTHORIZED}, answer.text
    return answer.status_code == httpx.codes.OK


def _ok(answer: httpx.Response) -> Any:
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()
