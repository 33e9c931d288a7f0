"""How many requests begin at once: never more than there is room for, in their order, and nobody is held up by a slow one."""

from __future__ import annotations

import asyncio

import pytest

from lics_actors.runtime import pacing
from lics_actors.runtime.pacing import PER_PROCESSOR, Pacing, beginnings
from tests.waiting import eventually


class Works:
    """Requests that end when told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ends = [asyncio.Event() for _ in range(100)]

    async def one(self, n: int) -> int:
        self.begun.append(n)
        await self.ends[n].wait()
        return n


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_so_many_begin_and_each_makes_room_for_the_next_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD_S", 60.0)
    works, paced = Works(), Pacing(3)
    asked = [asyncio.create_task(paced.run(lambda n=n: works.one(n))) for n in range(6)]  # type: ignore[misc]
    await turns()
    assert works.begun == [0, 1, 2]
    works.ends[1].set()
    await turns()
    assert works.begun == [0, 1, 2, 3]
    asked[4].cancel()  # gave up before its turn
    asked[0].cancel()  # and while it was under way
    await turns()
    assert works.begun == [0, 1, 2, 3, 5]
    for end in works.ends:
        end.set()
    assert await asyncio.gather(*asked, return_exceptions=True) != []
    assert [task.result() for task in asked if not task.cancelled()] == [1, 2, 3, 5]
    assert paced._room._value == 3


async def test_who_waits_for_a_device_makes_room_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD_S", 0.01)
    works, paced = Works(), Pacing(2)
    asked = [asyncio.create_task(paced.run(lambda n=n: works.one(n))) for n in range(7)]  # type: ignore[misc]
    await eventually(lambda: len(works.begun) == 7)
    for end in works.ends:
        end.set()
    assert await asyncio.gather(*asked) == list(range(7))
    await asyncio.sleep(0.03)  # longer than any hold: nothing makes room a second time
    assert paced._room._value == 2


async def test_a_failure_makes_room_too() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    paced = Pacing(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await paced.run(fails)
    assert paced._room._value == 1


def test_processes_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [beginnings(n) for n in (1, 2, 4, 64)] == [32, 16, 8, PER_PROCESSOR]
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert beginnings(1) == PER_PROCESSOR
