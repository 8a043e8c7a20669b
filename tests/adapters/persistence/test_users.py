"""Every store keeps users as the port promises."""

from dataclasses import replace

import pytest

from application.ports.accounts import UserFilter
from application.ports.places import Place
from domain.access import Role, SessionId, UserId
from domain.errors import EmailTaken
from domain.item import ItemId
from domain.user import Status, User
from tests.application.house import Store
from tests.domain.examples import (
    ANNA,
    BERT,
    LATER,
    NOW,
    SESSION,
    a_session,
    a_user,
    an_item,
    uuid,
)

BERTS = a_user(id=BERT, email="bert@example.com")


def keep(store: Store, *users: User) -> None:
    with store.unit_of_work() as work:
        for user in users:
            work.users.add(user)
        work.commit()


def found(store: Store, **wanted: object) -> list[str]:
    """Return the addresses of the users that a search finds, in its order."""
    with store.reading() as see:
        users = see.users.matching(UserFilter(**wanted), after=None, limit=100)  # type: ignore[arg-type]  # by name
    return [user.email for user in users]


def test_a_user_is_found_by_id_and_by_address(store: Store, anna: User) -> None:
    with store.reading() as see:
        assert see.users.get(ANNA) == anna
        assert see.users.by_email("anna@example.com") == anna


def test_nobody_is_found_under_another_id_or_address(store: Store, anna: User) -> None:
    with store.reading() as see:
        assert see.users.get(BERT) is None
        assert see.users.by_email("bert@example.com") is None
    with store.unit_of_work() as work:
        assert work.users.lock(BERT) is None


@pytest.mark.parametrize("typed", ["", "ANNA@EXAMPLE.COM", "anna@example.com ", "anna%", "_" * 16])
def test_what_is_no_canonical_address_finds_nobody(store: Store, anna: User, typed: str) -> None:
    with store.reading() as see:
        assert see.users.by_email(typed) is None


def test_a_user_who_is_held_can_be_changed(store: Store, anna: User) -> None:
    changed = replace(
        anna,
        email="other@example.com",
        display_name=None,
        role=Role.ADMIN,
        status=Status.SUSPENDED,
        email_verified=True,
        password_hash=None,
        updated_at=LATER,
    )
    with store.unit_of_work() as work:
        assert work.users.lock(ANNA) == anna
        work.users.save(changed)
        work.commit()
    with store.reading() as see:
        assert see.users.get(ANNA) == changed
        assert see.users.by_email("anna@example.com") is None


def test_an_address_belongs_to_one_user(store: Store, anna: User) -> None:
    with store.unit_of_work() as work, pytest.raises(EmailTaken):
        work.users.add(replace(BERTS, email=anna.email))
    keep(store, BERTS)
    with store.unit_of_work() as work, pytest.raises(EmailTaken):
        work.users.save(replace(BERTS, email=anna.email))
    with store.reading() as see:
        assert see.users.get(BERT) == BERTS


def test_an_address_that_was_given_up_is_free(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.users.add(replace(BERTS, email=anna.email))
        work.commit()
    with store.reading() as see:
        assert see.users.get(ANNA) is None
        assert see.users.by_email(anna.email) == replace(BERTS, email=anna.email)


def test_with_a_user_goes_all_that_is_theirs_and_nothing_else(store: Store, anna: User) -> None:
    bert_session, bert_item = SessionId(uuid(12)), ItemId(uuid(22))
    keep(store, BERTS)
    with store.unit_of_work() as work:
        work.sessions.add(a_session())
        work.sessions.add(a_session(id=bert_session, user_id=BERT))
        work.items.add(an_item())
        work.items.add(an_item(id=bert_item, owner_id=BERT))
        work.commit()
    with store.unit_of_work() as work:
        work.users.remove(ANNA)
        work.commit()
    with store.reading() as see:
        assert see.users.get(ANNA) is None
        assert see.sessions.standing(SESSION) is None
        assert see.items.get(an_item().id) is None
        assert see.users.get(BERT) == BERTS
        assert see.sessions.standing(bert_session)
        assert see.items.get(bert_item)


def test_only_active_administrators_are_held_as_such(store: Store) -> None:
    keep(
        store,
        a_user(id=UserId(uuid(3)), email="3@example.com", role=Role.ADMIN),
        a_user(id=UserId(uuid(4)), email="4@example.com", role=Role.ADMIN),
        a_user(
            id=UserId(uuid(5)),
            email="5@example.com",
            role=Role.ADMIN,
            status=Status.SUSPENDED,
        ),
        a_user(id=UserId(uuid(6)), email="6@example.com"),
    )
    with store.unit_of_work() as work:
        assert work.users.lock_active_admins() == {uuid(3), uuid(4)}


def test_without_administrators_nobody_is_held(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        assert work.users.lock_active_admins() == frozenset()


def test_users_are_found_by_words_role_and_status_together(store: Store) -> None:
    keep(
        store,
        a_user(id=UserId(uuid(1)), email="1@one.example", display_name="Stra\u00dfe 100%"),
        a_user(id=UserId(uuid(2)), email="2@two.example", display_name=None, role=Role.ADMIN),
        a_user(id=UserId(uuid(3)), email="3@two.example", status=Status.SUSPENDED),
        a_user(id=UserId(uuid(4)), email="4@two.example", display_name="under_score"),
    )
    assert found(store) == ["4@two.example", "3@two.example", "2@two.example", "1@one.example"]
    assert found(store, words="TWO") == ["4@two.example", "3@two.example", "2@two.example"]
    assert found(store, words="STRASSE") == ["1@one.example"]
    assert found(store, words="0%") == ["1@one.example"]
    assert found(store, words="r_s") == ["4@two.example"]
    assert found(store, words="%") == ["1@one.example"]
    assert found(store, words="no such thing") == []
    assert found(store, role=Role.ADMIN) == ["2@two.example"]
    assert found(store, status=Status.SUSPENDED) == ["3@two.example"]
    assert found(store, words="two", role=Role.MEMBER, status=Status.ACTIVE) == ["4@two.example"]


def test_a_renamed_user_is_found_by_the_new_name_only(store: Store, anna: User) -> None:
    with store.unit_of_work() as work:
        work.users.save(replace(anna, display_name="Berta"))
        work.commit()
    assert found(store, words="berta") == [anna.email]
    assert found(store, words="Anna") == [anna.email]  # the address has it still
    assert found(store, words="\nanna") == []


def test_users_come_newest_first_page_by_page_also_within_one_moment(store: Store) -> None:
    users = [
        a_user(
            id=UserId(uuid(number)),
            email=f"{number}@example.com",
            created_at=LATER if number == 2 else NOW,
        )
        for number in (5, 2, 9, 1, 7)
    ]
    keep(store, *users)
    pages = []
    after = None
    with store.reading() as see:
        while page := see.users.matching(UserFilter(), after=after, limit=2):
            pages.append([user.email[0] for user in page])
            after = Place(page[-1].created_at, page[-1].id)
    assert pages == [["2", "9"], ["7", "5"], ["1"]]
