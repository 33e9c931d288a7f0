"""A recorder has a bounded number of journals open, and none that is gone."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from lics_actors.journal import Journal, JournalError, journal_files, journal_path
from lics_actors.recorder.readers import Readers


def journals(folder: Path, count: int) -> list[Path]:
    paths = [journal_path(folder, f"run-{n}") for n in range(count)]
    for path in paths:
        Journal(path).close()
    return paths


def held(folder: Path) -> int:
    """Return how many journals of the folder this process has open."""
    return len({each.path for each in psutil.Process().open_files() if Path(each.path) in journal_files(folder)})


def test_the_one_used_longest_ago_is_closed_for_another(tmp_path: Path) -> None:
    readers, paths = Readers(3), journals(tmp_path, 5)
    first = readers.open(paths[0])
    for path in paths[1:3]:
        readers.open(path)
    assert readers.open(paths[0]) is first, "used again"
    readers.open(paths[3])
    assert len(readers) == held(tmp_path) == 3
    assert readers.open(paths[0]) is first, "it was the second that was closed"
    readers.close()
    assert (len(readers), held(tmp_path)) == (0, 0)


def test_what_is_gone_is_closed(tmp_path: Path) -> None:
    readers, paths = Readers(10), journals(tmp_path, 4)
    for path in paths:
        readers.open(path)
    readers.keep(paths[1:3])
    assert held(tmp_path) == len(readers) == 2
    paths[0].unlink()
    with pytest.raises(JournalError):
        readers.open(paths[0])
    readers.forget(paths[0])
    readers.close()
