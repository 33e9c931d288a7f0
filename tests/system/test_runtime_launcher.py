"""The launcher starts cleanly, refuses clearly, and leaves nothing."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from lics_actors.runtime.peer import Peer
from lics_actors.services.ports import free_port
from tests.system.runtime_fleet import launcher, running_fleet
from tests.waiting import wait_until


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_after_a_stop_no_process_no_port_and_no_file_is_left(data_dir: Path) -> None:
    with running_fleet(data_dir, 3) as fleet:
        assert not port_is_free(fleet.port)
        everyone = fleet.running()
        last = fleet.stop()
        assert last["orderly"] is True
        assert last["seconds"] < 10, "nobody was waited for until his time was over"
        assert fleet.launcher.returncode == 0
        assert [one for one in everyone if Path(f"/proc/{one.pid}").exists()] == []  # not even a zombie
        assert port_is_free(fleet.port)
        assert not (data_dir / "pids").exists()


def test_a_hung_leaf_does_not_keep_it_from_stopping(data_dir: Path) -> None:
    with running_fleet(data_dir, 2, "--stop-timeout", "1") as fleet:
        os.kill(fleet.leaf_pids[0], signal.SIGSTOP)
        last = fleet.stop()
        assert last["orderly"] is False
        assert last["seconds"] < 10
        assert fleet.running() == []
        assert port_is_free(fleet.port)


def test_a_second_launcher_says_that_one_is_running(data_dir: Path) -> None:
    with running_fleet(data_dir, 1) as first:
        with launcher(data_dir, "1") as second:
            refused = second.next_line()
            assert refused["failed"] == "AlreadyRunningError"
            assert f"process {first.launcher.pid}" in refused["message"]
        assert first.launcher.poll() is None


def test_a_taken_port_is_refused_by_name_and_left_alone(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with launcher(data_dir, "1", port=port) as fleet:
            refused = fleet.next_line()
        assert refused["failed"] == "PortTakenError"
        assert f"process {os.getpid()}" in refused["message"]
        assert "LICS_FLEET_PORT" in refused["message"]


def test_another_fleet_on_the_same_port_is_not_joined(data_dir: Path, tmp_path: Path) -> None:
    with running_fleet(data_dir, 1) as first:
        with launcher(tmp_path, "1", port=first.port) as second:
            assert second.next_line()["failed"] == "PortTakenError"
        assert first.stop()["orderly"] is True


def test_a_launcher_with_threads_is_refused(data_dir: Path) -> None:
    with launcher(data_dir, "1", "--thread") as fleet:
        refused = fleet.next_line()
        assert refused["failed"] == "NotSingleThreadedError"
        assert "left over" in refused["message"]


@pytest.mark.parametrize(
    ("spec", "options", "says"),
    [
        ("fail", (), "RuntimeError: no such laboratory"),
        ("die", (), "died before it had begun"),
        ("1", ("--unmakeable",), "died before it had begun"),
        ("hang", ("--begin-timeout", "0.5"), "did not begin in time"),
    ],
)
def test_a_root_that_does_not_begin_is_told_and_nothing_is_left(
    data_dir: Path, spec: str, options: tuple[str, ...], says: str
) -> None:
    port = free_port()
    with launcher(data_dir, spec, *options, port=port) as fleet:
        refused = fleet.next_line()
        assert refused["failed"] == "LaunchError"
        assert says in refused["message"]
        wait_until(lambda: fleet.launcher.poll() == 1)
        assert fleet.running() == []
        assert port_is_free(port)


async def test_what_actors_print_and_log_goes_to_stderr(data_dir: Path) -> None:
    with running_fleet(data_dir, 0) as fleet:
        peer = await Peer.open()
        assert fleet.root is not None
        await peer.ask(fleet.root, ("print",), 5)
        await peer.close()
        assert fleet.stop().keys() == {"orderly", "seconds"}  # else the printed line came first, and was no JSON
    said = (data_dir / "stderr").read_text()
    assert "an actor prints" in said
    assert "WARNING an.actor an actor logs" in said  # the launcher's own format
