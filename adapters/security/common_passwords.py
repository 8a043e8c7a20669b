"""Knows which passwords are tried first, from a list that is shipped: no network, no surprise."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise

# Fewer keys than this, over and over, are one short password typed again.
SHORT_UNIT = 8
# No listed word is longer; a longer unit need not be looked for.
LONGEST_UNIT = 48
# A walk has at least this many keys, and several walks have this many on average.
SHORTEST_WALK = 4
STEPS_A_WALK = 4
# Initials and country codes are no words.
SHORTEST_CONTEXT = 3

_NO_LETTER = re.compile(r"[\W\d_]+")
_NO_KEY = re.compile(r"[\W_]+")
_LETTER = re.compile(r"[^\W\d_]")
_PADDING = "0123456789 .-_!?*#+"
_ROWS = ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
_UNSHIFTED = str.maketrans('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", " ")
# What people write for letters, where 1 is i or l; other signs are left out.
_SYMBOLS = {code: None for code in range(128) if not chr(code).isalpha()} | str.maketrans(
    "@$034579!|", "asoeastgil"
)
_LOOK_ALIKES = (_SYMBOLS | {ord("1"): "i"}, _SYMBOLS | {ord("1"): "l"})
# So common that any string of them, with or without the account's own words, is tried early.
_STAPLES = (
    "password", "passwort", "passwd", "iloveyou", "changeme", "letmein", "welcome", "default",
    "sunshine", "princess", "qwertyuiop", "asdfghjkl", "football", "baseball", "computer",
    "internet", "monkey", "dragon", "master", "shadow", "superman", "batman", "secret", "qwerty",
    "qwertz", "azerty", "asdfgh", "zxcvbn", "login", "admin", "hello", "abcdef", "abcd", "abc",
    "pass", "root", "user", "test", "guest", "qwer", "asdf", "zxcv", "love",
)  # fmt: skip


class ListedCommonPasswords:
    """Tells whether an attacker would try a password early, by a list and five rules.

    Letters count without case, width or accents' encoding (NFKC). A password is common when

    1. it stands on the list;
    2. its keys only walk: along the keyboard, the digits or the alphabet, or stay where they are;
    3. it is fewer than eight characters, or a listed password, over and over;
    4. its letters, whatever digits and punctuation surround or separate them, are one listed word
       or a word of the account's context, once or over and over, or very common words in a row;
    5. it is such a word in disguise: `p4$$w0rd`.

    Several different words stay a good passphrase, however common each of them is.
    """

    def __contains__(self, password: object) -> bool:
        return isinstance(password, str) and self(password)

    def __call__(self, password: str, context: Sequence[str] = ()) -> bool:
        """Judge a password; `context` holds words near the account: its address, our name."""
        folded = _folded(password)
        if folded in _listed():
            return True
        bare = _from_letter(_from_letter(folded)[::-1])[::-1]
        if any(_walks(text.translate(_UNSHIFTED)) for text in (folded, bare)):
            return True
        if _repeats(folded) or _repeats(_NO_KEY.sub("", folded)):
            return True
        words = _context_words(context)
        return any(_is_worn(letters, words) for letters in _readings(folded, bare))


@cache
def _listed() -> frozenset[str]:
    """Read the list once, when the first password is judged."""
    file = resources.files("adapters.security") / "common_passwords.txt"
    return frozenset(file.read_text(encoding="utf-8").split("\n")) - {""}


@cache
def _next_keys() -> frozenset[str]:
    """Every pair of keys that a walk may join, in both directions, and every key with itself."""
    pairs = {left + right for row in _ROWS for left, right in pairwise(row)}
    for upper, lower in pairwise(_ROWS):
        # The upper row stands half a key to the left, and the row of digits begins one key earlier.
        shift = 1 if upper is _ROWS[0] else 0
        for column, key in enumerate(lower):
            pairs.update(key + above for above in upper[column + shift : column + shift + 2])
    pairs |= {chr(code) + chr(code + 1) for code in range(ord("a"), ord("z"))} | {"01"}
    keys = set("".join(pairs))
    return frozenset(pairs | {pair[::-1] for pair in pairs} | {key + key for key in keys})


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _from_letter(text: str) -> str:
    found = _LETTER.search(text)
    return text[found.start() :] if found else ""


def _walks(keys: str) -> bool:
    if len(keys) < SHORTEST_WALK or not keys.isascii():
        return False  # a sign that no walk passes is the owner's own thought
    near = _next_keys()
    walks = 1 + sum(left + right not in near for left, right in pairwise(keys))
    return walks * STEPS_A_WALK <= len(keys)


def _period(text: str) -> int:
    """The length of the unit that a text repeats, the last time perhaps in part; 0 for none."""
    start = text[:2]
    found = text.find(start, 1)
    while 0 < found <= LONGEST_UNIT:
        if text.startswith(text[found:]):
            return found
        found = text.find(start, found + 1)
    return 0


def _repeats(text: str) -> bool:
    period = _period(text)
    if period == 0 or period * 2 > len(text) or len(text) < SHORT_UNIT:
        return False
    return period < SHORT_UNIT or text[:period] in _listed()


def _readings(folded: str, bare: str) -> Iterable[str]:
    """The letters of a password: as they stand, and with other signs read as letters."""
    texts = (bare, folded.rstrip(_PADDING), folded)
    disguised = (text.translate(table) for table in _LOOK_ALIKES for text in texts)
    if not folded.isascii():
        disguised = (_NO_LETTER.sub("", text) for text in disguised)
    return dict.fromkeys((_NO_LETTER.sub("", folded), *disguised))


def _context_words(context: Iterable[str]) -> frozenset[str]:
    texts = [_folded(text) for text in context]
    parts = [part for text in texts for part in _NO_LETTER.split(text)]
    wholes = [_NO_LETTER.sub("", text) for text in texts]
    return frozenset(word for word in wholes + parts if len(word) >= SHORTEST_CONTEXT)


def _is_worn(letters: str, context: frozenset[str]) -> bool:
    unit = letters[: _period(letters)] or letters
    if unit in context or unit in _listed():
        return True
    if not letters.startswith((*_STAPLES, *context)):
        return False
    for word in sorted((*_STAPLES, *context), key=len, reverse=True):
        letters = letters.replace(word, " ")
    return not letters.strip()
