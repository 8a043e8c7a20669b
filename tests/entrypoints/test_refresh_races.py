"""Proves that no interleaving with a refresh leaves a dead session alive, or a live client out.

Keycloak CVE-2026-1035 (two successors of one token) and keycloak#51312 (a token that was minted
beside a logout lives on), RFC 9700 §4.14.2.
"""

import logging
from collections.abc import Callable, Iterator

import pytest

from application.administration import UserEdit
from application.sign_in import Tokens
from domain.access import Role
from domain.errors import Unavailable
from domain.user import Status, User
from entrypoints.container import Container
from tests.entrypoints.conftest import SettingsOf
from tests.entrypoints.racing import HERE, PASSWORD, ROUNDS, People, at_once

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])

CROWD = 50
BESIDE = 3
"""Refreshes that run beside the one thing that ends the session."""
OTHER_PASSWORD = "a harbour of silent bells"

log = logging.getLogger(__name__)


@pytest.fixture
def people(settings_of: SettingsOf) -> Iterator[People]:
    container = Container(settings=settings_of(refresh_grace=600))
    people = People(container)
    yield people
    log.info("outcomes of %s rounds: %s", ROUNDS, dict(people.outcomes))
    container.database().close()


def test_fifty_who_present_one_token_all_get_its_one_successor(people: People) -> None:
    ada = people.join("ada")
    tokens = people.sign_in(ada)
    for _ in range(ROUNDS):
        outcomes = at_once(*[people.refreshing(tokens)] * CROWD)
        given = people.note(outcomes)
        refused = [each for each in outcomes if not isinstance(each, Tokens)]
        assert all(isinstance(each, Unavailable) for each in refused), people.outcomes
        assert len({each.refresh_token for each in given}) == 1
        assert given[0].refresh_token != tokens.refresh_token
        assert all(people.caller(each) for each in given)
        tokens = given[0]
    assert people.is_alive(tokens)
    assert people.outcomes["OK"] >= ROUNDS * CROWD * 0.9, people.outcomes


def test_nothing_outlives_a_logout_that_it_was_made_beside(people: People) -> None:
    ada = people.join("ada")
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        caller = people.caller(tokens)
        race(people, tokens, lambda caller=caller: people.container.sign_out()(caller))


def test_nothing_outlives_a_revocation(people: People) -> None:
    ada = people.join("ada")
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        old, tokens = tokens.refresh_token, people.refresh(tokens)
        race(people, tokens, lambda old=old: people.container.revoke_token()(old, HERE))


def test_nothing_outlives_a_change_of_the_password_elsewhere(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    now, then = PASSWORD, OTHER_PASSWORD
    for _ in range(ROUNDS):
        change = people.container.change_password()
        caller, passwords = people.caller(here), (now, then)
        race(
            people,
            people.sign_in(ada, now),
            lambda caller=caller, passwords=passwords, change=change: change(caller, *passwords),
        )
        assert people.is_alive(here)
        here, now, then = people.refresh(here), then, now


def test_nothing_outlives_a_suspension_not_even_its_end(people: People) -> None:
    admin, ada = people.caller(people.sign_in(people.join("admin", Role.ADMIN))), people.join("ada")
    edit = people.container.edit_user()
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        given = race(people, tokens, lambda: edit(admin, ada.id, UserEdit(status=Status.SUSPENDED)))
        edit(admin, ada.id, UserEdit(status=Status.ACTIVE))
        assert not any(people.is_alive(each) for each in (tokens, *given))


def test_nothing_outlives_its_account(people: People) -> None:
    for number in range(ROUNDS):
        tokens = people.sign_in(people.join(f"ada{number}"))
        caller = people.caller(tokens)
        delete = people.container.delete_account()
        race(people, tokens, lambda caller=caller, delete=delete: delete(caller, PASSWORD))


def test_nothing_outlives_the_end_of_all_other_sessions(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    end = people.container.end_sessions()
    for _ in range(ROUNDS):
        caller = people.caller(here)
        race(people, people.sign_in(ada), lambda caller=caller: end(caller, include_current=False))
        assert people.is_alive(here)
        here = people.refresh(here)


def test_no_sign_in_with_the_old_password_outlives_its_change(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    now, then = PASSWORD, OTHER_PASSWORD
    for _ in range(ROUNDS):
        caller, change = people.caller(here), people.container.change_password()
        outcomes = at_once(
            lambda caller=caller, change=change, now=now, then=then: change(caller, now, then),
            *[lambda now=now: people.sign_in(ada, now)] * BESIDE,
        )
        given = people.note(outcomes)
        assert people.outcomes.keys() <= {"OK", "INVALID_CREDENTIALS"}
        assert not any(people.is_alive(each) for each in given)
        now, then = then, now


def test_no_sign_in_outlives_a_suspension_beside_it(people: People) -> None:
    admin, ada = people.caller(people.sign_in(people.join("admin", Role.ADMIN))), people.join("ada")
    edit = people.container.edit_user()
    for _ in range(ROUNDS):
        suspended = UserEdit(status=Status.SUSPENDED)
        outcomes = at_once(
            lambda suspended=suspended: edit(admin, ada.id, suspended),
            *[lambda: people.sign_in(ada)] * BESIDE,
        )
        given = people.note(outcomes)
        assert people.outcomes.keys() <= {"OK", "INVALID_CREDENTIALS"}
        edit(admin, ada.id, UserEdit(status=Status.ACTIVE))
        assert not any(people.is_alive(each) for each in given)


def race(people: People, tokens: Tokens, end: Callable[[], object]) -> list[Tokens]:
    """Refresh beside the end of the session; return what was given out, all of it dead."""
    outcomes = at_once(end, *[people.refreshing(tokens)] * BESIDE)
    given = people.note(outcomes)
    assert people.outcomes.keys() <= {"OK", "INVALID_REFRESH_TOKEN"}, people.outcomes
    assert len({each.refresh_token for each in given}) <= 1
    assert not any(people.is_alive(each) for each in (tokens, *given))
    return given


def test_of_all_administrators_who_demote_one_another_one_stays(people: People) -> None:
    number = iter(range(1000))
    for _ in range(ROUNDS):
        admins = [people.join(f"admin{next(number)}", Role.ADMIN) for _ in range(2)]
        callers = [people.caller(people.sign_in(admin)) for admin in admins]
        edit = people.container.edit_user()
        demoted = UserEdit(role=Role.MEMBER)
        people.note(
            at_once(
                lambda edit=edit, callers=callers, admins=admins: edit(
                    callers[0], admins[1].id, demoted
                ),
                lambda edit=edit, callers=callers, admins=admins: edit(
                    callers[1], admins[0].id, demoted
                ),
            )
        )
        roles = [role_of(people, admin) for admin in admins]
        assert sorted(roles) == ["admin", "member"]
        keeper = admins[roles.index(Role.ADMIN)]
        heir = people.join(f"heir{next(number)}", Role.ADMIN)
        edit(callers[0], keeper.id, demoted)
        with people.container.unit_of_work()() as work:
            work.users.remove(heir.id)  # the next round begins without any
            work.commit()
    assert people.outcomes == {"OK": ROUNDS, "LAST_ADMIN": ROUNDS}


def role_of(people: People, user: User) -> Role:
    role: Role = people.container.read_user()(user.id).role
    return role
