"""Who may do what to an item, and at which of its revisions."""

import pytest

from domain.access import Role, Scope
from domain.errors import Forbidden, PreconditionFailed
from domain.item import ANY_REVISION, PERMITTED, Access, Act, SeenItem
from tests.domain.examples import ANNA, BERT, a_caller, an_item

MEMBER = Role.MEMBER.scopes
ITEMS_ADMIN = MEMBER | {Scope.ITEMS_ADMIN}
POLICY = {
    Access.OWNER: {Act.READ, Act.EDIT, Act.DELETE, Act.SHARE},
    Access.EDITOR: {Act.READ, Act.EDIT},
    Access.VIEWER: {Act.READ},
    Access.ADMIN: {Act.READ, Act.EDIT, Act.DELETE},
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("access", Access)
def test_the_policy_is_the_one_that_clients_were_told(access: Access, act: Act) -> None:
    assert (act in PERMITTED[access]) is (act in POLICY[access])


@pytest.mark.parametrize("act", Act)
def test_the_owner_may_do_everything_whatever_else_they_are(act: Act) -> None:
    item = an_item(owner_id=ANNA)
    assert item.access_for(a_caller(), act) is Access.OWNER
    assert item.access_for(a_caller(role=Role.ADMIN), act) is Access.OWNER


@pytest.mark.parametrize("act", Act)
def test_a_stranger_may_do_nothing(act: Act) -> None:
    with pytest.raises(Forbidden):
        an_item(owner_id=BERT).access_for(a_caller(), act)


@pytest.mark.parametrize("act", Act)
def test_an_administrator_of_items_may_do_all_but_share(act: Act) -> None:
    caller = a_caller(role=Role.ADMIN, scopes=ITEMS_ADMIN)
    item = an_item(owner_id=BERT)
    if act is Act.SHARE:
        with pytest.raises(Forbidden):
            item.access_for(caller, act)
    else:
        assert item.access_for(caller, act) is Access.ADMIN


@pytest.mark.parametrize("act", Act)
def test_an_administrator_whose_token_lacks_the_scope_is_a_stranger(act: Act) -> None:
    with pytest.raises(Forbidden):
        an_item(owner_id=BERT).access_for(a_caller(role=Role.ADMIN, scopes=MEMBER), act)


def test_a_revision_differs_by_version_and_by_access() -> None:
    assert an_item(version=3).revision(Access.OWNER) == "3-owner"
    seen = {
        SeenItem(item=an_item(version=version), access=access).revision
        for version in (1, 2, 11)
        for access in Access
    }
    assert len(seen) == 3 * len(Access)


@pytest.mark.parametrize(
    "expected",
    [
        None,
        frozenset({"3-owner"}),
        frozenset({"2-owner", "3-owner"}),
        frozenset({ANY_REVISION}),
        frozenset({ANY_REVISION, "1-owner"}),
    ],
)
def test_an_item_at_an_expected_revision_is_as_expected(expected: frozenset[str] | None) -> None:
    an_item(version=3).expect(expected, Access.OWNER)


@pytest.mark.parametrize("revision", ["2-owner", "4-owner", "3-admin", "3", "3-OWNER", "", "**"])
def test_an_item_at_any_other_revision_is_not(revision: str) -> None:
    with pytest.raises(PreconditionFailed):
        an_item(version=3).expect(frozenset({revision}), Access.OWNER)


def test_expecting_none_of_all_revisions_is_met_by_no_item() -> None:
    with pytest.raises(PreconditionFailed):
        an_item(version=3).expect(frozenset(), Access.OWNER)
