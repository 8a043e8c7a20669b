"""Getting back in by mail, and the account's address: proving it, changing it."""

from typing import Annotated

from pydantic import Field

from domain.access import Scope
from domain.errors import (
    EmailTaken,
    InvalidOneTimeToken,
    ReauthenticationRequired,
    WeakPassword,
    WrongPassword,
)
from entrypoints.http.answers import personal, private, public
from entrypoints.http.dependencies import Call, Public, signed_in
from entrypoints.http.fields import OptionalPassword, Shape
from entrypoints.http.route import strict_router
from entrypoints.http.users import Accepted, Email, InPerson, NewPassword

router = strict_router("/v1", tag="recovery")

Writer = Annotated[Call, signed_in(Scope.ACCOUNT_WRITE)]
Token = Annotated[
    str, Field(description="What stands behind `token=` in the mail", examples=["bot_AZqx8nw-…"])
]


class Recovery(Shape):
    """The address of the account to get back into."""

    email: Email


class PasswordReset(Shape):
    """A new password, with the proof that the account's mailbox is one's own."""

    token: Token
    new_password: NewPassword


class Confirmation(Shape):
    """The proof that an address is one's own."""

    token: Token


class EmailChange(Shape):
    """Another address, with the proof that the account is one's own.

    An account without a password has none to give: its proof must be fresh.
    """

    new_email: Email
    password: OptionalPassword = None


@router.post("/auth/password-reset", status_code=202, responses=public(body=True))
async def request_recovery(call: Public, body: Recovery) -> Accepted:
    """Have a link to choose a new password sent to an address.

    The answer, and the time that it takes, are the same whether or not it has an account.
    """
    await call.app.change(lambda use: use.request_recovery, body.email, call.origin)
    return Accepted()


@router.put(
    "/auth/password-reset",
    status_code=204,
    responses=public(InvalidOneTimeToken, WeakPassword, body=True),
)
async def reset_password(call: Public, body: PasswordReset) -> None:
    """Choose a new password with the token from a mail, which works once, within an hour.

    Every session and key for machines ends, and the address counts as proved. A second factor
    stays, unless the address was never proved before. Then sign in.
    """
    await call.app.run_hashing(
        lambda use: use.reset_password, body.token, body.new_password, call.origin
    )


@router.post("/users/me/email-verification", status_code=202, responses=private())
async def request_verification(call: Writer) -> Accepted:
    """Have a link to confirm one's address sent there, unless it is confirmed already."""
    await call.change(lambda use: use.request_verification)
    return Accepted()


@router.put(
    "/users/me/email",
    status_code=202,
    responses=personal(WrongPassword, ReauthenticationRequired, body=True),
)
async def request_email_change(call: InPerson, body: EmailChange) -> Accepted:
    """Ask for another address. It takes effect when it is confirmed from there.

    The old address is told then, and can change it back for seven days. Whether somebody else
    has the new one is not told.
    """
    await call.run_hashing(lambda use: use.request_email_change, body.new_email, body.password)
    return Accepted()


@router.post(
    "/auth/email-verification",
    status_code=204,
    responses=public(InvalidOneTimeToken, EmailTaken, body=True),
)
async def confirm_email(call: Public, body: Confirmation) -> None:
    """Confirm an address with the token from a mail, which works once.

    That is an account's address, within an hour; the one that it is to have, within an hour; or
    the one that it had, within seven days. That changes it back, ends every session and key, and
    closes the account to its password: a mail leads to a new one.
    """
    await call.app.change(lambda use: use.confirm_email, body.token, call.origin)
