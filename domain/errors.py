"""Every way a rule can be broken, in sentences that may be shown to whoever broke it.

BasaltError
├── Misused                 the request makes no sense here
│   ├── InvalidCursor · InvalidScope · InvalidOneTimeToken · InvalidFlow
├── NotAuthenticated        who you are is not proved
│   ├── Unauthenticated
│   ├── BadBearer: InvalidToken · TokenExpired · KeyExpired · TokenRevoked · KeyRevoked
│   ├── InvalidCredentials: InvalidSecondFactor (WrongSecondFactor)
│   ├── InvalidRefreshToken · RefreshTokenReused · SecondFactorRequired
│   └── InvalidIdentity: NoAddress · AddressUnproved
├── Refused                 we know who you are, and you may not
│   ├── Forbidden · InsufficientScope · KeySigns · TooManyKeys · IdentityTaken · TooManyIdentities
│   └── WrongPassword · WrongCode · ReauthenticationRequired
├── NotFound                there is no such thing, or none for you
│   ├── ItemNotFound · UserNotFound · SessionNotFound · GrantNotFound · KeyNotFound
│   └── SecondFactorNotFound · IdentityNotFound · ProviderNotFound · LetterNotFound
├── Conflict                the present state does not allow it
│   ├── EmailTaken (AddressTaken) · LastAdmin · LastSignInMethod · AlreadyShared
│   └── SecondFactorInForce · IdempotencyInProgress
├── PreconditionFailed      somebody else changed it first
├── Invalid                 a value breaks a rule
│   └── InvalidValue · WeakPassword · IdempotencyKeyReused · BatchFailed
├── Gone                    it was there and is no longer kept
└── Waitable                it may succeed later
    ├── TooManyAttempts
    └── Unavailable: StoreUnfit · Conflicted · ProviderUnavailable
"""

from collections.abc import Mapping
from typing import ClassVar


class BasaltError(Exception):
    """A broken rule: a stable code, a sentence, and details that never repeat the input."""

    code: ClassVar[str]
    message: ClassVar[str]
    shown_details: ClassVar[Mapping[str, object]] = {}
    """What `details` may look like, for those who read about the error."""

    def __init__(self) -> None:
        super().__init__(self.message)

    @property
    def details(self) -> Mapping[str, object]:
        """What a client can act on; empty for most errors."""
        return {}


class Misused(BasaltError):
    """The request makes no sense here."""


class InvalidCursor(Misused):
    """A page's cursor was altered, or belongs to another list or caller."""

    code = "INVALID_CURSOR"
    message = "This cursor does not belong to this list. Start again from the first page."


class InvalidScope(Misused):
    """A scope was asked for that the sign-in cannot grant (RFC 6749 §5.2)."""

    code = "INVALID_SCOPE"
    message = "A requested scope is unknown or cannot be granted."


class InvalidOneTimeToken(Misused):
    """A token from a mail is not one, or was used, or is over; which of them is not said."""

    code = "INVALID_ONE_TIME_TOKEN"
    message = "This link does not work, or does not work any more. Ask for a new one."


class InvalidFlow(Misused):
    """A flow or its state is not one, or was used, or is over, or is another's."""

    code = "INVALID_FLOW"
    message = "This sign-in was not begun here, was used already, or took too long. Begin anew."


class NotAuthenticated(BasaltError):
    """Who the caller is has not been proved."""


class Unauthenticated(NotAuthenticated):
    """No bearer credentials were sent."""

    code = "UNAUTHENTICATED"
    message = "This needs an access token: send 'Authorization: Bearer …'."


class BadBearer(NotAuthenticated):
    """A bearer token was sent and is not accepted (RFC 6750 §3.1, invalid_token)."""


class InvalidToken(BadBearer):
    """The access token is malformed, forged, or not one of ours."""

    code = "INVALID_TOKEN"
    message = "The access token is not valid."


class TokenExpired(BadBearer):
    """The access token was good and its time is over."""

    code = "TOKEN_EXPIRED"
    message = "The access token has expired. Refresh it, or sign in again."


class TokenRevoked(BadBearer):
    """The access token is well signed, but its session or user is no longer alive."""

    code = "TOKEN_REVOKED"
    message = "The session of this access token is over. Sign in again."


class KeyExpired(TokenExpired):
    """The machine key was good and its time is over."""

    message = "This key has expired. Make another one."


class KeyRevoked(TokenRevoked):
    """The machine key was deleted, or its user is no longer alive."""

    message = "This key is no longer good. Make another one."


class InvalidCredentials(NotAuthenticated):
    """Address and password do not open an account; which of them is wrong is not said."""

    code = "INVALID_CREDENTIALS"
    message = "The e-mail address or the password is wrong."


class InvalidSecondFactor(InvalidCredentials):
    """A challenge waits for no code any more, or is none."""

    message = "This sign-in waits for no code any more. Sign in again."


class WrongSecondFactor(InvalidSecondFactor):
    """A code does not finish the sign-in that a challenge is of; another one may."""

    message = "This code is wrong, or was used already. Send the challenge with another one."


class InvalidRefreshToken(NotAuthenticated):
    """The refresh token opens no live session."""

    code = "INVALID_REFRESH_TOKEN"
    message = "The refresh token is not valid. Sign in again."


class RefreshTokenReused(NotAuthenticated):
    """A superseded refresh token came back: somebody has a copy, so the session is over."""

    code = "REFRESH_TOKEN_REUSED"
    message = "This refresh token was used before, so its session has been ended. Sign in again."


class SecondFactorRequired(NotAuthenticated):
    """The first factor was right; `challenge` is what the second one is brought with."""

    code = "SECOND_FACTOR_REQUIRED"
    message = "Send this challenge with a code of your second factor to finish signing in."
    shown_details: ClassVar[Mapping[str, object]] = {"challenge": "bsc_Jd2nX0fYpFq3…"}

    def __init__(self, challenge: str) -> None:
        super().__init__()
        self.challenge = challenge

    @property
    def details(self) -> Mapping[str, object]:
        """The challenge, which nobody else is told."""
        return {"challenge": self.challenge}


class InvalidIdentity(NotAuthenticated):
    """What a provider says proves nothing here, or opens no account; which of them is not said.

    `cause` is a name for the operator's log, and told to nobody else.
    """

    code = "INVALID_IDENTITY"
    message = "The provider's answer does not prove who you are. Begin anew."

    def __init__(self, cause: str | None = None) -> None:
        super().__init__()
        self.cause = cause


class NoAddress(InvalidIdentity):
    """A provider tells no address, and an account needs one."""

    message = "The provider tells no e-mail address. Let it tell yours, or sign up with a password."


class AddressUnproved(InvalidIdentity):
    """Nobody signs in here before their address is proved; what else there is, is not said."""

    message = "Confirm your e-mail address first: a mail was sent to it. Then begin anew."


class Refused(BasaltError):
    """The caller is known, and may not."""


class Forbidden(Refused):
    """The thing exists and is not the caller's to touch in this way."""

    code = "FORBIDDEN"
    message = "You may not do this."


class InsufficientScope(Refused):
    """The token lacks scopes that the operation needs (RFC 6750 §3.1, insufficient_scope)."""

    code = "INSUFFICIENT_SCOPE"
    message = "The access token lacks a scope that this needs."

    def __init__(self, needed: tuple[str, ...]) -> None:
        super().__init__()
        self.needed = needed

    @property
    def details(self) -> Mapping[str, object]:
        """The scopes that the operation needs."""
        return {"scope": " ".join(self.needed)}


class WrongPassword(Refused):
    """A signed-in caller's proof of the password failed."""

    code = "WRONG_PASSWORD"
    message = "The current password is wrong."


class WrongCode(Refused):
    """A signed-in caller's code is wrong, or was used already."""

    code = "WRONG_CODE"
    message = "This code is wrong, or was used already."


class ReauthenticationRequired(Refused):
    """The caller proved who they are too long ago for what they ask for."""

    code = "REAUTHENTICATION_REQUIRED"
    message = "Prove again who you are: POST /v1/auth/reauthenticate, then repeat this."


class NotFound(BasaltError):
    """There is no such thing, or none that the caller may know of."""


class ItemNotFound(NotFound):
    """No item has this id."""

    code = "ITEM_NOT_FOUND"
    message = "No such item."


class UserNotFound(NotFound):
    """No user has this id."""

    code = "USER_NOT_FOUND"
    message = "No such user."


class SessionNotFound(NotFound):
    """The caller has no live session with this id."""

    code = "SESSION_NOT_FOUND"
    message = "No such session."


class KeySigns(Refused):
    """The key that signs cannot be retired."""

    code = "FORBIDDEN"
    message = "This key signs now. Rotate the keys first, then retire it."


class TooManyKeys(Refused):
    """The user has as many machine keys as one may have."""

    code = "FORBIDDEN"
    message = "You have as many keys as one may have. Delete one first."


class IdentityTaken(Refused):
    """The identity lets somebody else in already."""

    code = "FORBIDDEN"
    message = "This identity belongs to another account. Unlink it there first."


class TooManyIdentities(Refused):
    """As many identities as there may be let the user in."""

    code = "FORBIDDEN"
    message = "You have as many identities as one may have. Unlink one first."


class GrantNotFound(NotFound):
    """The user has no grant on the item."""

    code = "GRANT_NOT_FOUND"
    message = "The item is not shared with this user."


class KeyNotFound(NotFound):
    """No key has this id, or none of the caller's."""

    code = "KEY_NOT_FOUND"
    message = "No such key."


class SecondFactorNotFound(NotFound):
    """The user has no second factor, or has not begun to set one up."""

    code = "SECOND_FACTOR_NOT_FOUND"
    message = "There is no second factor. POST /v1/users/me/second-factor begins one."


class LetterNotFound(NotFound):
    """No mail of this id waits or was given up; it may have been sent."""

    code = "NOT_FOUND"
    message = "No such mail waits: it was sent, or never was. See `basalt outbox list`."


class IdentityNotFound(NotFound):
    """No identity has this id, or none of the caller's."""

    code = "IDENTITY_NOT_FOUND"
    message = "No such identity."


class ProviderNotFound(NotFound):
    """No identity provider has this name."""

    code = "NOT_FOUND"
    message = "There is no identity provider of this name."


class Conflict(BasaltError):
    """The present state does not allow it."""


class EmailTaken(Conflict):
    """Another account has this address."""

    code = "EMAIL_TAKEN"
    message = "An account with this e-mail address exists."


class AddressTaken(EmailTaken):
    """As EmailTaken, of somebody who comes by an identity provider."""

    message = "An account with this e-mail address exists. Sign in to it, then link this identity."


class AlreadyShared(Conflict):
    """The user has access to the item already."""

    code = "ALREADY_SHARED"
    message = "This user has access to the item already."


class LastAdmin(Conflict):
    """The service would be left without an active administrator."""

    code = "LAST_ADMIN"
    message = "This is the last active administrator. Make another one first."


class SecondFactorInForce(Conflict):
    """The user has a second factor already."""

    code = "SECOND_FACTOR_IN_FORCE"
    message = "A second factor is in force. Remove it before you set up another one."


class LastSignInMethod(Conflict):
    """The account would be left with no way in."""

    code = "LAST_SIGN_IN_METHOD"
    message = (
        "This is your last way to sign in, of those that are set up here. Add another one first."
    )


class PreconditionFailed(BasaltError):
    """The thing has changed since the caller saw it (RFC 9110 §13.1.1)."""

    code = "PRECONDITION_FAILED"
    message = "It has changed since you read it. Read it again and repeat your change."


class Invalid(BasaltError):
    """A value breaks a rule."""


class InvalidValue(Invalid):
    """One field's value breaks its rule; `reason` is a stable code, `explanation` a sentence."""

    code = "VALIDATION_ERROR"
    message = "The request has invalid values."

    def __init__(self, field: str, reason: str, explanation: str) -> None:
        super().__init__()
        self.field = field
        self.reason = reason
        self.explanation = explanation

    @property
    def details(self) -> Mapping[str, object]:
        """The field, with the rule that it breaks."""
        error = {"field": self.field, "code": self.reason, "message": self.explanation}
        return {"errors": [error]}


class WeakPassword(Invalid):
    """A new password breaks the password policy; `reason` says which rule."""

    code = "WEAK_PASSWORD"
    message = "This password is not strong enough."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    @property
    def details(self) -> Mapping[str, object]:
        """Which rule of the policy the password breaks."""
        return {"reason": self.reason}


class IdempotencyKeyReused(Invalid):
    """The key came before with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This key was used with another request. Use a new one for each request."


class BatchFailed(Invalid):
    """Operations of a batch failed, so none was done; `failures` has them by their place."""

    code = "BATCH_FAILED"
    message = "Some operations failed, so none was done."

    def __init__(self, failures: Mapping[int, BasaltError]) -> None:
        super().__init__()
        self.failures = failures


class Gone(BasaltError):
    """What was asked for was there and is no longer kept."""

    code = "GONE"
    message = "Changes this old are no longer kept. Start again without 'since'."


class Waitable(BasaltError):
    """Something that may succeed later; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__()
        self.retry_after = retry_after


class IdempotencyInProgress(Conflict, Waitable):
    """The first request with this key is still at work."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    message = "The first request with this key has not finished. Repeat it in a moment."


class TooManyAttempts(Waitable):
    """The caller, or the account, has used up its attempts for now."""

    code = "RATE_LIMITED"
    message = "Too many attempts. Wait, then try again."


class Unavailable(Waitable):
    """The service cannot do it right now, and nothing was changed that was not acknowledged.

    `cause` is a name for the operator's log, and told to nobody else.
    """

    code = "SERVICE_UNAVAILABLE"
    message = "The service cannot answer right now. Try again shortly."

    def __init__(self, cause: str | None = None) -> None:
        super().__init__()
        self.cause = cause


class Conflicted(Unavailable):
    """The store undid everything for the sake of another who was in the way: it may be done anew.

    Never raised where something may have been stored.
    """


class ProviderUnavailable(Unavailable):
    """An identity provider is slow, broken, or not who it should be; others are not affected."""

    code = "PROVIDER_UNAVAILABLE"
    message = "The identity provider does not answer as it should. Begin anew in a moment."

    def __init__(self, cause: str | None = None) -> None:
        super().__init__(cause)
        self.retry_after = 5


class StoreUnfit(Unavailable):
    """The store's schema is not one that this version can work on; `remedy` says what to do."""

    def __init__(self, remedy: str) -> None:
        super().__init__(remedy)
        self.remedy = remedy
        self.args = (remedy,)
