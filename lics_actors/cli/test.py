"""`lics test`: the whole suite of a checkout, with its own servers on free ports."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from lics_actors.cli.output import console, fail

app = typer.Typer()
HOME = Path(__file__).resolve().parents[2]
MOST_WORKERS = 4  # each brings servers of its own


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def test(
    context: typer.Context,
    repeat: Annotated[int, typer.Option("--repeat", min=1, max=1000, help="run so often, until it fails: finds luck")] = 1,
) -> None:
    """Run the test suite of this checkout; further words go to pytest (`lics test -k journal -x`).

    Without any: unit and contract tests side by side on all cores, system tests on three of four, and last, one by one, those
    that measure or load the machine.
    """
    if not (HOME / "tests" / "conftest.py").exists():
        fail("the tests are in the source checkout, not in the installed package", "git clone the repository; there: ./lics test")
    if importlib.util.find_spec("pytest") is None:
        fail("pytest is not installed here", "./lics test, which installs requirements-dev.lock first; or install that file")
    started = time.monotonic()
    for number in range(1, repeat + 1):
        code = max(_pytest(words) for words in ([context.args] if context.args else _stages()))
        console.print(f"{time.monotonic() - started:.0f} s{f', run {number} of {repeat}' if repeat > 1 else ''}", style="dim")
        if code:
            raise SystemExit(code)


def _stages() -> list[list[str]]:
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    return [
        [*_beside(workers), "tests/unit", "tests/contract"],
        [*_beside(workers - workers // 4), "-m", "not alone", "tests/system"],
        ["-m", "alone", "tests/system"],
    ]


def _beside(workers: int) -> list[str]:
    """Return how to run so many at once: in the order of the collection, and to an end also when one of them crashes."""
    return ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder", "--max-worker-restart=0"] if workers > 1 else []


def _pytest(words: list[str]) -> int:
    code = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=HOME, env=_environment(), check=False).returncode
    return code if code >= 0 else 1  # negative: ended by a signal


def _environment() -> dict[str, str]:
    """Return the environment without the user's laboratory: tests must never touch it."""
    ours = {"DATABASE_URL", "REDIS_URL", "JWT_SECRET", "DEBUG", "LOG_LEVEL", "ENABLE_METRICS", "PROMETHEUS_PORT"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("LICS_TEST_") or not (name in ours or name.startswith(("LICS_", "MQTT_", "MINIO_")))
    }
    return {**kept, "PYTHONPATH": str(HOME)}
