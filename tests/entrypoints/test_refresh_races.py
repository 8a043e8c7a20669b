"""Proves that no interleaving with a refresh leaves a dead session alive, or a live client out.

Keycloak CVE-2026-1035 (two successors of one token) and keycloak#51312 (a token that was minted
beside a logout lives on), RFC 9700 §4.14.2.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from application.administration import UserEdit
from application.admission import Tokens
from application.machine_keys import CreatedKey
from domain.access import Role, Scope
from domain.errors import TokenRevoked, Unavailable
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


def test_a_late_copy_never_takes_the_newest_token_from_its_client(people: People) -> None:
    """Either the copy came in time and all is well, or it ends the session; nothing between."""
    ada = people.join("ada")
    for _ in range(5 * ROUNDS):
        first = people.sign_in(ada)
        twice = partial(refresh_twice, people, first)
        outcomes = at_once(twice, *[people.refreshing(first)] * BESIDE)
        people.note(outcomes)
        assert people.outcomes.keys() <= {"OK", "REFRESH_TOKEN_REUSED", "INVALID_REFRESH_TOKEN"}
        newest = outcomes[0]
        came_in_time = all(isinstance(each, Tokens) for each in outcomes)
        if isinstance(newest, Tokens):
            assert people.is_alive(newest) == came_in_time


def refresh_twice(people: People, tokens: Tokens) -> Tokens:
    return people.refresh(people.refresh(tokens))


def test_nothing_outlives_a_logout_that_it_was_made_beside(people: People) -> None:
    ada = people.join("ada")
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        caller = people.caller(tokens)
        race(people, tokens, partial(people.container.sign_out(), caller))


def test_nothing_outlives_a_revocation(people: People) -> None:
    ada = people.join("ada")
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        old, tokens = tokens.refresh_token, people.refresh(tokens)
        race(people, tokens, partial(people.container.revoke_token(), old, HERE))


def test_nothing_outlives_a_change_of_the_password_elsewhere(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    now, then = PASSWORD, OTHER_PASSWORD
    for _ in range(ROUNDS):
        change = partial(people.container.change_password(), people.caller(here), now, then)
        race(people, people.sign_in(ada, now), change)
        assert people.is_alive(here)
        here, now, then = people.refresh(here), then, now


def test_nothing_outlives_a_suspension_not_even_its_end(people: People) -> None:
    admin, ada = people.caller(people.sign_in(people.join("admin", Role.ADMIN))), people.join("ada")
    edit = people.container.edit_user()
    suspend = partial(edit, admin, ada.id, UserEdit(status=Status.SUSPENDED))
    for _ in range(ROUNDS):
        tokens = people.sign_in(ada)
        given = race(people, tokens, suspend)
        edit(admin, ada.id, UserEdit(status=Status.ACTIVE))
        assert not any(people.is_alive(each) for each in (tokens, *given))


def test_nothing_outlives_its_account(people: People) -> None:
    for number in range(ROUNDS):
        tokens = people.sign_in(people.join(f"ada{number}"))
        caller = people.caller(tokens)
        delete = people.container.delete_account()
        race(people, tokens, partial(delete, caller, PASSWORD))


def test_nothing_outlives_the_end_of_all_other_sessions(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    end = people.container.end_sessions()
    for _ in range(ROUNDS):
        caller = people.caller(here)
        race(people, people.sign_in(ada), partial(end, caller, include_current=False))
        assert people.is_alive(here)
        here = people.refresh(here)


def test_no_sign_in_with_the_old_password_outlives_its_change(people: People) -> None:
    ada = people.join("ada")
    here = people.sign_in(ada)
    now, then = PASSWORD, OTHER_PASSWORD
    for _ in range(ROUNDS):
        change = partial(people.container.change_password(), people.caller(here), now, then)
        outcomes = at_once(change, *[partial(people.sign_in, ada, now)] * BESIDE)
        given = people.note(outcomes)
        assert people.outcomes.keys() <= {"OK", "INVALID_CREDENTIALS"}
        assert not any(people.is_alive(each) for each in given)
        now, then = then, now


def test_no_sign_in_outlives_a_suspension_beside_it(people: People) -> None:
    admin, ada = people.caller(people.sign_in(people.join("admin", Role.ADMIN))), people.join("ada")
    edit = people.container.edit_user()
    suspend = partial(edit, admin, ada.id, UserEdit(status=Status.SUSPENDED))
    for _ in range(ROUNDS):
        outcomes = at_once(suspend, *[partial(people.sign_in, ada)] * BESIDE)
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
    edit, demoted = people.container.edit_user(), UserEdit(role=Role.MEMBER)
    for number in range(ROUNDS):
        admins = [people.join(f"{name}{number}", Role.ADMIN) for name in ("one", "other")]
        acts = [
            partial(edit, people.caller(people.sign_in(admin)), victim.id, demoted)
            for admin, victim in zip(admins, reversed(admins), strict=True)
        ]
        people.note(at_once(*acts))
        assert sorted(role_of(people, admin) for admin in admins) == ["admin", "member"]
        with people.container.unit_of_work()() as work:
            for admin in admins:
                work.users.remove(admin.id)  # the next round begins without any
            work.commit()
    assert people.outcomes == {"OK": ROUNDS, "LAST_ADMIN": ROUNDS}


def role_of(people: People, user: User) -> Role:
    role: Role = people.container.read_user()(user.id).role
    return role


def test_no_key_for_machines_is_made_beside_a_reset_and_outlives_it(people: People) -> None:
    ada = people.join("ada")
    password = PASSWORD
    for number in range(ROUNDS):
        caller = people.caller(people.sign_in(ada, password))
        letter = people.recovery(ada)
        password = f"a password of round {number}"
        make = partial(
            people.container.create_machine_key(),
            caller,
            "a thief's",
            frozenset({Scope.ITEMS_READ}),
        )
        reset = partial(people.container.reset_password(), letter, password, HERE)
        outcomes = at_once(reset, *[make] * BESIDE)
        assert outcomes[0] is None, outcomes
        for made in outcomes[1:]:
            if isinstance(made, CreatedKey):
                with pytest.raises(TokenRevoked):
                    people.container.identify()(made.text, HERE)
