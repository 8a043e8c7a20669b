"""Every error has a code and a sentence, and repeats nothing that was submitted."""

import inspect
import re
from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import BasaltError, InsufficientScope, InvalidValue, WeakPassword


def every_error(family: type[BasaltError] = BasaltError) -> Iterator[type[BasaltError]]:
    """Go through the domain's own errors: outer rooms, where they are loaded, add others."""
    for error in family.__subclasses__():
        if error.__module__ == BasaltError.__module__:
            yield error
        yield from every_error(error)


ERRORS = [error for error in dict.fromkeys(every_error()) if "code" in vars(error)]
WITHOUT_ARGUMENTS = [error for error in ERRORS if not inspect.signature(error).parameters]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_has_a_stable_code_and_a_sentence(error: type[BasaltError]) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]+[A-Z]", error.code)
    assert re.fullmatch(r"[A-Z].+\.", error.message, re.DOTALL)


def test_a_code_belongs_to_one_family() -> None:
    """Each family has one status, so a code says one status, too."""
    families = {(error.code, error.mro()[-4].__name__) for error in ERRORS}
    codes = {code for code, _ in families}
    assert len(codes) > 20
    assert len(families) == len(codes)


@pytest.mark.parametrize("error", WITHOUT_ARGUMENTS)
def test_an_error_says_its_sentence_and_no_more(error: type[BasaltError]) -> None:
    broken = error()
    assert str(broken) == error.message
    assert broken.details == {}


def test_errors_with_details_say_what_a_client_can_act_on() -> None:
    assert InsufficientScope(("a", "b")).details == {"scope": "a b"}
    assert WeakPassword("common").details == {"reason": "common"}
    assert InvalidValue("title", "string_nul", "A sentence.").details == {
        "errors": [{"field": "title", "code": "string_nul", "message": "A sentence."}]
    }


def test_the_tree_at_the_top_of_the_module_draws_every_error() -> None:
    drawn = set(re.findall(r"[A-Z]\w+", (errors.__doc__ or "").split("\n\n", 1)[1]))
    assert {error.__name__ for error in every_error()} - drawn <= set()
