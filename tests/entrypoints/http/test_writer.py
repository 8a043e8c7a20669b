"""Proves that whoever shares a commit is told nothing before it, and is told if it fails."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.errors import Conflicted, Unavailable
from entrypoints.http import jobs as module
from entrypoints.http.writer import CAREFUL_FOR, TOGETHER_MAX, Writer

PATIENCE = 10


class Disk:
    """A commit that lasts until it is let go, and may fail."""

    def __init__(self) -> None:
        self.calm = threading.Event()
        self.reached = threading.Event()
        self.failure: Exception | None = None
        self.commits = 0
        self.is_spoilt = False
        self.is_free = threading.Event()
        self.is_free.set()

    @contextmanager
    def together(self, *, each_alone: bool = False) -> Iterator[None]:
        assert self.is_free.wait(PATIENCE)
        yield
        if self.is_spoilt and not each_alone:
            raise Conflicted
        self.reached.set()
        assert self.calm.wait(PATIENCE)
        self.commits += 1
        if self.failure:
            raise self.failure


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> Iterator[Writer]:
    """Return a writer for which a hundred calls may wait."""
    writer = Writer(disk.together, queue=100)
    yield writer
    disk.calm.set()
    writer.close()


async def reached(disk: Disk) -> None:
    assert await asyncio.to_thread(disk.reached.wait, PATIENCE)


async def test_nobody_is_told_before_the_commit(disk: Disk, writer: Writer) -> None:
    good = asyncio.ensure_future(writer.run(divmod, 7, 2))
    bad = asyncio.ensure_future(writer.run(divmod, 7, 0))
    await reached(disk)
    await asyncio.sleep(0.05)
    assert not good.done()
    assert not bad.done()
    disk.calm.set()
    assert await good == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await bad


async def test_if_the_commit_fails_everybody_is_told(disk: Disk, writer: Writer) -> None:
    disk.failure = Unavailable()
    disk.calm.set()
    calls = [writer.run(divmod, 7, 2), writer.run(divmod, 7, 0)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]


async def test_where_one_spoilt_it_for_all_they_are_done_anew(disk: Disk, writer: Writer) -> None:
    done: list[str] = []
    disk.is_spoilt = True
    disk.calm.set()
    calls = [writer.run(done.append, "good"), writer.run(divmod, 7, 0)]
    good, bad = await asyncio.gather(*calls, return_exceptions=True)
    assert good is None
    assert isinstance(bad, ZeroDivisionError)
    assert done == ["good", "good"]
    assert disk.commits == 1


async def test_who_spoils_it_again_and_again_does_not_double_the_work_of_others(
    disk: Disk, writer: Writer
) -> None:
    done: list[int] = []
    disk.is_spoilt = True
    disk.calm.set()
    for number in range(CAREFUL_FOR + 2):
        await writer.run(done.append, number)
    assert done == [0, *range(CAREFUL_FOR + 2), CAREFUL_FOR + 1]


async def test_those_who_come_meanwhile_share_the_next_commit(disk: Disk, writer: Writer) -> None:
    first = asyncio.ensure_future(writer.run(divmod, 1, 1))
    await reached(disk)
    others = [asyncio.ensure_future(writer.run(divmod, number, 1)) for number in range(9)]
    await asyncio.sleep(0)
    disk.calm.set()
    assert await first == (1, 0)
    assert await asyncio.gather(*others) == [(number, 0) for number in range(9)]
    assert disk.commits == 2


async def test_no_more_than_so_many_share_one(disk: Disk, writer: Writer) -> None:
    first = asyncio.ensure_future(writer.run(divmod, 1, 1))
    await reached(disk)
    others = [asyncio.ensure_future(writer.run(divmod, 1, 1)) for _ in range(TOGETHER_MAX + 1)]
    await asyncio.sleep(0)
    disk.calm.set()
    await asyncio.gather(first, *others)
    assert disk.commits == 3


async def test_what_does_not_fit_is_refused_at_once(disk: Disk, writer: Writer) -> None:
    first = asyncio.ensure_future(writer.run(divmod, 1, 1))
    await reached(disk)
    waiting = [asyncio.ensure_future(writer.run(divmod, 1, 1)) for _ in range(100)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(writer.run(divmod, 1, 1), 1)
    disk.calm.set()
    await asyncio.gather(first, *waiting)
    assert await writer.run(divmod, 1, 1) == (1, 0)


async def test_whoever_waited_too_long_is_told_to_come_again_and_nothing_is_done(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    first = asyncio.ensure_future(writer.run(done.append, "first"))
    await reached(disk)
    monkeypatch.setattr(module, "BEGUN_WITHIN", -1)
    late = asyncio.ensure_future(writer.run(done.append, "late"))
    left = asyncio.ensure_future(writer.run(done.append, "left"))
    await asyncio.sleep(0)
    left.cancel()
    disk.calm.set()
    await first
    with pytest.raises(Unavailable):
        await late
    assert done == ["first"]


async def test_nothing_is_done_for_whoever_was_told_while_another_held_the_disk(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    disk.calm.set()
    disk.is_free.clear()
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with pytest.raises(Unavailable):
        await writer.run(done.append, "told")
    monkeypatch.undo()
    later = asyncio.ensure_future(writer.run(done.append, "later"))
    disk.is_free.set()
    await later
    assert done == ["later"]


async def test_closing_waits_for_what_was_begun(disk: Disk, writer: Writer) -> None:
    call = asyncio.ensure_future(writer.run(divmod, 7, 2))
    await reached(disk)
    closing = asyncio.ensure_future(asyncio.to_thread(writer.close))
    await asyncio.sleep(0.05)
    assert not closing.done()
    disk.calm.set()
    await closing
    assert await call == (3, 1)


async def test_who_waits_when_it_closes_is_told_to_come_again(disk: Disk, writer: Writer) -> None:
    first = asyncio.ensure_future(writer.run(divmod, 1, 1))
    await reached(disk)
    waiting = [asyncio.ensure_future(writer.run(divmod, 1, 1)) for _ in range(TOGETHER_MAX + 1)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(asyncio.to_thread(writer.close))
    await asyncio.sleep(0.05)
    disk.calm.set()
    await closing
    assert await first == (1, 0)
    told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert {type(answer) for answer in told} == {Unavailable}
    with pytest.raises(Unavailable):
        await writer.run(divmod, 1, 1)


async def test_a_thread_that_cannot_be_started_fails_its_calls_and_no_later_one(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    disk.calm.set()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(writer.run(divmod, 1, 1), PATIENCE)
    assert await asyncio.wait_for(writer.run(divmod, 7, 2), PATIENCE) == (3, 1)


class Odd(BaseException):
    """What no use case raises."""


@pytest.mark.parametrize("odd", [Odd, StopIteration])
async def test_whatever_a_call_raises_nobody_hangs_and_nothing_false_is_told(
    disk: Disk, writer: Writer, odd: type[BaseException]
) -> None:
    def raise_it() -> None:
        raise odd

    disk.calm.set()
    calls = [writer.run(divmod, 7, 2), writer.run(raise_it), writer.run(divmod, 8, 2)]
    told = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
    if odd is Odd:  # which undoes all of it
        assert [type(answer) for answer in told] == [Unavailable] * 3
    else:
        assert (told[0], type(told[1]), told[2]) == ((3, 1), RuntimeError, (4, 0))
    assert await asyncio.wait_for(writer.run(divmod, 7, 2), PATIENCE) == (3, 1)


async def test_who_waited_too_long_does_not_wait_for_the_disk_too(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEGUN_WITHIN", -1)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(writer.run(divmod, 7, 2), PATIENCE)
    assert not disk.reached.is_set()
