"""Who acts, on which item, and the steps of a batch: strategies that draw from what there is."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle

from application.batch import Create, Delete, Update
from domain.access import Caller
from domain.errors import InvalidValue
from domain.item import ItemId
from tests.adapters.persistence.item_examples import DRAFTS, EDITS, EXPECTED
from tests.adapters.persistence.sharing_house import email_of
from tests.domain.examples import uuid

PAUSES = [
    timedelta(microseconds=1), timedelta(seconds=-1), timedelta(hours=1), timedelta(days=1),
    timedelta(days=30), timedelta(days=31),
]  # fmt: skip
PEOPLE: Bundle[Caller] = Bundle("people")
ITEMS: Bundle[ItemId] = Bundle("items")
ACTORS = st.one_of(st.none(), st.none(), PEOPLE)
"""Who acts; None is the item's owner, or the first administrator."""

FRIENDS = st.one_of(st.none(), st.none(), PEOPLE)
"""Whose access it is about; None is somebody with whom the item is shared, or its owner."""

EMAILS = st.one_of(*[PEOPLE.map(email_of)] * 6, st.sampled_from(["nobody@example.com", "nobody"]))
THIS_ONE = ItemId(uuid(0))
"""Stands in a batch for the item that most of it is about."""

STEPS = st.one_of(
    st.builds(Create, DRAFTS),
    st.builds(Update, st.just(THIS_ONE) | ITEMS, EDITS, EXPECTED),
    st.builds(Update, st.just(THIS_ONE), EDITS),
    st.builds(Delete, st.just(THIS_ONE) | ITEMS, EXPECTED),
    st.just(InvalidValue("body", "missing", "It is missing.")),
)
