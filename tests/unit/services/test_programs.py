"""The Procfile, ports, and the lock of the data directory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from lics_actors.services.lock import DataDirLock, HeldError, Holder, running_holder
from lics_actors.services.ports import PortMemory, free_port, is_free
from lics_actors.services.preflight import taken_port, unusable_data_dir
from lics_actors.services.programs import HOME, PROCFILE, command_words, read_procfile


def test_the_procfile_says_what_an_installed_package_runs() -> None:
    assert (HOME / "Procfile").read_text() == PROCFILE
    assert list(read_procfile()) == ["release", "fleet", "web"]


def test_a_procfile_is_read_with_comments_and_colons(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# ours\n\nweb: lics web --host ::1\nother:  sleep 1\n")
    assert read_procfile(tmp_path) == {"web": "lics web --host ::1", "other": "sleep 1"}
    assert command_words("lics web")[:4] == [sys.executable, "-P", "-m", "lics_actors"]
    assert command_words("sleep 1") == ["/bin/sh", "-c", "exec sleep 1"]


def test_a_port_is_remembered_until_it_is_taken(tmp_path: Path) -> None:
    memory = PortMemory(tmp_path / "ports.json")
    first = memory.pick("postgres")
    assert PortMemory(tmp_path / "ports.json").pick("postgres") == first
    with socket.create_server(("127.0.0.1", first)):
        assert not is_free(first)
        other = memory.pick("postgres")
        assert other != first
    assert memory.pick("postgres") == other


@pytest.mark.parametrize("text", ["", "[1]", '{"postgres": "x"}', '{"postgres": 99999999}', "{"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    port = PortMemory(tmp_path / "ports.json").pick("postgres", preferred=free_port())
    assert json.loads((tmp_path / "ports.json").read_text())["postgres"] == port


def test_a_taken_port_is_told_with_its_setting_and_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = Settings(port=port, fleet_port=free_port(), prometheus_port=0)
        obstacle = taken_port(settings, grace_s=0)
    assert obstacle is not None
    assert f"port {port} on 127.0.0.1 is in use" in obstacle.sentence
    assert str(os.getpid()) in obstacle.sentence
    assert "LICS_PORT=" in obstacle.next_step
    assert taken_port(settings, grace_s=0) is None


def test_an_unusable_data_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    obstacle = unusable_data_dir(tmp_path / "file" / "below")
    assert obstacle is not None
    assert "LICS_DATA_DIR" in obstacle.next_step
    assert unusable_data_dir(tmp_path / "new" / "below") is None


def test_the_lock_is_one_holders_and_falls_with_it(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from lics_actors.services.lock import *;"
        "DataDirLock(pathlib.Path(sys.argv[1])).take(Holder(1234, 'http://there')); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=HOME)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(HeldError) as held:
        DataDirLock(tmp_path).take(Holder(1, "http://here"))
    assert held.value.holder == running_holder(tmp_path) == Holder(1234, "http://there")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert running_holder(tmp_path) is None
    lock = DataDirLock(tmp_path)
    lock.take(Holder(1, "http://here"))
    lock.release()
    lock.release()
    assert running_holder(tmp_path) is None
