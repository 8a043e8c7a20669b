"""What counts as an e-mail address, and when two of them are the same one."""

import re

from domain.errors import InvalidValue

EMAIL_MAX = 254
"""Characters in an address (RFC 5321 §4.5.3.1.3, less the angle brackets)."""

LOCAL_PART_MAX = 64
"""Characters before the at sign (RFC 5321 §4.5.3.1.1)."""

EMAIL_PATTERN = (
    r"^[A-Za-z0-9!#$%&'*+/?^_`{|}~-]{1,32}(\.[A-Za-z0-9!#$%&'*+/?^_`{|}~-]{1,31})?"
    r"@[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?)"
    r"{0,2}\.[A-Za-z]{2,24}$"
)
"""Addresses that are certainly accepted, for generated clients; `address` is the rule itself."""

_ENCODED_WORD = re.compile(r"=\?[^?]*\?[^?]*\?[^?]*\?=")
"""An encoded word (RFC 2047 §2): in a mail's header, an address that has one would be another."""

_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_READ_DIFFERENTLY_BY_TWO_STANDARDS = frozenset("ßς\u200c\u200d")


def address(text: str, *, field: str = "email") -> str:
    """Return the one canonical form of an address: trimmed, lower case, the domain in ASCII.

    The local part is ASCII, so that look-alikes of another alphabet cannot stand for it. The
    domain may be written in any script and is kept in its ASCII form (RFC 5890); the four
    characters that IDNA 2003 and 2008 turn into different domains are refused in favour of
    their `xn--` form. Raises InvalidValue.
    """
    local_part, at, domain = text.strip().rpartition("@")
    local_part = local_part.lower() if local_part.isascii() else ""
    host = _ascii_domain(domain) if at else ""
    if not (
        len(local_part) <= LOCAL_PART_MAX
        and _LOCAL_PART.fullmatch(local_part)
        and not _ENCODED_WORD.search(local_part)
        and len(local_part) + 1 + len(host) <= EMAIL_MAX
        and _is_domain(host)
    ):
        raise InvalidValue(field, "email_invalid", "This is not a valid e-mail address.")
    return f"{local_part}@{host}"


def _ascii_domain(domain: str) -> str:
    if len(domain) > EMAIL_MAX or not _READ_DIFFERENTLY_BY_TWO_STANDARDS.isdisjoint(domain):
        return ""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def _is_domain(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
