"""/v1/users/me/second-factor: an authenticator app beside the password, and codes for its loss."""

from typing import Annotated

from domain.access import Scope
from domain.errors import (
    ReauthenticationRequired,
    SecondFactorInForce,
    SecondFactorNotFound,
    WrongCode,
)
from entrypoints.http.answers import personal
from entrypoints.http.dependencies import PersonsCall, in_person
from entrypoints.http.examples import MOMENT, example
from entrypoints.http.fields import Answer, Code, Shape, Time
from entrypoints.http.route import strict_router

router = strict_router("/v1/users/me/second-factor", tag="second factor")

Reader = Annotated[PersonsCall, in_person(Scope.ACCOUNT_READ)]
Writer = Annotated[PersonsCall, in_person(Scope.ACCOUNT_WRITE)]

_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105  # an example
_RECOVERY_CODES = ["k5qx-3mzd-7hwa-2rnv-p6tb-yc4e", "…"]


class Confirmation(Shape):
    """The code that the app shows now."""

    code: Code


class SetupAnswer(Answer):
    """What an authenticator app is told, told this once: scan `qr_code`, or type `secret`."""

    model_config = example(
        secret=_SECRET,
        provisioning_uri=f"otpauth://totp/api.example.com:ada%40example.com"
        f"?secret={_SECRET}&issuer=api.example.com",
        qr_code="data:image/svg+xml;charset=utf-8,%3Csvg …",
    )

    secret: str
    provisioning_uri: str
    qr_code: str


class RecoveryCodesAnswer(Answer):
    """Codes for when the app is lost, each good once. They are told this once: keep them."""

    model_config = example(recovery_codes=_RECOVERY_CODES)

    recovery_codes: list[str]


class SecondFactorAnswer(Answer):
    """Whether signing in takes a code, since when, and how many recovery codes are left."""

    model_config = example(enabled=True, confirmed_at=MOMENT, recovery_codes_left=10)

    enabled: bool
    confirmed_at: Time | None
    recovery_codes_left: int


@router.post(
    "",
    status_code=201,
    responses=personal(SecondFactorInForce, ReauthenticationRequired),
)
async def begin_second_factor(call: Writer) -> SetupAnswer:
    """Begin to set up an authenticator app (TOTP: six digits, 30 seconds, SHA-1).

    Nothing changes before a code confirms it (`PUT`). Beginning again replaces what was begun.
    Needs a proof that is not older than 15 minutes.
    """
    setup = await call.run(lambda use: use.begin_second_factor)  # draws a picture
    return SetupAnswer.model_validate(setup)


@router.put(
    "",
    responses=personal(
        SecondFactorNotFound, SecondFactorInForce, WrongCode, ReauthenticationRequired, body=True
    ),
)
async def confirm_second_factor(call: Writer, body: Confirmation) -> RecoveryCodesAnswer:
    """Put the second factor in force with a code that the app shows, and get ten recovery codes.

    From now on signing in takes a code as well, and so does proving who one is. Sessions and keys
    go on. Needs a proof that is not older than 15 minutes, and is one.
    """
    codes = await call.change(lambda use: use.confirm_second_factor, body.code)
    return RecoveryCodesAnswer(recovery_codes=list(codes))


@router.get("", responses=personal())
async def read_second_factor(call: Reader) -> SecondFactorAnswer:
    """Look at one's second factor; nothing secret of it is shown again."""
    return SecondFactorAnswer.model_validate(await call.run(lambda use: use.read_second_factor))


@router.delete(
    "", status_code=204, responses=personal(SecondFactorNotFound, ReauthenticationRequired)
)
async def remove_second_factor(call: Writer) -> None:
    """Give up one's second factor, or what was begun of one.

    Needs a proof that is not older than 15 minutes, and was given by a code: the sign-in, or
    `POST /v1/auth/reauthenticate`.
    """
    await call.change(lambda use: use.remove_second_factor)


@router.post(
    "/recovery-codes",
    responses=personal(SecondFactorNotFound, ReauthenticationRequired),
)
async def renew_recovery_codes(call: Writer) -> RecoveryCodesAnswer:
    """Get ten new recovery codes; those of before are void. Needs a proof as removing does."""
    codes = await call.change(lambda use: use.renew_recovery_codes)
    return RecoveryCodesAnswer(recovery_codes=list(codes))
