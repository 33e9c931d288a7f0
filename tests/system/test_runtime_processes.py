"""Whoever is killed, nothing is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lics_actors.runtime import process
from tests.system.runtime_fleet import launcher, running_fleet, seconds_until_gone
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.linux
GONE_WITHIN_S = 15.0  # the kernel tells them: it is a matter of milliseconds, and of when the machine has time for us


def test_everything_dies_with_the_launcher(data_dir: Path) -> None:
    with running_fleet(data_dir, 3) as fleet:
        everyone = fleet.running()
        assert {one.role for one in everyone} >= {"admin", "fleet", "leaf-0", "leaf-1", "leaf-2"}
        assert len(everyone) == 6  # the logger is the sixth
        os.kill(fleet.launcher.pid, signal.SIGKILL)
        assert seconds_until_gone(everyone) < GONE_WITHIN_S


def test_children_die_with_their_supervisor_and_the_launcher_hears_of_it(data_dir: Path) -> None:
    with running_fleet(data_dir, 3) as fleet:
        leaves = [one for one in fleet.running() if one.role.startswith("leaf")]
        assert len(leaves) == 3
        os.kill(fleet.root_pid, signal.SIGKILL)
        assert seconds_until_gone(leaves) < GONE_WITHIN_S
        assert "died" in fleet.next_line()
        assert fleet.next_line() == {"ended": True}
        assert fleet.launcher.wait(PATIENCE_S) == 3
        assert fleet.running() == []


def test_everything_dies_with_the_admin_and_the_launcher_hears_of_it(data_dir: Path) -> None:
    with running_fleet(data_dir, 2) as fleet:
        everyone = fleet.running()
        os.kill(fleet.admin_pid, signal.SIGKILL)
        assert seconds_until_gone(everyone) < GONE_WITHIN_S
        assert "died" in fleet.next_line()


def test_the_port_is_free_after_a_killed_launcher(data_dir: Path) -> None:
    with running_fleet(data_dir, 1) as first:
        everyone = first.running()
        os.kill(first.launcher.pid, signal.SIGKILL)
        seconds_until_gone(everyone)
        with running_fleet(data_dir, 1, port=first.port) as second:
            assert second.stop()["orderly"] is True


def test_leftovers_are_killed_and_strangers_spared(data_dir: Path) -> None:
    leftover, stranger = os.fork(), 0
    if leftover == 0:
        signal.pause()
        os._exit(0)
    stranger = os.fork()
    if stranger == 0:
        signal.pause()
        os._exit(0)
    try:
        lines = [f"{leftover} {process.start_mark(leftover)} leaf-9", f"{stranger} 1@00000000 leaf-8", "torn li"]
        (data_dir / "pids").write_text("\n".join(lines))
        with launcher(data_dir, "0") as fleet:
            assert "launched" in fleet.next_line()
            assert process.start_mark(leftover) is None
            assert process.start_mark(stranger) is not None
            fleet.stop()
    finally:
        for pid in (leftover, stranger):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
