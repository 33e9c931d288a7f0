"""What a process said, read when it is dead."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lics_actors.runtime.lastwords import MAX_BYTES, LastWords, LastWordsHandler, read_last_words

DIES = """
import logging, os, pathlib, signal, sys
from lics_actors.runtime.lastwords import take_down
logging.basicConfig(level=logging.INFO)
take_down(pathlib.Path(sys.argv[1]))
take_down(pathlib.Path(sys.argv[1]))  # as a child does that was forked with its parent's
logging.getLogger("cage").warning("door open", extra={"door": 3, "token": "s3cret"})
try:
    raise ValueError("no such door")
except ValueError:
    logging.getLogger("cage").exception("failed")
os.kill(os.getpid(), getattr(signal, sys.argv[2]))
"""


@pytest.mark.parametrize("number", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_killed_process_leaves_what_it_said_and_where_it_was(tmp_path: Path, number: str) -> None:
    path = tmp_path / "crashes" / "a.words"
    ended = subprocess.run([sys.executable, "-c", DIES, path, number], capture_output=True, check=False, cwd=Path.cwd())
    assert ended.returncode < 0
    words = read_last_words(path)
    assert [(said.level, said.text) for said in words.said] == [
        ("WARNING", "cage: door open door=3 token=***"),
        ("ERROR", "cage: failed"),
    ]
    assert "ValueError: no such door" in (words.said[1].traceback or "")
    assert (words.stacks is None) == (number == "SIGKILL")


def test_the_file_stays_small_and_keeps_what_was_said_last(tmp_path: Path) -> None:
    handler = LastWordsHandler(tmp_path / "a.words")
    for number in range(2000):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 1, "line %s %s", (number, "y" * 100), None))
        assert (tmp_path / "a.words").stat().st_size <= MAX_BYTES
    os.close(handler.descriptor)
    said = read_last_words(tmp_path / "a.words", 5).said
    assert [each.text.split()[2] for each in said] == [str(number) for number in range(1995, 2000)]


def test_nothing_and_rubbish_are_read_as_what_they_are(tmp_path: Path) -> None:
    assert read_last_words(tmp_path / "none") == LastWords()
    (tmp_path / "odd").write_bytes(b'\xff\n{"at": 1.0, "level": "INFO", "text": "x"}\n{"at":')
    words = read_last_words(tmp_path / "odd")
    assert [said.text for said in words.said] == ["x"] and words.stacks is not None


def test_a_disk_that_takes_nothing_ends_nobody(tmp_path: Path) -> None:
    handler = LastWordsHandler(tmp_path / "a.words")
    os.close(handler.descriptor)
    handler.emit(logging.LogRecord("x", logging.INFO, "", 1, "lost", (), None))
    with pytest.raises(OSError):
        LastWordsHandler(tmp_path / "a.words" / "b")
