"""What a word is, wherever text is searched: one definition, so that every store agrees."""

import re
import unicodedata
from collections.abc import Iterable

WORD_MAX = 128
"""Characters of a word that are told apart; longer words are equal if these are."""

_WORD = re.compile(r"[^\W_]+")


def words_of(*texts: str) -> frozenset[str]:
    """Return the words of texts: runs of letters and digits after NFKC and case folding."""
    found: set[str] = set()
    for text in texts:
        folded = text.casefold() if text.isascii() else _folded(text)
        found.update(word[:WORD_MAX] for word in _WORD.findall(folded))
    return frozenset(found)


def needed_words(words: Iterable[str]) -> list[str]:
    """Return words without those that begin another one: finding the longer one finds both."""
    kept: list[str] = []
    for word in sorted(words, reverse=True):
        if not any(other.startswith(word) for other in kept):
            kept.append(word)
    return kept


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
