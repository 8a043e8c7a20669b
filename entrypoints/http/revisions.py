"""Conditional requests: revisions as strong entity tags (RFC 9110 §8.8.3 and §13.1)."""

import re
from collections.abc import Sequence

from domain.item import ANY_REVISION, Expected

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t]*{_TAG}(?:[ \t]*,[ \t]*{_TAG})*[ \t]*")
_EACH = re.compile(r'(W/)?"([^"]*)"')


def entity_tag(revision: str) -> str:
    """Return a revision as a strong entity tag."""
    return f'"{revision}"'


def expected(if_match: Sequence[str] | None) -> Expected:
    """Return the revisions that the lines of If-Match ask for, compared strongly.

    Weak tags and what is not a list of tags match nothing, so the precondition fails.
    """
    if if_match is None:
        return None
    listed = ",".join(if_match)
    if listed.strip() == ANY_REVISION:
        return frozenset({ANY_REVISION})
    tags = frozenset(tag for weak, tag in _tags(listed) if not weak)
    return tags - {ANY_REVISION}  # in quotes it is a tag like any other, and nobody's


def is_known(if_none_match: Sequence[str] | None, revision: str) -> bool:
    """Whether the lines of If-None-Match name the revision, compared weakly."""
    if if_none_match is None:
        return False
    listed = ",".join(if_none_match)
    if listed.strip() == ANY_REVISION:
        return True
    return any(tag == revision for _, tag in _tags(listed))


def _tags(header: str) -> list[tuple[str, str]]:
    return _EACH.findall(header) if _LIST.fullmatch(header) else []
