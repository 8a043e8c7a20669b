"""/v1/users: signing up, and one's own account."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from fastapi.responses import JSONResponse

from domain import email as emails
from domain import user as users
from domain.access import Role, Scope
from domain.errors import (
    EmailTaken,
    LastAdmin,
    ReauthenticationRequired,
    WeakPassword,
    WrongPassword,
)
from domain.password import PASSWORD_MAX
from domain.user import DISPLAY_NAME_MAX, Status
from entrypoints.http.answers import personal, private, public
from entrypoints.http.dependencies import Call, PersonsCall, Public, in_person, signed_in
from entrypoints.http.examples import MOMENT, USER_ID, example
from entrypoints.http.fields import LINE, Answer, OptionalPassword, Shape, Time, ruled, text
from entrypoints.http.openapi import success
from entrypoints.http.route import strict_router

router = strict_router("/v1/users", tag="accounts")

Email = Annotated[
    str,
    ruled(emails.address),
    text(longest=emails.EMAIL_MAX, pattern=emails.EMAIL_PATTERN, example="ada@example.com"),
]
DisplayName = Annotated[
    str, ruled(users.display_name), text(longest=DISPLAY_NAME_MAX, example="Ada", pattern=LINE)
]
NewPassword = Annotated[str, text(longest=PASSWORD_MAX, example="an orchard of quiet lamps")]
NextPassword = Annotated[str, text(longest=PASSWORD_MAX, example="a harbour of slow clocks")]

Reader = Annotated[Call, signed_in(Scope.ACCOUNT_READ)]
Writer = Annotated[Call, signed_in(Scope.ACCOUNT_WRITE)]
InPerson = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]


class UserAnswer(Answer):
    """An account, as its owner and administrators see it."""

    model_config = example(
        id=USER_ID,
        email="ada@example.com",
        display_name="Ada",
        role="member",
        status="active",
        email_verified=False,
        created_at=MOMENT,
        updated_at=MOMENT,
    )

    id: UUID
    email: str
    display_name: str | None
    role: Role
    status: Status
    email_verified: bool
    created_at: Time
    updated_at: Time


class Accepted(Answer):
    """It is on its way, if there is anything to send."""

    model_config = example()


class SignUp(Shape):
    """What it takes to open an account."""

    email: Email
    password: NewPassword
    display_name: DisplayName | None = None


class ProfileEdit(Shape):
    """A change of one's own profile; what is left out stays."""

    display_name: DisplayName | None = None


class PasswordChange(Shape):
    """A new password, with the proof that the account is one's own.

    An account without a password has no current one to give: its proof must be fresh.
    """

    current_password: OptionalPassword = None
    new_password: NextPassword


class Farewell(Shape):
    """The proof that it is oneself who leaves; without a password, it must be fresh."""

    password: OptionalPassword = None


@router.post(
    "",
    status_code=201,
    response_model=UserAnswer,
    responses=public(EmailTaken, WeakPassword, body=True)
    | success(201, "Location")
    | {202: {"model": Accepted, "description": "A mail says how to go on"}},
)
async def sign_up(call: Public, body: SignUp, response: Response) -> UserAnswer | JSONResponse:
    """Open an account. Then get its tokens at `POST /v1/auth/token`.

    Where addresses have to be confirmed first, the answer is 202, whether or not there is an
    account already: a mail tells the address's owner more.
    """
    user = await call.app.run_hashing(
        lambda use: use.sign_up, body.email, body.password, body.display_name, call.origin
    )
    if user is None:
        return JSONResponse({}, 202)
    response.headers["Location"] = "/v1/users/me"
    return UserAnswer.model_validate(user)


@router.get("/me", responses=private())
async def read_profile(call: Reader) -> UserAnswer:
    """Look at one's own account."""
    return UserAnswer.model_validate(await call.run(lambda use: use.read_profile))


@router.patch("/me", responses=private(body=True))
async def edit_profile(call: Writer, body: ProfileEdit) -> UserAnswer:
    """Change one's own profile (merge patch: what is absent stays, null clears)."""
    if "display_name" in body.model_fields_set:
        user = await call.change(lambda use: use.rename_profile, body.display_name)
    else:
        user = await call.run(lambda use: use.read_profile)
    return UserAnswer.model_validate(user)


@router.put(
    "/me/password",
    status_code=204,
    responses=personal(WrongPassword, WeakPassword, ReauthenticationRequired, body=True),
)
async def change_password(call: InPerson, body: PasswordChange) -> None:
    """Replace one's password. Every other session ends at once.

    `current_password` is required where there is one. The first one is set without it, and needs
    a proof that is not older than 15 minutes; so does any where there is a second factor.
    """
    await call.run_hashing(
        lambda use: use.change_password, body.current_password, body.new_password
    )


@router.post(
    "/me/deletion",
    status_code=204,
    responses=personal(WrongPassword, LastAdmin, ReauthenticationRequired, body=True),
)
async def delete_account(call: InPerson, body: Farewell) -> None:
    """Leave for good: the account, its items and its sessions are gone.

    Removed are the account, its sessions, machine keys, second factor with its recovery codes and
    waiting sign-ins, items with whom they are shared, what others share with it, search words,
    change feeds, kept answers to repeated requests, waiting mails, and what links in mails are good
    for. Erased are addresses, user agents and e-mail addresses in the audit trail's entries by and
    about it. The entries stay, as their chain shows rewriting: they name the account by its id,
    which is random and leads to nobody any more. So do counters of attempts, for a day at most:
    they are digests.

    `password` is required where there is one. An account without it needs a proof that is not
    older than 15 minutes, and so does one with a second factor.
    """
    await call.run_hashing(lambda use: use.delete_account, body.password)
