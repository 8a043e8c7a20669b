"""What people write, look for and send: strategies that draw it, rich in near misses."""

from hypothesis import strategies as st

from application.ports.items import Attempt
from domain.item import ANY_REVISION, UNCHANGED, Access, ItemDraft, ItemEdit
from domain.listing import Sort, Whose

WORDS = (
    "lamp", "LAMP", "lampoil", "oil", "o", "STRASSE", "stra\u00dfe", "caf\u00e9", "cafe\u0301",
    "x@y.z", "don't", "a-b", "a_b", "\ufb01ne", "\U0001f512", "\uffee", "#red", "10",
    "\u0130stanbul",
)  # fmt: skip
TAGS = ("red", "red", "reddish", "#red", "lamp", "\u00df", "a%b", "often")
REGIMES = ((999, 999), (-1, -1), (-1, 999), (0, 2), (1, 3))
"""How many items are very few, and how many are few: each way in which lists are found."""

ODD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
PHRASES = st.lists(st.sampled_from(WORDS[:4] * 3 + WORDS), min_size=1, max_size=3).map(" ".join)
TITLES = PHRASES | ODD.filter(lambda text: bool(text.strip()))
TEXTS = st.just("") | PHRASES | ODD
TAG_SETS = st.lists(st.sampled_from(TAGS), max_size=4).map(tuple)
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 2**53 + 1, 2**70, 0.0, -0.0, 1.0, 0.1, 1e16, 5e-324, 1e308])
    | st.sampled_from(["", "1", "\u00e9", "\U0001f512", '"\\'])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=3,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b", "\u00fc", ""]), VALUES, max_size=2)
DRAFTS = st.builds(
    ItemDraft, title=TITLES, description=TEXTS, tags=TAG_SETS, attributes=st.just({}) | ATTRIBUTES
)
LEFT = st.just(UNCHANGED)
EDITS = st.builds(
    ItemEdit,
    title=LEFT | TITLES | st.sampled_from(["", " ", "a\0b", "x" * 201]),
    description=LEFT | st.none() | TEXTS,
    tags=LEFT | st.none() | TAG_SETS,
    attributes=LEFT | st.none() | ATTRIBUTES,
)
REVISIONS = st.builds(
    lambda version, access: f"{version}-{access}", st.integers(1, 4), st.sampled_from(Access)
)
EXPECTED = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.just(frozenset({ANY_REVISION})),
    st.frozensets(REVISIONS, min_size=1, max_size=3),
)
ATTEMPTS = st.none() | st.builds(
    Attempt,
    key=st.sampled_from(["one", "one", "two"]),
    fingerprint=st.sampled_from(["a", "a", "b"]),
)
LIMITS = st.sampled_from([1, 2, 5, 100])
SEARCHES = st.one_of(
    st.just(""),
    st.just(""),
    st.sampled_from(["l", "lamp", "o", "str"]),
    st.sampled_from(["l", "lamp", "o", "str"]),
    st.sampled_from(WORDS) | PHRASES.map(lambda text: text[:7]) | ODD,
)
QUERIES = st.fixed_dictionaries(
    {
        "whose": st.sampled_from([Whose.ALL, Whose.ALL, *Whose]),
        "tags": st.one_of(
            st.just(()), st.just(()), st.sampled_from(TAGS).map(lambda tag: (tag,)), TAG_SETS
        ),
        "search": SEARCHES,
        "sort": st.sampled_from(Sort),
    }
)
