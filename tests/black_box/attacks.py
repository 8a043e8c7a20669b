"""Bad input, byte by byte: each attack, and what the service must say to it.

`kind` is the class of the attack; docs/security.md counts them by it.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

NO_REQUEST = (400, "MALFORMED_REQUEST")
"""What is said to bytes that are no request; the connection then ends."""

TOKEN = "{token}"
"""Stands for a good access token of a member."""

NOWHERE = "019ab1f3-04aa-7c55-b0de-6c1f2a3b4c5d"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"
UNREAD = (415, "UNSUPPORTED_MEDIA_TYPE")
UNPARSED = (400, "MALFORMED_REQUEST")
INVALID = (422, "VALIDATION_ERROR")
TOO_LARGE = (413, "PAYLOAD_TOO_LARGE")
NOT_FOUND = (404, "NOT_FOUND")
NO_METHOD = (405, "METHOD_NOT_ALLOWED")
TOO_LITTLE = (403, "INSUFFICIENT_SCOPE")
NOBODY = (401, "UNAUTHENTICATED")
BAD_TOKEN = (401, "INVALID_TOKEN")


@dataclass(frozen=True, slots=True)
class Attack:
    """Bytes, and the status and code that they must get; no code means that they do no harm."""

    kind: str
    what: str
    sent: bytes
    answer: tuple[int, str | None]


def request(
    line: str, *headers: str, body: bytes | None = None, host: str | None = "x", caller: bool = True
) -> bytes:
    """Return a request with this line and these headers besides the ones that it needs."""
    lines = [f"{line} HTTP/1.1"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"Authorization: Bearer {TOKEN}"] if caller else []
    lines += headers
    lines += [] if body is None else [f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def item(body: bytes, *headers: str) -> bytes:
    """Return the request to create an item of these bytes."""
    return request("POST /v1/items", *(headers or (JSON,)), body=body)


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return the request to create an item, whose body comes in these pieces as they are."""
    return request("POST /v1/items", JSON, CHUNKED) + b"".join(parts) + end


def chunk(part: bytes) -> bytes:
    """Return a chunk as it should be."""
    return b"%x\r\n%b\r\n" % (len(part), part)


GOOD = b'{"title": "Lamp oil"}'


def attacks() -> Iterator[Attack]:
    """Yield every attack."""
    for kind, family in FAMILIES.items():
        for what, sent, answer in family():
            yield Attack(kind, what, sent, answer)


Family = Iterator[tuple[str, bytes, tuple[int, str | None]]]


# -------------------------------------------------------------------------------------- values
def text_that_is_none() -> Family:
    """NUL, lone surrogates and bytes that are no UTF-8, wherever text can stand."""
    for name, escape, raw in (
        ("NUL", rb"\u0000", b"\x00"),
        ("a high surrogate", rb"\ud800", b"\xed\xa0\x80"),
        ("a low surrogate", rb"x\udfffx", b"\xed\xbf\xbf"),
    ):
        for place, body in (
            ("a title", b'{"title": "%b"}'),
            ("a description", b'{"title": "x", "description": "%b"}'),
            ("a tag", b'{"title": "x", "tags": ["%b"]}'),
            ("an attribute", b'{"title": "x", "attributes": {"a": ["%b"]}}'),
            ("a key", b'{"title": "x", "attributes": {"%b": 1}}'),
            ("an unknown field", b'{"title": "x", "%b": 1}'),
        ):
            yield f"{name}, escaped, in {place}", item(body % escape), INVALID
            yield f"{name}, raw, in {place}", item(body % raw), UNPARSED
        account = b'{"email": "a%b@example.com", "password": "an orchard of quiet lamps"}' % escape
        yield f"{name} in an address", request("POST /v1/users", JSON, body=account), INVALID
        account = b'{"email": "a@example.com", "password": "an orchard of %b lamps"}' % escape
        weak = (422, "WEAK_PASSWORD")
        yield f"{name} in a password", request("POST /v1/users", JSON, body=account), weak
        quoted = "".join(f"%{byte:02X}" for byte in raw)
        for path in (f"/v1/items/{quoted}", f"/v1/items/{quoted}/grants", f"/v1/items/x{quoted}"):
            yield f"{name} in {path}", request(f"GET {path}"), INVALID
        yield f"{name} in an unknown path", request(f"GET /{quoted}"), NOT_FOUND
        yield f"{name} in a search", request(f"GET /v1/items?q={quoted}"), INVALID
        yield f"{name} in a tag to look for", request(f"GET /v1/items?tag={quoted}"), INVALID
        yield f"{name} in an id to look for", request(f"GET /v1/items?owner_id={quoted}"), INVALID
        yield f"{name} in a parameter's name", request(f"GET /v1/items?{quoted}=1"), INVALID
    cursor = (400, "INVALID_CURSOR")
    yield "NUL in a cursor", request("GET /v1/items?cursor=%00"), cursor
    yield "NUL in the cursor of a feed", request("GET /v1/items/changes?since=%00"), cursor
    for name, raw in (
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong NUL", b"\xc0\x80"),
        ("half a character", b"\xe2\x82"),
        ("a byte beyond UTF-8", b"\xff"),
        ("a character beyond Unicode", b"\xf4\x90\x80\x80"),
        ("UTF-16's mark", b"\xfe\xff"),
    ):
        yield name, item(b'{"title": "%b"}' % raw), UNPARSED
        quoted = "".join(f"%{byte:02x}" for byte in raw)
        yield f"{name} in a search", request(f"GET /v1/items?q={quoted}"), INVALID
        form = f"grant_type=password&username={quoted}&password=x".encode()
        yield f"{name} in a form", request("POST /v1/auth/token", FORM, body=form), UNPARSED
    yield "a byte order mark", item(b"\xef\xbb\xbf" + GOOD), UNPARSED
    yield "UTF-16", item(GOOD.decode().encode("utf-16")), UNPARSED
    yield "UTF-32", item(GOOD.decode().encode("utf-32")), UNPARSED
    form = b"grant_type=password&username=%00&password=%00"
    wrong = (401, "INVALID_CREDENTIALS")
    yield "NUL in a sign-in", request("POST /v1/auth/token", FORM, body=form), wrong
    form = b"grant_type=refresh_token&refresh_token=%00"
    yield (
        "NUL in a refresh token",
        request("POST /v1/auth/token", FORM, body=form),
        (
            401,
            "INVALID_REFRESH_TOKEN",
        ),
    )
    yield (
        "NUL in a token to revoke",
        request("POST /v1/auth/revoke", FORM, body=b"token=%00"),
        (
            200,
            None,
        ),
    )
    yield (
        "a half escape in a form",
        request("POST /v1/auth/revoke", FORM, body=b"token=%2"),
        (UNPARSED),
    )


def numbers() -> Family:
    """Numbers that are none, and numbers beyond every column."""
    for number in (b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x1", b"1_0"):
        body = b'{"title": "x", "attributes": {"n": %b}}' % number
        yield f"{number.decode()} in attributes", item(body), UNPARSED
    for name, number in (
        ("1e400", b"1e400"),
        ("-1e400", b"-1e400"),
        ("4,301 digits", b"9" * 4301),
        ("100,000 digits", b"9" * 100_000),
        ("a million digits", b"9" * 1_000_000),
    ):
        yield name, item(b'{"title": "x", "attributes": {"n": %b}}' % number), INVALID
    for value in ("1", "1.0", "true", "null", "[]", "{}"):
        yield f"{value} for a title", item(f'{{"title": {value}}}'.encode()), INVALID
    for value in ('"x"', "1", "{}", "[1]", "[null]", '{"0": "x"}'):
        body = f'{{"title": "x", "tags": {value}}}'.encode()
        yield f"{value} for tags", item(body), INVALID
    for value in ('"{}"', "[]", "1", "null", "true"):
        body = f'{{"title": "x", "attributes": {value}}}'.encode()
        yield f"{value} for attributes", item(body), INVALID
    for value in (
        "0", "-1", "101", "2147483648", "9223372036854775808", "9" * 5000, "1e1", "1.5", "0x10",
        "NaN", "", "%20", "true", "1%00", "%D9%A3", "1,2",
    ):  # fmt: skip
        yield f"limit={value[:30]}", request(f"GET /v1/items?limit={value}"), INVALID
    for value in ("9223372036854775808", "-1", "AAAA", "%2e%2e%2f", "x" * 5000):
        asked = request(f"GET /v1/items/changes?since={value}")
        yield f"since={value[:30]}", asked, (400, "INVALID_CURSOR")


def shapes() -> Family:
    """JSON that is too deep, too wide or too long."""
    deep = 100_000
    yield "100,000 lists", item(b"[" * deep), UNPARSED
    yield "100,000 lists that end", item(b"[" * deep + b"]" * deep), UNPARSED
    yield "100,000 objects", item(b'{"a":' * deep + b"1" + b"}" * deep), UNPARSED
    for levels in (8, 100, 900):
        nested = b"[" * levels + b"]" * levels
        body = b'{"title": "x", "attributes": {"a": %b}}' % nested
        yield f"{levels} levels in attributes", item(body), INVALID
        yield f"{levels} levels for a title", item(b'{"title": %b}' % nested), INVALID
    keys = b",".join(b'"k%d":1' % number for number in range(60_000))
    yield "60,000 unknown fields", item(b'{"title": "x", %b}' % keys), INVALID
    yield "60,000 attributes", item(b'{"title": "x", "attributes": {%b}}' % keys), INVALID
    numbers = b'{"title": "x", "tags": [%b1]}' % (b"1," * 300_000)
    yield "300,000 numbers for tags", item(numbers), INVALID
    yield "300,000 tags", item(b'{"title": "x", "tags": [%b""]}' % (b'"",' * 300_000)), INVALID
    tags = b",".join(b'"t%d"' % number for number in range(100_000))
    yield "100,000 tags, each another", item(b'{"title": "x", "tags": [%b]}' % tags), INVALID
    long = b"x" * 1_000_000
    yield "a megabyte of title", item(b'{"title": "%b"}' % long), INVALID
    yield (
        "a megabyte of white space for a title",
        item(b'{"title": "%b"}' % (b" " * 1_000_000)),
        (INVALID),
    )
    yield "a megabyte of description", item(b'{"title": "x", "description": "%b"}' % long), INVALID
    yield "a megabyte in a tag", item(b'{"title": "x", "tags": ["%b"]}' % long), INVALID
    yield (
        "a megabyte in attributes",
        item(b'{"title": "x", "attributes": {"a": "%b"}}' % long),
        (INVALID),
    )
    account = b'{"email": "%b@example.com", "password": "an orchard of quiet lamps"}' % long
    yield "a megabyte of address", request("POST /v1/users", JSON, body=account), INVALID
    account = b'{"email": "a@example.com", "password": "%b"}' % long
    weak = (422, "WEAK_PASSWORD")
    yield "a megabyte of password", request("POST /v1/users", JSON, body=account), weak
    form = b"grant_type=password&username=ada@example.com&password=" + long
    wrong = (401, "INVALID_CREDENTIALS")
    yield (
        "a megabyte of password to sign in",
        request("POST /v1/auth/token", FORM, body=form),
        (wrong),
    )
    many = b'{"operations": [%b]}' % b",".join([b'{"op": "create"}'] * 101)
    yield "101 operations", request("POST /v1/items/batch", JSON, body=many), INVALID
    wide = b'{"op": "create", %b}' % b",".join(b'"k%d":1' % number for number in range(900))
    many = b'{"operations": [%b]}' % b",".join([wide] * 90)
    yield (
        "90 operations of 900 unknown fields",
        request("POST /v1/items/batch", JSON, body=many),
        (INVALID),
    )
    many = b'{"operations": [%b]}' % b",".join([b"1"] * 200_000)
    yield "200,000 operations", request("POST /v1/items/batch", JSON, body=many), INVALID
    fields = b"&".join(b"f%d=1" % number for number in range(100_000))
    yield "100,000 form fields", request("POST /v1/auth/token", FORM, body=fields), UNPARSED


def grammar() -> Family:
    """JSON and forms that say a thing twice, or nothing."""
    for name, body in (
        ("a key twice", b'{"title": "x", "title": "x"}'),
        ("a key twice, spelt otherwise", rb'{"title": "x", "\u0074itle": "y"}'),
        ("a key twice below", b'{"title": "x", "attributes": {"a": [{"k": 1, "k": 1}]}}'),
        ("nothing", b" "),
        ("half an object", b'{"title": '),
        ("two values", b'{"title": "x"}{"title": "y"}'),
        ("a comment", b'{"title": "x" /* */}'),
        ("a comma too many", b'{"title": "x",}'),
        ("single quotes", b"{'title': 'x'}"),
        ("a control character", b'{"title": "a\nb"}'),
        ("XML", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>'),
    ):
        yield name, item(body), UNPARSED
    for value in (b"null", b"[]", b'"x"', b"1", b"true", b'[{"title": "x"}]'):
        yield f"{value.decode()} for an object", item(value), INVALID
    for form in (b"token=a&token=a", b"token=a&x=1&x=2", b"token=a;token=b&token=c"):
        asked = request("POST /v1/auth/revoke", FORM, body=form)
        yield f"the form {form.decode()}", asked, UNPARSED


def fields() -> Family:
    """Fields and parameters that are not the client's to set, or given twice."""
    for name, value in (
        ("id", f'"{NOWHERE}"'),
        ("owner_id", f'"{NOWHERE}"'),
        ("version", "7"),
        ("access", '"owner"'),
        ("created_at", '"2026-01-01T00:00:00.000000Z"'),
        ("__proto__", "{}"),
        ("__class__", "{}"),
    ):
        yield f"{name} of an item", item(f'{{"title": "x", "{name}": {value}}}'.encode()), INVALID
    for name, value in (
        ("role", '"admin"'),
        ("status", '"active"'),
        ("email_verified", "true"),
        ("scopes", "[]"),
        ("password_hash", '"x"'),
        ("is_admin", "true"),
        ("id", f'"{NOWHERE}"'),
        ("email", '"b@example.com"'),
    ):
        body = f'{{"{name}": {value}}}'.encode()
        yield f"{name} of oneself", request("PATCH /v1/users/me", JSON, body=body), INVALID
    for query in (
        "limit=1&limit=2", "cursor=a&cursor=b", "sort=title&sort=-title", "q=a&q=b", "access=any",
        "owner_id=x", "offset=1", "page=1", "fields=id", "sort=owner_id", "sort=title;drop",
        "sort=title,id", "limit[]=1", "_method=DELETE", "access_token={token}", "Limit=1",
        "&".join(["tag=a"] * 21), "&".join(f"x{number}=1" for number in range(2000)),
    ):  # fmt: skip
        answer = TOO_LITTLE if query == "access=any" else INVALID
        yield f"?{query[:40]}", request(f"GET /v1/items?{query}"), answer
    for search in ("%25", "_", "%27%20OR%201=1--", "%22", "*", "a*%20OR%20b", "NEAR(", "%5C"):
        yield f"the search {search}", request(f"GET /v1/items?q={search}"), (200, None)


# ------------------------------------------------------------------------------------- callers
def callers() -> Family:
    """Callers who are none, and who may not."""
    for path in ("/v1/users", f"/v1/users/{NOWHERE}", f"/v1/users/{NOWHERE}/sessions", "/v1/audit"):
        yield f"a member asks for {path}", request(f"GET {path}"), TOO_LITTLE
        yield f"nobody asks for {path}", request(f"GET {path}", caller=False), NOBODY
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            yield f"{header} at {path}", request(f"GET {path}", f"{header}: DELETE"), TOO_LITTLE
        for header in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path"):
            yield f"{header} to {path}", request("GET /nowhere", f"{header}: {path}"), NOT_FOUND
    for value in (
        "", "Bearer", "Bearer ", "bearer  ", "Basic YTpi", "Token {token}", "{token}",
        "Negotiate x", "Bearer\t{token}",
    ):  # fmt: skip
        asked = request("GET /v1/users/me", f"Authorization: {value}", caller=False)
        empty = value.strip().lower() == "bearer"
        yield f"Authorization: {value}", asked, BAD_TOKEN if empty else NOBODY
    for value in (
        "Bearer x", "Bearer a.b.c", "Bearer {token}x", "Bearer {token} {token}", "Bearer ....",
        "Bearer {token},x", "Bearer null", f"Bearer {'x' * 8193}", f"Bearer {'a.' * 5000}",
        "Bearer \xff\xfe", "Bearer e30.e30.e30", "Bearer bslt_", f"Bearer bslt_{'0' * 49}",
        f"Bearer bslt_{'x' * 8193}", "Bearer bslt_\xff", "Bearer {token}bslt_",
    ):  # fmt: skip
        asked = request("GET /v1/users/me", f"Authorization: {value}", caller=False)
        yield f"Authorization: {value[:40]}", asked, BAD_TOKEN
    key = "Authorization: Bearer bslt_00000000000000000000000000000000000000000002CZclj"
    unknown = request("GET /v1/users/me", key, caller=False)
    yield "a key that nobody made", unknown, (401, "TOKEN_REVOKED")
    twice = request("GET /v1/users/me", "Authorization: Bearer {token}")
    yield "two tokens", twice, BAD_TOKEN
    for name, sent in (
        ("a cookie", request("GET /v1/users/me", "Cookie: access_token={token}", caller=False)),
        ("X-Access-Token", request("GET /v1/users/me", "X-Access-Token: {token}", caller=False)),
        ("the proxy's header", request("GET /v1/users/me", "Proxy-Authorization: Bearer {token}",
                                       caller=False)),
    ):  # fmt: skip
        yield f"a token in {name}", sent, NOBODY
    trailer = request("POST /v1/items", JSON, CHUNKED, "Trailer: Authorization", caller=False)
    trailer += chunk(GOOD) + b"0\r\nAuthorization: Bearer {token}\r\n\r\n"
    yield "a token behind the body", trailer, NOBODY


# ------------------------------------------------------------------------------ codes and flows
def proofs() -> Family:
    """Codes, challenges and flows that are none, and what they must not be mixed with."""
    wrong = (401, "INVALID_CREDENTIALS")
    for what, challenge, code in (
        ("a challenge that nobody made", "bsc_" + "A" * 43, "000000"),
        ("a longer challenge", "bsc_" + "A" * 100_000, "000000"),
        ("NUL for a challenge", "%00", "%00"),
        ("a refresh token for a challenge", "brt_" + "A" * 43, "000000"),
        ("a code of a megabyte", "bsc_" + "A" * 43, "0" * 1_000_000),
        ("a code in other digits", "bsc_" + "A" * 43, "%D9%A1" * 6),
    ):
        form = f"grant_type=second_factor&challenge={challenge}&code={code}".encode()
        yield what, request("POST /v1/auth/token", FORM, body=form), wrong
    for what, form, answer in (
        ("no code", b"grant_type=second_factor&challenge=x", INVALID),
        ("no challenge", b"grant_type=second_factor&code=000000", INVALID),
        ("a password for a code", b"grant_type=second_factor&challenge=x&password=y", INVALID),
        ("two codes", b"grant_type=second_factor&challenge=x&code=1&code=2", UNPARSED),
        ("a code for a password", b"grant_type=password&username=a@b.de&code=000000", INVALID),
    ):
        yield what, request("POST /v1/auth/token", FORM, body=form), answer
    for body in (
        b"{}", b'{"code": null}', b'{"code": 0}', b'{"code": ["0"]}', b'{"code": true}', b"[]",
        b'{"password": "x", "code": "0"}', b'{"code": "000000"}', b'{"code": "0", "until": 1}',
    ):  # fmt: skip
        asked = request("POST /v1/auth/reauthenticate", JSON, body=body)
        yield f"the proof {body.decode()}", asked, INVALID
    factor = "/v1/users/me/second-factor"
    none = (404, "SECOND_FACTOR_NOT_FOUND")
    for line in (f"DELETE {factor}", f"POST {factor}/recovery-codes"):
        yield f"{line} without one", request(line), none
    for body, answer in (
        (b'{"code": "000000"}', none), (b'{"code": 0}', INVALID), (b"{}", INVALID),
        (b'{"code": "0", "secret": "A"}', INVALID), (b'{"code": "%b"}' % (b"0" * 10**6), none),
    ):  # fmt: skip
        yield f"confirming {body[:30].decode()}", request(f"PUT {factor}", JSON, body=body), answer
    yield "nobody's factor", request(f"POST {factor}", caller=False), NOBODY
    lost = f"/v1/users/{NOWHERE}/second-factor"
    yield "a member removes another's", request(f"DELETE {lost}"), TOO_LITTLE


FLOW = b'"flow": "bfl_%b", "state": "x"' % (b"A" * 43)
"""A flow that nobody began."""


def flows() -> Family:
    """Visits to providers: begun to come back elsewhere, not begun, and mixed up."""
    begin, github = "POST /v1/auth/providers/github/flows", "/v1/auth/providers/github/token"
    for place in (
        "https://evil.example/", "https://app.example.com/back/", "https://app.example.com/back?x",
        "https://app.example.com/back#x", "//app.example.com/back", "https://APP.example.com/back",
        "https://app.example.com/../back", "https://app.example.com@evil.example/back",
        "https://app.example.com/back%0d%0a", "\\evil.example", "javascript:alert(1)", "",
    ):  # fmt: skip
        body = b'{"redirect_uri": %b}' % json.dumps(place).encode()
        yield f"back to {place}", request(begin, JSON, body=body), INVALID
    for name in ("nobody", "GITHUB", "github%00", "github%0a", "%2e%2e", "x" * 5000, "git%2Fhub"):
        line = f"POST /v1/auth/providers/{name}/flows"
        body = b'{"redirect_uri": "https://app.example.com/back"}'
        yield f"the provider {name[:20]}", request(line, JSON, body=body), NOT_FOUND
    lost = (400, "INVALID_FLOW")
    for path in (github, "/v1/users/me/identities"):
        for what, body, answer in (
            ("a flow that nobody began", FLOW + b', "code": "x"', lost),
            ("no flow", b'"flow": "", "state": "", "code": "x"', lost),
            ("NUL for a flow", rb'"flow": "\u0000", "state": "\u0000", "code": "x"', lost),
            ("half a character for a state", rb'"flow": "x", "state": "\ud800", "code": "x"', lost),
            ("a long flow", b'"flow": "%b", "state": "", "code": "x"' % (b"x" * 10**6), lost),
            ("no code", FLOW + b', "code": ""', INVALID),
            ("NUL for a code", FLOW + rb', "code": "\u0000"', INVALID),
            ("a long code", FLOW + b', "code": "%b"' % (b"x" * 4097), INVALID),
            ("a number for a code", FLOW + b', "code": 1', INVALID),
            ("two codes", FLOW + b', "code": "x", "code": "y"', UNPARSED),
            ("an identity of one's own", FLOW + b', "code": "x", "sub": "1"', INVALID),
            ("a proved address", FLOW + b', "code": "x", "email_verified": true', INVALID),
            ("a list of issuers", FLOW + b', "code": "x", "iss": ["x"]', INVALID),
        ):  # fmt: skip
            yield f"{what}, at {path}", request(f"POST {path}", JSON, body=b"{%b}" % body), answer
    own = "/v1/users/me/identities"
    yield "nobody links", request(f"POST {own}", JSON, body=b"{}", caller=False), NOBODY
    yield "somebody's identity", request(f"DELETE {own}/{NOWHERE}"), (404, "IDENTITY_NOT_FOUND")
    yield "no identity", request(f"DELETE {own}/1%20OR%201=1"), INVALID


def exports_and_leaving() -> Family:
    """All that is held about somebody, asked for in odd ways, and taken away without a proof."""
    export, leave = "/v1/users/me/export", "POST /v1/users/me/deletion"
    yield "nobody's export", request(f"GET {export}", caller=False), NOBODY
    yield "an export with a body", request(f"GET {export}", JSON, body=b"{}"), (200, None)
    yield "a part of an export", request(f"GET {export}", "Range: bytes=0-0"), (200, None)
    for method in ("POST", "PUT", "DELETE"):
        yield f"{method} of an export", request(f"{method} {export}"), NO_METHOD
    for query in (f"user_id={NOWHERE}", "format=csv", "callback=x", "access_token={token}"):
        yield f"an export?{query[:20]}", request(f"GET {export}?{query}"), INVALID
    yield "somebody's export", request(f"GET /v1/users/{NOWHERE}/export"), NOT_FOUND
    wrong = (403, "WRONG_PASSWORD")
    for body, answer in (
        (b'{"password": "a wrong passphrase"}', wrong), (b"{}", INVALID), (b"[]", INVALID),
        (b'{"password": null}', INVALID), (b'{"password": true}', INVALID),
        (b'{"password": "%b"}' % (b"x" * 10**6), wrong), (rb'{"password": "\u0000"}', wrong),
        (b'{"password": "x", "id": "%b"}' % NOWHERE.encode(), INVALID),
        (b'{"password": "x", "code": "0"}', INVALID),
    ):  # fmt: skip
        yield f"leaving with {body[:40].decode()}", request(leave, JSON, body=body), answer
    yield "nobody leaves", request(leave, JSON, body=b"{}", caller=False), NOBODY


# -------------------------------------------------------------------------------------- bodies
def types_of_bodies() -> Family:
    """Bodies of other types, in other encodings, or of another type than they say."""
    for kind in (
        "", "text/plain", "text/json", "application/xml", "application/jsonp", "json", "*/*",
        "application/json, text/plain", "application/x-www-form-urlencoded",
        "multipart/form-data", "multipart/form-data; boundary=x", "application/merge-patch+json",
        "application/octet-stream", "application/json\x0b", "application/\x00json",
    ):  # fmt: skip
        answer = NO_REQUEST if {"\x00", "\x0b"} & set(kind) else UNREAD
        yield f"Content-Type: {kind}", item(GOOD, f"Content-Type: {kind}"), answer
    yield "no type", request("POST /v1/items", body=GOOD), UNREAD
    yield "two types", item(GOOD, JSON, JSON), UNREAD
    part = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    many = part * 5000 + b"--x--\r\n"
    for path in ("/v1/items", "/v1/auth/token", "/v1/users"):
        asked = request(f"POST {path}", "Content-Type: multipart/form-data; boundary=x", body=many)
        yield f"5,000 parts at {path}", asked, UNREAD
    bomb = gzip.compress(b" " * 10_000_000)
    for encoding in ("gzip", "x-gzip", "deflate", "br", "zstd", "identity", "gzip, gzip"):
        asked = item(bomb, JSON, f"Content-Encoding: {encoding}")
        yield f"Content-Encoding: {encoding}", asked, UNREAD
    yield "a bomb without its name", item(bomb), UNPARSED
    yield "an encoding of nothing", request("GET /v1/items", "Content-Encoding: gzip"), UNREAD
    form = b"grant_type=password"
    for kind in (JSON, "Content-Type: text/plain"):
        yield f"a form as {kind}", request("POST /v1/auth/token", kind, body=form), UNREAD


def sizes_of_bodies() -> Family:
    """Bodies larger than allowed, and lengths that are none."""
    large = 1_048_577
    for path in ("/v1/items", "/v1/users", "/v1/auth/token", "/nowhere", "/health/live"):
        asked = request(f"POST {path}", JSON, f"Content-Length: {large}")
        yield f"{large} bytes announced at {path}", asked, TOO_LARGE
    for length in (10**12, 2**63 - 1):
        asked = request("POST /v1/items", JSON, f"Content-Length: {length}")
        yield f"{length} bytes announced", asked, TOO_LARGE
    yield "too much, sent whole", item(b" " * large), TOO_LARGE
    yield "too much at once, in a chunk", chunks(chunk(b" " * large)), TOO_LARGE
    yield "too much, in small chunks", chunks(chunk(b" " * 1000) * 1049), TOO_LARGE
    yield "too much in one chunk, announced only", chunks(b"7fffffff\r\n" + b" " * large), TOO_LARGE
    for wrong in ("-1", "+5", "0x15", "5, 5", "5,6", "1e1", "", "x", "5 5", str(10**30), "\uff15"):
        asked = request("POST /v1/items", JSON)[:-2]
        asked += f"Content-Length: {wrong}\r\n\r\n".encode() + GOOD
        yield f"Content-Length: {wrong}", asked, NO_REQUEST
    asked = request("POST /v1/items", JSON, "Content-Length: 5", body=GOOD)
    yield "two lengths", asked, NO_REQUEST


def pieces_of_bodies() -> Family:
    """Requests whose end two readers could see in two places (RFC 9112 §6.3 and §7.1)."""
    both = (
        request("POST /v1/items", JSON, CHUNKED, "Content-Length: 4") + chunk(GOOD) + b"0\r\n\r\n"
    )
    yield "a length and chunks", both, NO_REQUEST
    both = (
        request("POST /v1/items", JSON, "Content-Length: 4", CHUNKED) + chunk(GOOD) + b"0\r\n\r\n"
    )
    yield "chunks and a length", both, NO_REQUEST
    for coding in (
        "gzip", "identity", "xchunked", "chunked, gzip", "chunked, identity", "\x0bchunked",
        "chunked\x00", '"chunked"', "chunked;q=1", "",
    ):  # fmt: skip
        asked = request("POST /v1/items", JSON, f"Transfer-Encoding: {coding}")
        yield f"Transfer-Encoding: {coding}", asked + chunk(GOOD) + b"0\r\n\r\n", NO_REQUEST
    twice = request("POST /v1/items", JSON, CHUNKED, "Transfer-Encoding: identity")
    yield "two codings", twice + chunk(GOOD) + b"0\r\n\r\n", NO_REQUEST
    spaced = request("POST /v1/items", JSON, "Transfer-Encoding : chunked")
    yield "a space before the colon", spaced + chunk(GOOD) + b"0\r\n\r\n", NO_REQUEST
    for name, part in (
        ("a negative size", b"-1\r\nx\r\n"),
        ("a size with 0x", b"0x5\r\nhello\r\n"),
        ("a size with a sign", b"+5\r\nhello\r\n"),
        ("a size with an underscore", b"1_0\r\nhello\r\n"),
        ("a size that is none", b"zz\r\nhello\r\n"),
        ("no size", b"\r\nhello\r\n"),
        ("a size beyond 64 bits", b"1" + b"0" * 16 + b"\r\nhello\r\n"),
        ("a size that wraps round", b"f" * 16 + b"5\r\nhello\r\n"),
        ("a space before a size", b" 5\r\nhello\r\n"),
        ("a chunk that is longer than said", b"3\r\nhello\r\n"),
        ("a chunk that does not end", b"5\r\nhello0\r\n\r\n"),
        ("a chunk that ends in a line feed", b"5\r\nhello\n"),
        ("a chunk that begins with a line feed", b"5\nhello\r\n"),
        ("a carriage return alone", b"5\rhello\r\n"),
        ("a line feed in an extension", b"5;a=\nb\r\nhello\r\n"),
    ):
        yield name, chunks(part), NO_REQUEST
    yield "a folded trailer", chunks(chunk(GOOD), end=b"0\r\nA: b\r\n c\r\n\r\n"), NO_REQUEST
    yield (
        "10,000 trailers",
        chunks(chunk(GOOD), end=b"0\r\n" + b"A: b\r\n" * 10_000 + b"\r\n"),
        (NO_REQUEST),
    )
    yield (
        "a trailer of ten megabytes",
        chunks(chunk(GOOD), end=b"0\r\nA: " + b"b" * 10_000_000 + b"\r\n\r\n"),
        NO_REQUEST,
    )
    typed = request("POST /v1/items", CHUNKED) + chunk(GOOD)
    yield "a type behind the body", typed + f"0\r\n{JSON}\r\n\r\n".encode(), UNREAD


# --------------------------------------------------------------------------------------- heads
def heads() -> Family:
    """Heads that are too large, or none (RFC 9112 §2 to §5)."""
    for name, headers in (
        ("a header of 10 MiB", ["X: " + "x" * 10_485_760]),
        ("a header's name of 10 MiB", ["x" * 10_485_760 + ": x"]),
        ("a token of 1 MiB", [f"Authorization: Bearer {'x' * 1_048_576}"]),
        ("a cookie of 1 MiB", [f"Cookie: {'x' * 1_048_576}"]),
        ("10,000 headers", [f"X-{number}: x" for number in range(10_000)]),
        ("10,000 times one header", ["X: x"] * 10_000),
        ("1,000 short headers", ["X: x"] * 1000),
        ("a header of 64 KiB", ["X: " + "x" * 65_536]),
    ):
        yield name, request("GET /v1/items", *headers), NO_REQUEST
    for name, line in (
        ("a path of 10 MiB", "GET /" + "x" * 10_485_760),
        ("a query of 1 MiB", "GET /v1/items?q=" + "x" * 1_048_576),
        ("a path of 64 KiB", "GET /" + "x" * 65_536),
    ):
        yield name, request(line), NO_REQUEST
    for name, header in (
        ("a folded header", "X: a\r\n b"),
        ("a folded header, by a tab", "X: a\r\n\tb"),
        ("a header without a colon", "X"),
        ("a header without a name", ": x"),
        ("a space in a name", "X y: z"),
        ("a space before the first colon", "X : z"),
        ("NUL in a name", "X\x00: z"),
        ("NUL in a value", "X: a\x00b"),
        ("a control character in a value", "X: a\x01b"),
        ("a carriage return in a value", "X: a\rb"),
        ("a line feed at the end of a header", "X: a\nY: b"),
        ("a byte beyond ASCII in a name", "X\xe9: z"),
        ("brackets in a name", "X[0]: z"),
    ):
        yield name, request("GET /v1/items", header), NO_REQUEST
    for name, sent in (
        ("line feeds only", b"GET /v1/items HTTP/1.1\nHost: x\n\n"),
        ("carriage returns only", b"GET /v1/items HTTP/1.1\rHost: x\r\r"),
        ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("HTTP/3.0", b"GET /v1/items HTTP/3.0\r\nHost: x\r\n\r\n"),
        ("HTTP/1.1.1", b"GET /v1/items HTTP/1.1.1\r\nHost: x\r\n\r\n"),
        ("another protocol", b"SSH-2.0-OpenSSH_9.0\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)),
        ("zeros", bytes(4096)),
        ("an unknown method", b"FOO /v1/items HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a method in lower case", b"get /v1/items HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a method of 10 MiB", b"G" * 10_485_760 + b" / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a space in a path", b"GET /v1/items /x HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a path that does not begin", b"GET v1/items HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("NUL in a path", b"GET /v1/\x00items HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a byte beyond ASCII in a path", b"GET /v1/\xe9 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("no path", b"GET  HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a server as a target", b"CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ):
        yield name, sent, NO_REQUEST


def routes() -> Family:
    """Methods, paths and hosts that others might take for ours."""
    for method in ("TRACE", "OPTIONS", "CONNECT", "DELETE", "PUT", "PATCH", "QUERY", "PROPFIND"):
        if method != "CONNECT":
            yield f"{method} a list", request(f"{method} /v1/items"), NO_METHOD
    for path in ("/v1/users/me", "/v1/items/batch", "/v1/items/changes"):
        yield f"TRACE {path}", request(f"TRACE {path}"), NO_METHOD
        yield f"PUT {path}", request(f"PUT {path}"), NO_METHOD
    for path in (
        "/v1/items/", "//v1/items", "/v1//items", "/v1/./items", "/v1/../v1/items", "/v1/%69tems/",
        "/v1/items%2f", "/v1/items%0a", "/health/live%0A", "/V1/items", "/v1/items;x=1",
        "/v1/items.json", "//evil.example/v1/items", "/\\evil.example", "/docs/assets/..%2fdocs",
        "/docs/assets/..%2f..%2f..%2fetc%2fpasswd", "/docs/assets/%2fetc%2fpasswd", "/.env",
        "/.git/config", "/v1/items%3flimit=1", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    ):  # fmt: skip
        yield f"GET {path}", request(f"GET {path}"), NOT_FOUND
        moved = request(f"GET {path}", host="evil.example")
        yield f"GET {path} from another host", moved, NOT_FOUND
    for host in ("evil.example", "x/v1/health", "x:99999", "[::1", "a, b", "x@y", "", "../.."):
        yield f"Host: {host}", request("GET /v1/users", host=host), TOO_LITTLE
        yield f"Host: {host}, where nothing is", request("GET /v1/", host=host), NOT_FOUND
    yield "no host", request("GET /health/live", host=None), NO_REQUEST
    yield "two hosts", request("GET /health/live", "Host: evil.example"), NO_REQUEST
    yield "one host twice", request("GET /health/live", "host: x"), NO_REQUEST
    old = request("GET /health/live", host=None).replace(b"1.1", b"1.0")
    yield "no host, in HTTP/1.0", old, (200, None)
    old = request("GET /health/live", "Host: evil.example").replace(b"1.1", b"1.0")
    yield "two hosts, in HTTP/1.0", old, NO_REQUEST
    for header in (
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: " + "1.1.1.1," * 1000, "Forwarded: for=x",
        "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Real-IP: ::1",
        "X-Forwarded-Prefix: /v1", "X-Request-ID: a b", "X-Request-ID: " + "x" * 5000,
        "Accept: text/html", "Accept: \xff", "Accept-Encoding: \xff", "Cookie: \xff=\xfe",
        "User-Agent: " + "\xff" * 5000, "Origin: null", "Expect: nonsense", "Range: bytes=0-0",
    ):  # fmt: skip
        yield header[:40], request("GET /nowhere", header), NOT_FOUND
        yield f"{header[:40]}, and an answer", request("GET /v1/items", header), (200, None)
    for ranges in ("bytes=0-0", "bytes=-1", "bytes=9999999999-", "bytes=x", "bytes=5-1", "x=0-1",
                   "bytes=" + ",".join("0-" for _ in range(3000))):  # fmt: skip
        asked = request("GET /docs/assets/swagger-ui.css", f"Range: {ranges}")
        yield f"Range: {ranges[:40]}", asked, (200, None)
    for value in ("x\xff", "", " ", "a b", "x" * 256):
        asked = request("POST /v1/items", JSON, f"Idempotency-Key: {value}", body=GOOD)
        yield f"Idempotency-Key: {value[:20]}", asked, INVALID
    for value in ('"x', "x", 'W/"1-owner"', '"1-owner" "2"', '"' + "x" * 5000 + '"', "\xff", '""'):
        patch = request(f"PATCH /v1/items/{NOWHERE}", JSON, f"If-Match: {value}", body=b"{}")
        yield f"If-Match: {value[:20]}", patch, (404, "ITEM_NOT_FOUND")
    for upgrade in ("websocket", "h2c", "TLS/1.0", "x"):
        asked = request("GET /v1/items", f"Upgrade: {upgrade}", "Connection: Upgrade")
        yield f"Upgrade: {upgrade}", asked, (200, None)
        asked = item(GOOD, JSON, f"Upgrade: {upgrade}", "Connection: Upgrade")
        yield f"a body behind Upgrade: {upgrade}", asked, (201, None)


FAMILIES = {
    "text that is none": text_that_is_none,
    "numbers": numbers,
    "depth, width, length": shapes,
    "grammar": grammar,
    "fields and parameters": fields,
    "callers": callers,
    "codes and challenges": proofs,
    "flows and identities": flows,
    "exports and leaving": exports_and_leaving,
    "types and encodings": types_of_bodies,
    "sizes": sizes_of_bodies,
    "where a body ends": pieces_of_bodies,
    "heads": heads,
    "methods, paths, hosts": routes,
}
