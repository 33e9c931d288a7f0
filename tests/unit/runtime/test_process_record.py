"""The pid file: who is in it, and who of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.runtime import process
from tests.waiting import wait_until

WATCHED = """
import os, sys
from lics_actors.runtime import process
parent = os.getpid()
child = os.fork()
if child == 0:
    process.watch_parent(parent, 0.02)
print(child, flush=True)
sys.stdin.read()
"""
LATE = """
import os, time
from lics_actors.runtime import process
process.die_with_parent(int(os.environ["PARENT"]))
print("outlived")
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield child
    child.kill()
    child.wait()


def line(pid: int, started: str | None, role: str = "leaf") -> str:
    return f"{pid} {started} {role}\n"


def test_whoever_is_in_it_is_killed(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"
    mark = process.start_mark(sleeper.pid)
    pid_file.write_text(line(sleeper.pid, mark) + line(sleeper.pid, mark, "renamed"))
    assert [one.role for one in process.running(pid_file)] == ["renamed"]
    assert process.kill_recorded(pid_file) == 1
    assert process.wait_until_gone(pid_file, 5) == []
    assert sleeper.wait(5) == -signal.SIGKILL
    assert process.kill_recorded(pid_file) == 0


def test_a_later_process_with_the_same_pid_is_spared(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"
    mark = process.start_mark(sleeper.pid)
    assert mark is not None
    ticks, _, boot = mark.partition("@")
    other_times = [f"{int(ticks) - 1}@{boot}", f"{ticks}@{'0' * len(boot)}", "None", ""]
    pid_file.write_text("".join(line(sleeper.pid, other) for other in other_times))
    assert process.kill_recorded(pid_file) == 0
    assert sleeper.poll() is None


def test_nobody_kills_himself(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"
    pid_file.write_text(line(os.getpid(), process.start_mark(os.getpid())))
    assert process.kill_recorded(pid_file) == 0


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen(["true"])  # and nobody has waited for it
    wait_until(lambda: Path(f"/proc/{child.pid}/stat").read_text().split()[2] == "Z")
    assert process.start_mark(child.pid) is None
    child.wait()


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert process.recorded(tmp_path / "none") == []
    assert process.kill_recorded(tmp_path / "none") == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_file_is_read_without_harm(tmp_path: Path, content: bytes) -> None:
    pid_file = tmp_path / "pids"
    pid_file.write_bytes(content)
    for one in process.recorded(pid_file):
        assert one.pid >= 0
    process.running(pid_file)


def test_where_the_kernel_does_not_tell_the_parent_is_watched() -> None:
    words = [sys.executable, "-c", WATCHED]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        mark = process.start_mark(child)
        assert mark is not None
        parent.kill()
        wait_until(lambda: not process.process_exists(child, mark))


@pytest.mark.linux
def test_a_parent_that_died_before_the_call_is_noticed() -> None:
    tried = subprocess.run(
        [sys.executable, "-c", LATE], env={**os.environ, "PARENT": "1"}, capture_output=True, text=True, check=False, timeout=20
    )
    assert tried.returncode == -signal.SIGKILL
    assert tried.stdout == ""
