"""What is read behind the async face is what the file holds, whether it comes from memory or from there."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from lics_actors.recorder import recent
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.disk import Disk, DiskThread, open_disk
from lics_actors.recorder.errors import SpoolCorruptError
from lics_actors.recorder.spool import FILE, Spool


@pytest.fixture
async def disk(data_dir: Path) -> AsyncIterator[Disk]:
    thread = DiskThread()
    disk = await open_disk(thread, data_dir, 1 << 30)
    yield disk
    await disk.close()
    thread.close()


def arrivals(*numbers: int) -> list[Arrival]:
    return [Arrival(b"t", str(number).encode(), 0) for number in numbers]


def numbers(found: Sequence[tuple[int, Arrival]]) -> list[int]:
    return [int(arrival.payload) for _, arrival in found]


async def read(disk: Disk, after: int) -> list[tuple[int, Arrival]]:
    return await disk.read(after, 1000, 1 << 20)


def spoil_segments(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as database:
        database.execute("UPDATE segment SET messages = x'00'")
    database.close()


async def test_what_was_just_appended_is_not_read_again(disk: Disk, data_dir: Path) -> None:
    after = disk.last
    await disk.append(arrivals(1, 2))
    await disk.append(arrivals(3))
    spoil_segments(data_dir)
    found = await read(disk, after)
    assert numbers(found) == [1, 2, 3]
    assert [position for position, _ in found] == [after + 1, after + 2, after + 3]
    assert numbers(await read(disk, after + 2)) == [3]
    assert not disk.damaged()


async def test_what_is_too_much_for_memory_is_read_from_the_file(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "RECENT_MESSAGES", 3)
    after, seen = disk.last, list[int]()
    for number in range(10):
        await disk.append(arrivals(number))
    while found := await disk.read(after, 2, 1 << 20):
        seen += numbers(found)
        after = found[-1][0]
        await disk.trim(after)
    assert seen == list(range(10))


async def test_a_file_begun_anew_gives_new_positions_to_what_it_saved(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    after = disk.last
    await disk.append(arrivals(1, 2))
    append, failed = Spool.append, list[int]()

    def fails_once(spool: Spool, said: Sequence[Arrival]) -> int:
        if not failed:
            failed.append(1)
            raise SpoolCorruptError(spool.path, "a test")
        return append(spool, said)

    monkeypatch.setattr(Spool, "append", fails_once)
    await disk.append(arrivals(3))
    found = await read(disk, after)
    assert numbers(found) == [1, 2, 3]
    assert found[0][0] > after + 2, "no position is used twice"
    await disk.append(arrivals(4))
    assert numbers(await read(disk, found[1][0])) == [3, 4]
    await disk.trim(found[2][0])
    assert numbers(await read(disk, found[2][0])) == [4]
    assert disk.trimmed == found[2][0]
