"""An OpenID provider, and GitHub beside it: as a process of its own, or asked within a test.

It checks what it is sent as a careful provider does, and can be told to misbehave. Who is at the
browser is said by `person`, as JSON, behind the authorization URL.
"""

import base64
import hashlib
import json
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

PATIENCE = 20.0
CLIENT_ID, CLIENT_SECRET = "basalt", "a client's s/e+cret"

Forge = Callable[[dict[str, Any], dict[str, Any], ECKey], str]
"""Writes an ID token from claims and a header."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answers."""

    status: int
    content: Any = None
    location: str | None = None

    @property
    def body(self) -> bytes:
        """The bytes of it."""
        if isinstance(self.content, bytes):
            return self.content
        return b"" if self.content is None else json.dumps(self.content).encode()


def signed(claims: dict[str, Any], header: dict[str, Any], key: ECKey) -> str:
    """Return an ID token as it should be."""
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})


@dataclass(slots=True)
class PlayedProvider:
    """One provider: its keys, the codes that are out, and how it misbehaves."""

    issuer: str
    now: Callable[[], float] = time.time  # noqa: TID251  # the provider's own clock
    forge: Forge = signed
    metadata: dict[str, Any] = field(default_factory=dict)
    """What it says of itself besides what is true."""
    mischief: dict[str, str] = field(default_factory=dict)
    """Paths at which it misbehaves, and how."""
    extra_keys: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    told_in_token: bool = True
    """Whether the ID token tells the address; if not, userinfo does."""
    key: ECKey = field(default_factory=_new_key)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nobody has to be kept waiting any more."""
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rotate(self) -> None:
        """Sign with another key from now on, and forget the one before."""
        self.key = _new_key()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer a request."""
        parts = urlsplit(target)
        path, query = parts.path, dict(parse_qsl(parts.query))
        self.asked.append(path)
        found = self._misbehaviour(self.mischief.get(path))
        if found is not None:
            return found
        if path == "/behave":
            return self._behave(json.loads(body))
        form, bearer = dict(parse_qsl(body.decode())), headers.get("authorization", "")
        answers: dict[str, Callable[[], Answer]] = {
            "GET /.well-known/openid-configuration": self._self_description,
            "GET /authorize": lambda: self._authorized(query, names_itself=True),
            "GET /login/oauth/authorize": lambda: self._authorized(query, names_itself=False),
            "GET /jwks": self._keys,
            "POST /token": lambda: self._exchanged(form, _basic(bearer), is_openid=True),
            "POST /login/oauth/access_token": lambda: self._exchanged(
                form, (form["client_id"], form["client_secret"]), is_openid=False
            ),
        }
        return answers.get(f"{method} {path}", lambda: self._told(path, bearer))()

    def _keys(self) -> Answer:
        public = self.key.as_dict(private=False) | {"use": "sig", "alg": "ES256"}
        return Answer(200, {"keys": [*self.extra_keys, public]})

    def _self_description(self) -> Answer:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return Answer(200, said | self.metadata)

    def _authorized(self, query: dict[str, str], *, names_itself: bool) -> Answer:
        needed = ("client_id", "redirect_uri", "state", "code_challenge")
        is_good = all(query.get(name) for name in needed) and query["client_id"] == CLIENT_ID
        if not is_good or query.get("code_challenge_method") != "S256":
            return Answer(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = {"code": code, "state": query["state"]}
        back |= {"iss": self.issuer} if names_itself else {}
        return Answer(302, location=f"{query['redirect_uri']}?{urlencode(back)}")

    def _exchanged(
        self, form: dict[str, str], client: tuple[str, str], *, is_openid: bool
    ) -> Answer:
        if client != (CLIENT_ID, CLIENT_SECRET):
            return Answer(401, {"error": "invalid_client"})
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or _encoded(digest) != asked["code_challenge"]
        ):
            refusal = "invalid_grant" if is_openid else "bad_verification_code"
            return Answer(400 if is_openid else 200, {"error": refusal})
        person = json.loads(asked["person"])
        access_token = secrets.token_urlsafe(16)
        self.tokens[access_token] = person
        answer = {"access_token": access_token, "token_type": "bearer"}
        if is_openid:
            answer["id_token"] = self._id_token(person, access_token, asked["nonce"])
        return Answer(200, answer)

    def _id_token(self, person: dict[str, Any], access_token: str, nonce: str) -> str:
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        told = person if self.told_in_token else {"sub": person["sub"]}
        claims = told | {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "exp": int(self.now()) + 300,
            "iat": int(self.now()),
            "nonce": nonce,
            "at_hash": _encoded(half),
        }
        return self.forge(claims, {"alg": "ES256", "kid": self.key.kid}, self.key)

    def _told(self, path: str, authorization: str) -> Answer:
        person = self.tokens.get(authorization.removeprefix("Bearer "))
        if person is None:
            return Answer(401 if authorization else 404, {})
        if path == "/userinfo":
            return Answer(200, person | self.metadata.get("userinfo", {}))
        if path == "/api/v3/user":
            return Answer(200, {"id": person["sub"], "login": "ada", "name": None})
        entry = {"email": person["email"], "verified": person["email_verified"], "primary": True}
        other = {"email": "old@example.com", "verified": True, "primary": False}
        return Answer(200, [other, entry])

    def _behave(self, wanted: dict[str, Any]) -> Answer:
        if wanted.pop("rotate", False):
            self.rotate()
        self.metadata = wanted.get("metadata", {})
        self.mischief = wanted.get("mischief", {})
        return Answer(200, {})

    def _misbehaviour(self, kind: str | None) -> Answer | None:
        return {
            "broken": Answer(500, {"error": "secret internals"}),
            "huge": Answer(200, b'{"a": "' + b"x" * 131_072 + b'"}'),
            "nonsense": Answer(200, b"<html>"),
            "deep": Answer(200, b"[" * 100_000),
            "elsewhere": Answer(302, location=f"{self.issuer}/jwks"),
        }.get(kind or "")


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _basic(authorization: str) -> tuple[str, str]:
    """Return who the client says it is, decoded as RFC 6749 §2.3.1 has it."""
    sent = authorization.removeprefix("Basic ")
    id, _, secret = base64.b64decode(sent).decode().partition(":")
    return unquote_plus(id), unquote_plus(secret)


def returned(client: httpx.Client, url: str, person: dict[str, Any]) -> dict[str, str]:
    """Do as the browser of somebody at the provider: return what it brings back."""
    answer = client.get(url, params={**dict(httpx.URL(url).params), "person": json.dumps(person)})
    assert answer.status_code == httpx.codes.FOUND, answer.text
    return dict(httpx.URL(answer.headers["location"]).params)


class ProviderProcess:
    """Runs the provider; its port stays when it is stopped."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; return once it does."""
        words = [sys.executable, "-m", "tests.provider", str(self.port)]
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            words, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """Refuse everybody from now on."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def behave(self, **wanted: Any) -> None:
        """Rotate the keys, say something else of oneself, or misbehave at some paths."""
        answer = httpx.post(f"{self.issuer}/behave", json=wanted, timeout=PATIENCE)
        assert answer.status_code == httpx.codes.OK


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # or whoever comes in a crowd is let in a second later


def listening(played: PlayedProvider, port: int = 0) -> ThreadingHTTPServer:
    """Return a server for a provider, which is still to be run; its issuer is where it listens."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if played.mischief.get(urlsplit(self.path).path) == "slow":
                played.over.wait(PATIENCE)
            with lock:
                answer = played.answer(self.command, self.path, headers, body)
            with suppress(OSError):  # whoever asked may have had enough
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            if answer.location:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815  # the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", port), Handler)
    played.issuer = f"http://127.0.0.1:{server.server_port}"
    return server


@contextmanager
def at_hand() -> Iterator[PlayedProvider]:
    """Run a provider in threads of this process."""
    played = PlayedProvider("")
    with listening(played) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield played
        finally:
            played.over.set()
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with listening(PlayedProvider(""), int(sys.argv[1])) as running:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        running.serve_forever()
