"""`lics test --repeat N PATH`: the same tests again and again, until they fail once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
LUCKY = """
from pathlib import Path

def test_luck():
    runs = Path(__file__).with_name("runs")
    runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
    assert len(runs.read_text()) < 3
"""


def repeated(folder: Path, times: int) -> tuple[int, int]:
    """Run a test that fails the third time; return the exit code and how often it ran."""
    path = folder / "test_lucky.py"
    path.write_text(LUCKY)
    words = [sys.executable, "-P", "-m", "lics_actors", "test", "--repeat", str(times), str(path), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": str(HOME)}, capture_output=True, check=False, timeout=110
    )
    return done.returncode, len((folder / "runs").read_text())


def test_it_runs_so_often(tmp_path: Path) -> None:
    assert repeated(tmp_path, 2) == (0, 2)


def test_it_ends_when_luck_does(tmp_path: Path) -> None:
    assert repeated(tmp_path, 9) == (1, 3)
