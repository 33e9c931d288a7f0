"""The spool keeps what it said it has, in order, whatever happens to the process, the file or the disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lics_actors.errors import StorageFullError
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.errors import SpoolCorruptError, SpoolInUseError
from lics_actors.recorder.spool import FILE, SEGMENT_MESSAGES, Spool, read_spool

MANY = 10**9
arrivals = st.builds(
    Arrival,
    st.binary(max_size=50),
    st.binary(max_size=300),
    st.integers(0, 2**50),
    st.booleans(),
    st.none() | st.integers(0, 2**30),
)


def arrival(n: int, size: int = 20) -> Arrival:
    return Arrival(b"devices/x/telemetry", str(n).encode().ljust(size), n)


def everything(spool: Spool, after: int | None = None) -> list[tuple[int, Arrival]]:
    return read_spool(spool.path, spool.trimmed if after is None else after, MANY, MANY)


def numbers(found: list[tuple[int, Arrival]]) -> list[int]:
    return [each.received_us for _, each in found]


@given(st.lists(st.lists(arrivals, max_size=5), max_size=6), st.integers(0, 30), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_what_goes_in_comes_out_in_order_and_numbered(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Arrival]], skip: int, limit: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    start, expected = spool.last, [each for batch in batches for each in batch]
    for batch in batches:
        assert spool.append(batch) == spool.last
    assert spool.last == start + len(expected)
    assert everything(spool) == list(enumerate(expected, start + 1))
    assert everything(spool, start + skip) == list(enumerate(expected, start + 1))[skip:]
    piecewise, after = [], start
    while piece := read_spool(spool.path, after, limit, MANY):
        piecewise += piece
        after = piece[-1][0]
    assert [each for _, each in piecewise] == expected
    spool.close()


def test_trimmed_messages_are_gone_and_positions_never_come_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first = spool.append([arrival(1), arrival(2)])
    second = spool.append([arrival(3), arrival(4)])
    spool.trim(first)
    assert numbers(everything(spool)) == [3, 4]
    spool.trim(second)
    assert everything(spool) == []
    spool.close()
    again = Spool(tmp_path)
    assert (again.trimmed, again.last) == (second, second)
    assert again.append([arrival(5)]) == second + 1
    again.close()


def test_a_segment_goes_only_as_a_whole_and_is_read_from_the_middle(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    last = spool.append([arrival(n) for n in range(5)])
    spool.trim(last - 2)
    spool.trim(last - 3)  # an older one than the last
    assert spool.trimmed == last - 2
    assert numbers(everything(spool)) == [3, 4]
    spool.close()
    again = Spool(tmp_path)
    assert numbers(everything(again)) == [3, 4]
    again.close()


def test_large_commits_are_divided_and_reads_are_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([arrival(n) for n in range(2 * SEGMENT_MESSAGES + 1)])
    assert len(read_spool(spool.path, spool.trimmed, 1, MANY)) == SEGMENT_MESSAGES
    assert len(read_spool(spool.path, spool.trimmed, MANY, 1)) == SEGMENT_MESSAGES
    assert len(everything(spool)) == 2 * SEGMENT_MESSAGES + 1
    spool.close()


def test_the_disk_gets_back_what_is_trimmed(tmp_path: Path) -> None:
    spool, most = Spool(tmp_path), 0
    empty = spool.used_bytes()
    for n in range(40):
        spool.append([arrival(n, 1_000_000)])
        most = max(most, spool.used_bytes())
    assert most > 40_000_000
    while spool.trimmed < spool.last:
        spool.trim(spool.trimmed + 1)
    assert spool.used_bytes() < empty + 100_000
    for _ in range(20):
        spool.trim(spool.last)
    spool.close()
    assert (tmp_path / FILE).stat().st_size < most / 2


def test_one_process_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(SpoolInUseError):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()


WRITER = """
import sys
from pathlib import Path
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.spool import Spool

spool = Spool(Path(sys.argv[1]))
n = int(sys.argv[2])
while True:
    count = n % 7 + 1
    spool.append([Arrival(b"t", b"x" * 500, n + each) for each in range(count)])
    n += count
    print(n, flush=True)
    if n % 5 == 0:
        spool.trim(spool.trimmed + 3)
"""


def test_sigkill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rng, acknowledged = random.Random(20260301), 0
    for _ in range(12):
        words = [sys.executable, "-c", WRITER, str(tmp_path), str(acknowledged)]
        writer = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        said = [int(writer.stdout.readline())]
        timer = threading.Timer(rng.uniform(0.0, 0.06), os.kill, (writer.pid, signal.SIGKILL))
        timer.start()
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        spool = Spool(tmp_path)
        found = numbers(everything(spool))
        assert found == list(range(found[0], found[-1] + 1)), "in order, without a gap or a repeat"
        assert found[-1] + 1 >= said[-1], "an acknowledged message is missing"
        acknowledged = found[-1] + 1
        spool.close()


def damage(path: Path, at: int, length: int = 2000) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(length))


def filled(folder: Path, count: int = 150) -> None:
    spool = Spool(folder)
    for n in range(count):
        spool.append([arrival(n, 1000)])
    spool.close()


def test_a_file_that_is_no_spool_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(os.urandom(10_000))
    spool = Spool(tmp_path)
    assert spool.damage and spool.damage.kept_as and spool.damage.kept_as.stat().st_size == 10_000
    assert spool.append([arrival(1)]) == spool.last
    assert numbers(everything(spool)) == [1]
    spool.close()


def test_a_damaged_segment_costs_only_itself(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as database:
        rowid = database.execute("SELECT first FROM segment ORDER BY first LIMIT 1 OFFSET 70").fetchone()[0]
        database.execute("UPDATE segment SET messages = zeroblob(length(messages)) WHERE first = ?", (rowid,))
    database.close()
    spool = Spool(tmp_path)
    with pytest.raises(SpoolCorruptError, match="checksum") as caught:
        everything(spool)
    error = spool.begin_anew(caught.value)
    assert error.salvaged == 149
    assert numbers(everything(spool)) == [n for n in range(150) if n != 70]
    spool.close()


@pytest.mark.parametrize("seed", range(5))
def test_of_a_damaged_file_the_readable_part_is_taken_over(tmp_path: Path, seed: int) -> None:
    filled(tmp_path)
    rng = random.Random(seed)
    size = (tmp_path / FILE).stat().st_size
    damage(tmp_path / FILE, rng.randrange(8192, size - 10_000))
    spool = Spool(tmp_path)
    before = spool.last
    for _ in range(3):
        try:
            found = everything(spool)
            break
        except SpoolCorruptError as error:
            told = spool.begin_anew(error)
            assert told.kept_as and told.kept_as.exists()
    assert set(numbers(found)) <= set(range(150))
    assert len(found) == len(set(numbers(found)))
    assert all(each == arrival(each.received_us, 1000) for _, each in found)
    if spool.generation:
        assert found[0][0] > before, "positions are never used twice"
        assert len(found) > 40
    assert spool.append([arrival(1000)]) == spool.last
    spool.close()


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool._database.execute("PRAGMA max_page_count = 40")  # SQLite's own way to run out of space
    kept = 0
    with pytest.raises(StorageFullError):
        while True:
            spool.append([arrival(kept, 5000)])
            kept += 1
    for _ in range(3):
        with pytest.raises(StorageFullError):
            spool.append([arrival(n, 5000) for n in range(10)])
    assert numbers(everything(spool)) == list(range(kept))
    spool.trim(spool.trimmed + kept // 2)
    spool.append([arrival(kept, 5000)])
    assert numbers(everything(spool))[-1] == kept
    spool.close()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from lics_actors.errors import StorageFullError
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.spool import Spool

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        spool.append([Arrival(b"t", b"x" * 1000, kept)])
        kept += 1
except StorageFullError:
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append([Arrival(b"t", b"x" * 1000, kept)])
print(kept + 1)
spool.close()
"""


def test_a_write_that_the_system_refuses_can_be_made_again(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)], capture_output=True, text=True, check=True
    )
    spool = Spool(tmp_path)
    assert numbers(everything(spool)) == list(range(int(said.stdout)))
    spool.close()


def test_reading_goes_on_beside_writing(tmp_path: Path) -> None:
    spool, seen, done = Spool(tmp_path), [], threading.Event()

    def ship() -> None:
        after = spool.trimmed
        while True:
            ending = done.is_set()
            found = read_spool(spool.path, after, 50, MANY)
            seen.extend(numbers(found))
            after = found[-1][0] if found else after
            if ending and not found:
                return

    thread = threading.Thread(target=ship)
    thread.start()
    for n in range(0, 900, 3):
        spool.append([arrival(n), arrival(n + 1), arrival(n + 2)])
    done.set()
    thread.join()
    assert seen == list(range(900))
    spool.close()
