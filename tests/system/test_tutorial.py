"""The tutorial, typed as it stands: its commands and its files come out of docs/tutorial.md, and each must do what is said."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lics_actors.services.broker import mosquitto_program
from tests.waiting import wait_until

HOME = Path(__file__).resolve().parents[2]
TEXT = (HOME / "docs" / "tutorial.md").read_text()
FILE = re.compile(r"`(\S+\.(?:yaml|py))`[^`]*\n\n```(?:yaml|python)\n(.*?)```", re.DOTALL)
UP = "./lics up --demo"
LIVE_S, TYPED_S = 120.0, 400.0  # a minute or so on a machine that is idle


def commands() -> list[str]:
    """Return what is to be typed, in order."""
    outside = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    return [line.strip() for line in outside.splitlines() if line.startswith("    ")]


def files() -> dict[str, str]:
    """Return the files that are to be written."""
    return dict(FILE.findall(TEXT))


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """A place like a checkout: `./lics` is LICS, `.venv/bin/python` and `python3` the interpreter that has it."""
    (data_dir / ".venv" / "bin").mkdir(parents=True)
    python, path = shlex.quote(sys.executable), shlex.quote(str(HOME))
    for name, words in (("lics", f"PYTHONPATH={path} exec {python} -P -m lics_actors"), (".venv/bin/python", f"exec {python}")):
        (data_dir / name).write_text(f'#!/bin/sh\n{words} "$@"\n')
        (data_dir / name).chmod(0o755)
    return data_dir


@pytest.fixture
def environment(folder: Path, free_port: Callable[[], int]) -> dict[str, str]:
    ports = {name: str(free_port()) for name in ("LICS_PORT", "PROMETHEUS_PORT", "LICS_FLEET_PORT")}
    fast = {"LICS_SUBJECT_SPEED": "5"}  # of a mouse, whose time is not what is tested
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "LICS_DATA_DIR": str(folder / "lab"), "COLUMNS": "200", **ports, **fast}


@pytest.fixture
def laboratory(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Its first command, in a terminal of its own."""
    output = folder / "output"
    with output.open("wb") as said:
        process = subprocess.Popen(shlex.split(UP), cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: process.poll() is not None or "Ctrl-C stops everything" in output.read_text(), LIVE_S)
        assert process.poll() is None, output.read_text()
        yield folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.linux
@pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed; the demo on amqtt is tested in test_up")
@pytest.mark.timeout(600)
def test_a_newcomer_gets_from_nothing_to_a_data_file(laboratory: Path, environment: dict[str, str]) -> None:
    typed = commands()
    assert typed[0] == UP and len(typed) > 10
    for name, content in files().items():
        (laboratory / name).write_text(content)
    wait_until(lambda: "cage-5" in _typed("./lics run list", laboratory, environment), LIVE_S, "the demo's runs are under way")
    said = _typed("set -e\n" + "\n".join(f"echo '$ {n}'; {line}" for n, line in enumerate(typed[1:])), laboratory, environment)
    assert "two_choice" in said and "cage-5-mouse" in said  # what runs in the demo
    assert said.count("replay       identical") == 2
    assert "completed" in said and "10 trials" in said
    assert "identical: every decision follows from the record" in said
    assert "ada" in said and said.count("correct") >= 10  # in the table that was read from the file


def _typed(text: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, timeout=TYPED_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_file_and_command_is_found_in_the_text() -> None:
    assert set(files()) == {"choice.yaml", "look.py"}
    assert not [line for line in commands() if not line.startswith(("./lics ", ".venv/bin/python "))]
