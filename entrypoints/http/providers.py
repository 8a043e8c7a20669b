"""/v1/auth/providers: signing in by identity providers, which browsers visit in between."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Path
from pydantic import Field

from application.ports.identities import Reply, Visit
from domain.access import Origin, Person
from domain.errors import (
    EmailTaken,
    InvalidFlow,
    InvalidIdentity,
    ProviderNotFound,
    ProviderUnavailable,
    SecondFactorRequired,
)
from domain.identity import ProvenIdentity, ProviderName
from entrypoints.http.answers import public
from entrypoints.http.application import Application
from entrypoints.http.auth import TokensAnswer
from entrypoints.http.dependencies import Public
from entrypoints.http.examples import example
from entrypoints.http.fields import STORABLE, Answer, Shape
from entrypoints.http.route import strict_router

router = strict_router("/v1/auth/providers", tag="identities")

Name = Annotated[str, Path(description="A provider's name", examples=["google"])]


class ProviderAnswer(Answer):
    """An identity provider: its name here, and who vouches for its identities."""

    model_config = example(name="google", issuer="https://accounts.google.com")

    name: str
    issuer: str


class ProviderListAnswer(Answer):
    """All providers: they are few, so they are one page."""

    data: list[ProviderAnswer]
    next_cursor: None = None


class NewFlow(Shape):
    """Where the browser returns to from the provider: exactly one of BASALT_REDIRECT_URIS."""

    redirect_uri: str = Field(examples=["https://app.example.com/signed-in"])


class FlowAnswer(Answer):
    """Where to send the browser, and a secret to keep for 10 minutes, until it is back."""

    model_config = example(
        authorization_url="https://accounts.google.com/o/oauth2/v2/auth?response_type=code&…",
        flow="bfl_3qX0v8…",
    )

    authorization_url: str
    flow: str


class Return(Shape):
    """The flow's secret, with what the provider put behind the address of return."""

    flow: str = Field(examples=["bfl_3qX0v8…"], description="As it was given; it works once")
    code: str = Field(min_length=1, max_length=4096, examples=["4/0AVG7…"], pattern=STORABLE)
    state: str = Field(examples=["w1uQ…"])
    iss: str | None = Field(None, description="Who answered, if the provider says so (RFC 9207)")

    @property
    def reply(self) -> Reply:
        """What the browser brought back."""
        return Reply(code=self.code, issuer=self.iss)


async def proved(
    app: Application,
    taking: Callable[[], Awaitable[Visit]],
    reply: Reply,
    here: Origin,
    by: Person | None = None,
) -> ProvenIdentity:
    """Return who was at the provider: take the flow, then ask the provider, then go on.

    The flow is used up before the provider is asked, and no unit of work is open meanwhile.
    Raises InvalidFlow, InvalidIdentity, ProviderUnavailable.
    """
    visit = await taking()
    try:
        provider = app.providers.named(visit.provider)
    except ProviderNotFound:
        raise InvalidFlow from None  # it was set up when the flow began
    try:
        return await provider.identify(reply, visit)
    except InvalidIdentity:
        await app.change(lambda use: use.note_unproved, visit.provider, here, by)
        raise


@router.get("", responses=public())
async def list_providers(call: Public) -> ProviderListAnswer:
    """Look which identity providers there are."""
    listed = call.app.providers.listed()
    return ProviderListAnswer(
        data=[ProviderAnswer(name=name, issuer=issuer) for name, issuer in listed]
    )


@router.post(
    "/{name}/flows",
    status_code=201,
    responses=public(ProviderNotFound, ProviderUnavailable, body=True),
)
async def begin_flow(call: Public, name: Name, body: NewFlow) -> FlowAnswer:
    """Begin a visit to a provider, to sign in or to link an identity.

    Send the browser to `authorization_url`. It returns to `redirect_uri` with `code`, `state` and
    perhaps `iss`, or with `error` if its user or the provider would not.
    """
    provider = call.app.providers.named(ProviderName(name))
    begun = await call.app.change(
        lambda use: use.begin_flow, ProviderName(name), body.redirect_uri, call.origin
    )
    url = await provider.authorization_url(begun.visit)
    return FlowAnswer(authorization_url=url, flow=begun.text)


@router.post(
    "/{name}/token",
    responses=public(
        EmailTaken,
        InvalidFlow,
        InvalidIdentity,
        ProviderNotFound,
        ProviderUnavailable,
        SecondFactorRequired,
        body=True,
    ),
)
async def sign_in_by_provider(call: Public, name: Name, body: Return) -> TokensAnswer:
    """Sign in with what a browser brought back, in an account of one's own if there is none yet.

    An address that has an account is joined to it only if the provider is trusted with addresses
    and says that this one is proved; whoever had claimed it without proof loses the account.
    Otherwise sign in there and link the identity. Where a second factor is in force, the challenge
    is finished at `POST /v1/auth/token`. A flow is used up by this, whatever comes of it.
    """
    call.app.providers.named(ProviderName(name))

    def taking() -> Awaitable[Visit]:
        return call.app.change(
            lambda use: use.take_flow, ProviderName(name), body.flow, body.state, call.origin
        )

    proven = await proved(call.app, taking, body.reply, call.origin)
    tokens = await call.app.change(lambda use: use.sign_in_by_provider, proven, call.origin)
    return TokensAnswer.model_validate(tokens)
