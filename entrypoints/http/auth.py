"""/v1/auth: tokens for passwords, tokens for tokens, and the end of both."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form
from pydantic import ConfigDict, Field, JsonValue

from domain.access import Scope, names_of, scopes_named
from domain.errors import (
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidScope,
    InvalidValue,
    ReauthenticationRequired,
    RefreshTokenReused,
    SecondFactorRequired,
    WrongCode,
    WrongPassword,
)
from entrypoints.http.answers import personal, private, public
from entrypoints.http.dependencies import Call, PersonsCall, Public, in_person, signed_in
from entrypoints.http.errors import UnsupportedGrantType
from entrypoints.http.examples import SESSION_ID, USER_ID, example
from entrypoints.http.fields import (
    Answer,
    OptionalCode,
    OptionalParameter,
    OptionalPassword,
    Parameter,
    Parameters,
    Shape,
)
from entrypoints.http.route import strict_router

router = strict_router("/v1/auth", tag="sign-in")

Anybody = Annotated[PersonsCall, in_person()]
Writer = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]
Introspector = Annotated[Call, signed_in(Scope.TOKENS_INTROSPECT)]


SCOPES = rf"^ *(({'|'.join(Scope)})( +|$))*$"
"""Scopes as OAuth 2 lists them (RFC 6749 §3.3)."""


_FILLED: JsonValue = {"minLength": 1}
_GRANTS: list[JsonValue] = [
    {
        "properties": {
            "grant_type": {"const": "password"},
            "username": _FILLED,
            "password": _FILLED,
        },
        "required": ["username", "password"],
    },
    {
        "properties": {"grant_type": {"const": "refresh_token"}, "refresh_token": _FILLED},
        "required": ["refresh_token"],
    },
    {
        "properties": {
            "grant_type": {"const": "second_factor"},
            "challenge": _FILLED,
            "code": _FILLED,
        },
        "required": ["challenge", "code"],
    },
]
"""What each grant cannot do without."""


class TokenRequest(Parameters):
    """OAuth 2 parameters (RFC 6749 §4.3.2 and §6); others are ignored, as §3.2 asks."""

    model_config = ConfigDict(
        json_schema_extra={
            "additionalProperties": {"type": "string"},
            "anyOf": _GRANTS,
            "example": {
                "grant_type": "password",
                "username": "ada@example.com",
                "password": "an orchard of quiet lamps",
            },
        }
    )

    grant_type: str = Field(
        description="`password`, `second_factor` or `refresh_token`",
        json_schema_extra={"enum": ["password", "second_factor", "refresh_token"]},
    )
    username: OptionalParameter = Field(
        default_factory=str, description="The e-mail address (grant `password`)"
    )
    password: OptionalParameter = Field(
        default_factory=str,
        description="The password (grant `password`)",
        json_schema_extra={"format": "password"},
    )
    refresh_token: OptionalParameter = Field(
        default_factory=str, description="The newest refresh token (grant `refresh_token`)"
    )
    challenge: OptionalParameter = Field(
        default_factory=str,
        description="`details.challenge` of SECOND_FACTOR_REQUIRED (grant `second_factor`)",
    )
    code: OptionalParameter = Field(
        default_factory=str,
        description="A code of the authenticator app, or a recovery code (grant `second_factor`)",
    )
    scope: OptionalParameter = Field(
        default_factory=str,
        description="Fewer scopes than would be granted, separated by spaces",
        json_schema_extra={"pattern": SCOPES},
    )

    def needed(self, field: str) -> str:
        """Return a field that this grant cannot do without. Raises InvalidValue."""
        value: str = getattr(self, field)
        if not value:
            raise InvalidValue(field, "missing", "This is required.")
        return value


class TokensAnswer(Answer):
    """Tokens (RFC 6749 §5.1). Keep the refresh token secret, and use each one once."""

    model_config = example(
        access_token="eyJhbGciOiJFUzI1NiIsImtpZCI6…",
        token_type="Bearer",
        expires_in=600,
        refresh_token="brt_AZqx8nw-fRCKVT8MHS5LagAAAAC…",
        scope="account:read account:write items:read items:write",
    )

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  # the type's name
    expires_in: int
    refresh_token: str
    scope: str


_ONE_OF_BOTH: list[JsonValue] = [{"required": ["password"]}, {"required": ["code"]}]


class Reauthentication(Shape):
    """A fresh proof that it is oneself who is asking: a password, or a code, and not both."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": _ONE_OF_BOTH, "example": {"code": "492039"}}
    )

    password: OptionalPassword = None
    code: OptionalCode = None

    def check(self) -> None:
        """Raise InvalidValue unless there is just one proof."""
        if self.password is None and self.code is None:
            raise InvalidValue("password", "missing", "This is required.")
        if self.password is not None and self.code is not None:
            raise InvalidValue("code", "extra_forbidden", "Give the password, or the code.")


class TokenForm(Parameters):
    """A token; a hint of its kind is not needed, and is ignored like all else."""

    token: Parameter = Field(
        description="An access token, a refresh token, or a machine key",
        examples=["brt_AZqx8nw-fRCKVT8…"],
    )


class Revoked(Answer):
    """Done, or there was nothing to do."""

    model_config = example()


class LiveTokenAnswer(Answer):
    """An access token that is accepted now (RFC 7662 §2.2)."""

    model_config = example(
        active=True,
        scope="items:read",
        client_id="basalt",
        token_type="Bearer",
        sub=USER_ID,
        sid=SESSION_ID,
        jti="0fe823ce-b5b1-4fc7-90f2-2452b993cd9c",
        iss="https://api.example.com",
        aud="https://api.example.com",
        iat=1795455987,
        exp=1795456587,
    )

    active: Literal[True] = True
    scope: str
    client_id: str = "basalt"
    token_type: str = "Bearer"  # noqa: S105  # the type's name
    sub: UUID
    sid: UUID
    jti: str
    iss: str
    aud: str
    iat: int
    exp: int


class DeadTokenAnswer(Answer):
    """Anything else; why is not said."""

    active: Literal[False] = False


@router.post(
    "/token",
    responses=public(
        InvalidCredentials,
        InvalidRefreshToken,
        InvalidScope,
        RefreshTokenReused,
        SecondFactorRequired,
        UnsupportedGrantType,
        body=True,
    ),
)
async def issue_tokens(call: Public, form: Annotated[TokenRequest, Form()]) -> TokensAnswer:
    """Sign in with a password, or exchange a refresh token for its successor.

    Where the account has a second factor, the right password is answered 401
    SECOND_FACTOR_REQUIRED with `details.challenge`. That and a code finish the sign-in within five
    minutes (grant `second_factor`), with the scopes that were asked for with the password. A code
    works once. Five wrong ones end the challenge, and ten in a row lock the account's second step
    for a while.

    The parameters are OAuth 2's; errors have this service's own envelope. Each refresh token
    works once. If the reply was lost, the same one may be sent again within a few seconds and
    gets the same successor; a copy that comes later ends the session.
    """
    names = form.scope.split()
    wanted = scopes_named(names) if names else None
    match form.grant_type:
        case "password":
            username, password = form.needed("username"), form.needed("password")
            tokens = await call.app.run_hashing(
                lambda use: use.sign_in, username, password, wanted, call.origin
            )
        case "refresh_token":
            refresh_token = form.needed("refresh_token")
            tokens = await call.app.change(
                lambda use: use.refresh_session, refresh_token, wanted, call.origin
            )
        case "second_factor":
            challenge, code = form.needed("challenge"), form.needed("code")
            tokens = await call.app.change(
                lambda use: use.finish_sign_in, challenge, code, call.origin
            )
        case _:
            raise UnsupportedGrantType
    return TokensAnswer.model_validate(tokens)


@router.post(
    "/reauthenticate",
    status_code=204,
    responses=personal(WrongPassword, WrongCode, ReauthenticationRequired, body=True),
)
async def reauthenticate(call: Writer, body: Reauthentication) -> None:
    """Prove again who one is, for what asks for a proof that is not older than 15 minutes.

    By one's password, or by a code of one's second factor: just one of them. Where a second
    factor is in force, it takes the code. This session's proof is new then; its tokens stay as
    they are. A sign-in is a proof as well, and a refresh is none.
    """
    body.check()
    if body.code is not None:
        await call.change(lambda use: use.reauthenticate_by_code, body.code)
    elif body.password is not None:
        await call.run_hashing(lambda use: use.reauthenticate, body.password)


@router.post("/logout", status_code=204, responses=personal())
async def sign_out(call: Anybody) -> None:
    """End this session: its tokens are refused from now on."""
    await call.change(lambda use: use.sign_out)


@router.post("/revoke", responses=public(body=True))
async def revoke_token(call: Public, form: Annotated[TokenForm, Form()]) -> Revoked:
    """End the session of a token (RFC 7009), access or refresh, expired or superseded too.

    A machine key ends as well: whoever finds one that leaked can send it here.

    The answer is the same for anything, so that it tells nothing about a token.
    """
    await call.app.change(lambda use: use.revoke_token, form.token, call.origin)
    return Revoked()


@router.post(
    "/introspect",
    responses=private(body=True),
    response_model=LiveTokenAnswer | DeadTokenAnswer,
)
async def introspect_token(
    call: Introspector, form: Annotated[TokenForm, Form()]
) -> LiveTokenAnswer | DeadTokenAnswer:
    """Say whether an access token is accepted now (RFC 7662), and what it is good for."""
    live = await call.app.run(lambda use: use.introspect, form.token, call.caller.origin)
    if live is None:
        return DeadTokenAnswer()
    claims = live.token.claims
    return LiveTokenAnswer(
        scope=" ".join(names_of(live.scopes)),
        sub=claims.user_id,
        sid=claims.session_id,
        jti=live.token.token_id,
        iss=call.app.settings.base_url,
        aud=call.app.settings.base_url,
        iat=int(claims.issued_at.timestamp()),
        exp=live.token.expires_at,
    )
