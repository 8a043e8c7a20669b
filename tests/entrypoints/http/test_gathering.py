"""Who asks in the same turn of the event loop goes together, and is told their own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.errors import BasaltError, ItemNotFound, Unavailable
from entrypoints.http.gathering import AT_ONCE, Gathering

PATIENCE = 10


class Oracle:
    """Answers with what is asked, once it is let go; refuses what is negative."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun = asyncio.Queue[None]()
        self.calm = asyncio.Event()
        self.calm.set()
        self.failure: Exception | None = None

    async def __call__(self, questions: Sequence[int]) -> Sequence[int | BasaltError]:
        self.asked.append(list(questions))
        self.begun.put_nowait(None)
        await self.calm.wait()
        if self.failure:
            raise self.failure
        return [question if question >= 0 else ItemNotFound() for question in questions]


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def gathering(oracle: Oracle) -> Gathering[int, int]:
    return Gathering(oracle)


async def test_who_asks_in_one_turn_goes_together(
    oracle: Oracle, gathering: Gathering[int, int]
) -> None:
    assert await asyncio.gather(*map(gathering.answer, [3, 1, 2])) == [3, 1, 2]
    assert await gathering.answer(4) == 4
    assert oracle.asked == [[3, 1, 2], [4]]


async def test_who_asks_later_does_not_wait_for_those_before(
    oracle: Oracle, gathering: Gathering[int, int]
) -> None:
    oracle.calm.clear()
    first = asyncio.ensure_future(gathering.answer(1))
    await asyncio.wait_for(oracle.begun.get(), PATIENCE)
    second = asyncio.ensure_future(gathering.answer(2))
    await asyncio.wait_for(oracle.begun.get(), PATIENCE)
    oracle.calm.set()
    assert (await first, await second) == (1, 2)
    assert oracle.asked == [[1], [2]]


async def test_a_refusal_is_told_to_whom_it_is_for(gathering: Gathering[int, int]) -> None:
    asked = [gathering.answer(number) for number in (1, -1, 2)]
    good, bad, other = await asyncio.gather(*asked, return_exceptions=True)
    assert (good, type(bad), other) == (1, ItemNotFound, 2)


@pytest.mark.parametrize("failure", [Unavailable(), ZeroDivisionError()])
async def test_if_nobody_is_answered_everybody_is_told(
    oracle: Oracle, gathering: Gathering[int, int], failure: Exception
) -> None:
    oracle.failure = failure
    told = await asyncio.gather(*map(gathering.answer, [1, 2]), return_exceptions=True)
    assert told == [failure, failure]
    oracle.failure = None
    assert await gathering.answer(3) == 3


async def test_who_goes_away_takes_nobody_else_along(
    oracle: Oracle, gathering: Gathering[int, int]
) -> None:
    oracle.calm.clear()
    gone, stays = (asyncio.ensure_future(gathering.answer(number)) for number in (1, 2))
    await asyncio.wait_for(oracle.begun.get(), PATIENCE)
    gone.cancel()
    oracle.calm.set()
    assert await asyncio.wait_for(stays, PATIENCE) == 2
    assert gone.cancelled()


async def test_no_more_than_so_many_go_together(
    oracle: Oracle, gathering: Gathering[int, int]
) -> None:
    numbers = list(range(AT_ONCE + 1))
    assert await asyncio.gather(*map(gathering.answer, numbers)) == numbers
    assert list(map(len, oracle.asked)) == [AT_ONCE, 1]


def test_an_event_loop_that_ended_in_between_is_in_nobodys_way(
    oracle: Oracle, gathering: Gathering[int, int]
) -> None:
    ended = asyncio.new_event_loop()
    asking = gathering.answer(1)
    ended.call_soon(asking.send, None)
    ended.call_soon(ended.stop)
    ended.run_forever()
    ended.close()
    asking.close()
    assert asyncio.run(asyncio.wait_for(gathering.answer(2), PATIENCE)) == 2
    assert oracle.asked == [[2]]
