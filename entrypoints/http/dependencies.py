"""What endpoints ask for: the caller with enough scopes, and the application to call."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlowPassword, OAuthFlows
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from application.ports.items import Attempt
from domain.access import MEMBER_SCOPES, Caller, Origin, Person, Scope
from domain.audit import Target, TargetType
from domain.errors import Forbidden, InsufficientScope, InvalidToken, Unauthenticated
from entrypoints.container import Container
from entrypoints.http.application import Application
from entrypoints.http.errors import ValidationFailed
from entrypoints.http.exchange import exchange_of
from entrypoints.http.openapi import IDEMPOTENCY_KEY
from entrypoints.http.route import StrictRoute
from entrypoints.http.violations import violation

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Caller)

InTheirName: TypeAlias = Callable[[Container], Callable[[], Callable[Concatenate[C, P], T]]]
"""Names a use case whose first argument is the caller."""

_IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY)

SCOPE_MEANINGS: dict[Scope, str] = {
    Scope.ACCOUNT_READ: "See your own account, sessions, keys and identities.",
    Scope.ACCOUNT_WRITE: "Change your own account, its sessions, keys and identities.",
    Scope.ITEMS_READ: "See your items and what is shared with you.",
    Scope.ITEMS_WRITE: "Create, change, share and delete items.",
    Scope.USERS_READ: "See all accounts (administrators).",
    Scope.USERS_WRITE: "Change and delete accounts (administrators).",
    Scope.ITEMS_ADMIN: "See, change and delete every item (administrators).",
    Scope.TOKENS_INTROSPECT: "Ask whether a token is alive (administrators).",
    Scope.AUDIT_READ: "Read the audit trail (administrators).",
}


@dataclass(frozen=True, slots=True)
class PublicCall:
    """A request of anybody: use cases are told where it came from."""

    app: Application
    origin: Origin


@dataclass(frozen=True, slots=True)
class CallOf(Generic[C]):
    """A request of a caller who is known: use cases run in their name."""

    caller: C
    app: Application
    request: Request

    def run(self, select: InTheirName[C, P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a use case for the caller."""
        return self.app.run(select, self.caller, *args, **kwargs)

    def look(self, select: InTheirName[C, P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a use case that looks at one thing by its key."""
        return self.app.look(select, self.caller, *args, **kwargs)

    def change(
        self, select: InTheirName[C, P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run a use case that changes something."""
        return self.app.change(select, self.caller, *args, **kwargs)

    def run_hashing(
        self, select: InTheirName[C, P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run a use case that hashes passwords."""
        return self.app.run_hashing(select, self.caller, *args, **kwargs)

    def lines(self, header: str) -> list[str] | None:
        """Return the lines of a header, or None if there is none."""
        return self.request.headers.getlist(header) or None

    async def attempt(self) -> Attempt | None:
        """Return the attempt that the client may repeat, or None if it sent no key for it."""
        keys = self.request.headers.getlist("idempotency-key")
        if not keys:
            return None
        if len(keys) > 1:
            raise ValidationFailed([violation("header.idempotency-key", "repeated")])
        if not _IDEMPOTENCY_KEY.fullmatch(keys[0]):
            raise ValidationFailed([violation("header.idempotency-key", "string_pattern_mismatch")])
        asked = hashlib.sha256(f"{self.request.method} {self.request.url.path} ".encode())
        asked.update(await self.request.body())
        return Attempt(keys[0], asked.hexdigest())


Call: TypeAlias = CallOf[Caller]
"""A request of whoever calls, a person or a machine."""

PersonsCall: TypeAlias = CallOf[Person]
"""A request of the user in person."""


class Bearer(SecurityBase):
    """The caller of a request, from its bearer token (RFC 6750 §2.1), with the scopes it needs.

    It is a security scheme, so OpenAPI lists it on every operation that asks for a caller, with
    just the scopes that are checked.
    """

    def __init__(self) -> None:
        self.scheme_name = "Bearer"
        self.model = OAuth2Model(
            description="An access token from `POST /v1/auth/token`, or a machine key.",
            flows=OAuthFlows(
                password=OAuthFlowPassword(
                    tokenUrl="/v1/auth/token",
                    refreshUrl="/v1/auth/token",
                    scopes={scope.value: meaning for scope, meaning in SCOPE_MEANINGS.items()},
                )
            ),
        )

    async def __call__(self, request: Request, needed: SecurityScopes) -> Call:
        """Return the call. Raises NotAuthenticated, InsufficientScope, ValidationFailed."""
        exchange = exchange_of(request)
        caller = exchange.caller
        app: Application = request.app.state.application
        if caller is None:  # once, however many dependencies ask
            caller = await app.identify(bearer_token(request), exchange.origin)
            exchange.caller = caller
        try:
            caller.require(*map(Scope, needed.scopes))
        except InsufficientScope:
            if not MEMBER_SCOPES.issuperset(needed.scopes):
                await _note_refusal(CallOf(caller, app, request))
            raise
        check_query(request)
        return CallOf(caller, app, request)


class InPerson(Bearer):
    """As Bearer, for what concerns credentials: no machine does that, whatever its scopes."""

    async def __call__(self, request: Request, needed: SecurityScopes) -> PersonsCall:  # type: ignore[override]  # a narrower promise
        """Return the call. Raises what Bearer does, and Forbidden."""
        call = await super().__call__(request, needed)
        try:
            return CallOf(call.caller.in_person(), call.app, request)
        except Forbidden:
            await _note_refusal(call)
            raise


async def _note_refusal(call: Call) -> None:
    """Write into the audit trail that somebody tried what only others may."""
    operation = f"{call.request.method} {call.request.scope['route'].path}"
    await call.change(lambda use: use.note_refusal, Target(TargetType.ROUTE, operation))


def bearer_token(request: Request) -> str:
    """Return the token of the one Authorization header. Raises NotAuthenticated."""
    sent = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not sent:
        raise Unauthenticated
    if len(sent) > 1:
        raise InvalidToken
    credentials: str = sent[0].decode("latin-1")
    scheme, _, token = credentials.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    token = token.strip(" ")
    if not token or " " in token:
        raise InvalidToken
    return token


def check_query(request: Request) -> None:
    """Refuse query parameters that the route does not know, and repeated single ones."""
    written: bytes = request.scope["query_string"]
    if not written:
        return
    try:
        unquote_to_bytes(written).decode()
    except UnicodeDecodeError:  # the framework would put another character there
        raise ValidationFailed([violation("query", "string_unicode")]) from None
    route: StrictRoute = request.scope["route"]
    known = route.query_parameters
    names = [name for name, _ in request.query_params.multi_items()]
    found = [violation("query", "extra_forbidden")] if not known.keys() >= set(names) else []
    found += [
        violation(f"query.{name}", "repeated")
        for name, is_list in known.items()
        if not is_list and names.count(name) > 1
    ]
    if found:
        raise ValidationFailed(found)


BEARER, IN_PERSON = Bearer(), InPerson()


def signed_in(*needed: Scope) -> Any:
    """Ask for a caller whose token and role grant these scopes."""
    return Security(BEARER, scopes=[scope.value for scope in needed])


def in_person(*needed: Scope) -> Any:
    """As `signed_in`, for the user alone: a machine's key is refused with FORBIDDEN."""
    return Security(IN_PERSON, scopes=[scope.value for scope in needed])


async def public_call(request: Request) -> PublicCall:
    """Return the call of whoever it is. Raises ValidationFailed."""
    check_query(request)
    return PublicCall(request.app.state.application, exchange_of(request).origin)


Public = Annotated[PublicCall, Depends(public_call)]
"""Says of a route that anybody may call it; a route says this or asks for a caller."""
