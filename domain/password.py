"""What a new password must be (NIST SP 800-63B-4 §3.1.1); what an old one was is history."""

from collections.abc import Callable, Sequence

from domain.errors import InvalidValue, WeakPassword
from domain.text import composed, storable

PASSWORD_MAX = 256
"""Characters (code points) in a password: far above any use, and cheap to hash."""

PASSWORD_MIN_DEFAULT = 15
"""Characters that a password needs where it is the only factor (NIST SP 800-63B-4 §3.1.1.2)."""

PASSWORD_MIN_FLOOR = 8
"""The least that an operator may ask for."""


def accepted(
    password: str, *, email: str, shortest: int, is_common: Callable[[str, Sequence[str]], bool]
) -> str:
    """Return the new password as it is to be hashed (NFC), or say which rule it breaks.

    `is_common(password, context)` tells whether an attacker would try it early, given words
    that stand near the account. Raises WeakPassword with the reason `too_short`, `too_long`,
    `not_text`, `same_as_email` or `common`.
    """
    text = composed(password)
    if len(text) < shortest:
        raise WeakPassword("too_short")
    if len(text) > PASSWORD_MAX:
        raise WeakPassword("too_long")
    try:
        storable(text, field="password")
    except InvalidValue:
        raise WeakPassword("not_text") from None
    if text.casefold().strip() == email.casefold():
        raise WeakPassword("same_as_email")
    if is_common(text, _words_near(email)):
        raise WeakPassword("common")
    return text


def _words_near(email: str) -> tuple[str, ...]:
    local_part, _, host = email.partition("@")
    return (email, local_part, host, *host.split("."), "basalt")
