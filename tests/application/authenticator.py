"""Somebody's authenticator app, as the tests hold it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.access import Person
from domain.errors import SecondFactorRequired
from domain.second_factor import step_at
from tests.application.house import EMAIL, HERE, PASSWORD, House


@dataclass(frozen=True, slots=True)
class App:
    """An app that was told its secret."""

    house: House
    secret: str

    def code(self, ahead: int = 0) -> str:
        """Return the code of a step from now."""
        return f"{self.secret} {step_at(self.house.clock.now) + ahead}"


def begun(house: House, caller: Person) -> App:
    """Return the app of a second factor that is not in force yet."""
    return App(house, house.begin_second_factor(caller).secret)


def protect(house: House, caller: Person) -> tuple[App, Sequence[str]]:
    """Put a second factor in force; return the app, with today's codes unused, and the spares."""
    app = begun(house, caller)
    return app, house.confirm_second_factor(caller, app.code(-1))


def again(house: House, caller: Person) -> Person:
    """Return the caller as the next request finds them."""
    (session,) = [one for one in house.sessions() if one.id == caller.session_id]
    return replace(caller, proved_at=session.proved_at)


def challenge(house: House, email: str = EMAIL, password: str = PASSWORD) -> str:
    """Sign in by the first factor; return the challenge for the second."""
    try:
        house.sign_in(email, password, None, HERE)
    except SecondFactorRequired as required:
        return required.challenge
    raise AssertionError("nobody asked for a second factor")
